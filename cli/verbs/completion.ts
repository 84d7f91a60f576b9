// `ipvs completion`: completion code for shells.
import { Argument, type Command } from 'commander'
import type { Context } from '../shared/context.ts'

/** The words that can follow a command. */
interface Level {
  /** The command: `add service`. */
  readonly path: string
  readonly words: readonly string[]
}

/** All commands with the words that can follow them; `--netns` can follow every command. */
export function levels(command: Command, path: string[] = []): Level[] {
  const help = command.createHelp()
  const visible = help.visibleCommands(command).filter((each) => each.name() !== 'help')
  const flags = help.visibleOptions(command).flatMap(({ long }) => (long ? [long] : []))
  const words = [...visible.map((each) => each.name()), ...flags, ...(path.length > 0 ? ['--netns'] : [])]
  return [{ path: path.join(' '), words }, ...visible.flatMap((each) => levels(each, [...path, each.name()]))]
}

const cases = (all: readonly Level[]): string =>
  all.map(({ path, words }) => `    '${path}') words='${words.join(' ')}' ;;`).join('\n')

function bash(all: readonly Level[]): string {
  return `_ipvs() {
  local current=\${COMP_WORDS[COMP_CWORD]} path='' words='' word
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$path $word" in
${all.flatMap(({ path }) => (path === '' ? [] : [`      ' ${path}'|'${path}') path='${path}' ;;`])).join('\n')}
    esac
  done
  case "$path" in
${cases(all)}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _ipvs ipvs
`
}

function zsh(all: readonly Level[]): string {
  return `autoload -U +X bashcompinit && bashcompinit\n${bash(all)}`
}

function fish(all: readonly Level[]): string {
  const lines = all.flatMap(({ path, words }) => {
    const used = path.split(' ').filter((word) => word !== '')
    const seen = used.map((word) => `__fish_seen_subcommand_from ${word}`)
    const below = all.filter((each) => each.path !== path && each.path.startsWith(path === '' ? '' : `${path} `))
    const next = new Set(below.map((each) => each.path.split(' ')[used.length] ?? ''))
    const unseen = next.size === 0 ? [] : [`not __fish_seen_subcommand_from ${[...next].join(' ')}`]
    const condition = [...seen, ...unseen].join('; and ') || 'true'
    return words.map((word) =>
      word.startsWith('--')
        ? `complete -c ipvs -n '${condition}' -l ${word.slice(2)}`
        : `complete -c ipvs -f -n '${condition}' -a ${word}`,
    )
  })
  return `${lines.join('\n')}\n`
}

const shells = { bash, zsh, fish }

export function registerCompletion(program: Command, context: Context): void {
  program
    .command('completion')
    .addArgument(new Argument('<shell>', 'the shell').choices(Object.keys(shells)))
    .description('print completion code for a shell')
    .addHelpText(
      'after',
      '\nExamples:\n  ipvs completion bash > /etc/bash_completion.d/ipvs\n  ipvs completion fish | source',
    )
    .action((shell: keyof typeof shells) => context.streams.out(shells[shell](levels(program))))
}
