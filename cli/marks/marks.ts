// `ipvs marks`: the rules that give packets their marks.
import { IpvsError, type FirewallMarks, type MarkRule, type MarksProblem } from 'ipvs'
import type { Command } from 'commander'
import { FileError, inputName, readText } from '../shared/files.ts'
import type { Context } from '../shared/context.ts'
import { json } from '../shared/format.ts'
import { parseJson } from '../shared/json-text.ts'
import { registerNat } from './nat.ts'
import { registerOthers } from './others.ts'
import { renderMarks } from './rule-tables.ts'
import { portsOf } from '../../state/rule-text.ts'
import { inDocument } from '../shared/verb-wording.ts'

/** The options of a rule, as commander gives them. */
export type RuleOptions = Pick<MarkRule, 'mask' | 'source' | 'interface' | 'counter' | 'comment'>

/** A rule from the words of a command line. */
export function ruleOf(words: readonly (string | undefined)[], options: RuleOptions): MarkRule {
  const [mark = '', address = '', protocol = '', ports] = words
  return { ...options, mark, address, protocol: protocol as MarkRule['protocol'], ports: portsOf(ports) }
}

function ruleArguments(command: Command): Command {
  return command
    .argument('<mark>', 'the mark: 7 or 0x7')
    .argument('<address>', 'where packets go to: an address, a block or a range')
    .argument('<protocol>', 'tcp, udp, sctp, a number, or all')
    .argument('[ports]', '80,443,10000-20000, or all; left out only for the protocol all')
    .option('--mask <mask>', 'set these bits only, such as 0xff; the others stay (IPVS compares the whole mark)')
    .option('--source <address>', 'only packets from there: an address, a block or a range')
    .option('--interface <name>', 'only packets that come in there; eth* for all that begin so')
    .option('--counter', 'count packets and bytes')
    .option('--comment <text>', 'for people')
}

function notInEffect(problems: readonly MarksProblem[]): string {
  const lines = problems.map(({ text }) => `  ${text}\n`)
  return `ipvs: not all of these rules are in effect; "ipvs doctor" says what to do:\n${lines.join('')}`
}

function registerReading(marks: Command, context: Context): void {
  marks
    .command('list')
    .description('all rules')
    .option('--json', 'as JSON, for replace')
    .addHelpText('after', '\nExamples:\n  ipvs marks list\n  ipvs marks list --json | jq .')
    .action(async (options: { json?: true }, command: Command) =>
      context.withMarks(command, async (handle) => {
        const rules = await handle.list()
        context.output.out(options.json ? `${json(rules, 2)}\n` : renderMarks(rules, context.output))
        const { inEffect, problems } = await handle.status()
        if (!inEffect) context.output.error(notInEffect(problems))
      }),
    )
}

const addHelp = `
Rules with --source or --interface prevail over those without.

Examples:
  ipvs marks add 7 172.16.0.100 tcp 80,443
  ipvs marks add 7 172.16.0.100 tcp 80,443 --counter --comment 'the web'
  ipvs marks add 8 172.16.0.100 tcp 80 --source 10.0.0.0/8
  ipvs marks add 9 172.16.0.101 all`

function registerChanging(marks: Command, context: Context): void {
  ruleArguments(marks.command('add'))
    .description('add a rule')
    .addHelpText('after', addHelp)
    .action(async (...given: [...(string | undefined)[], RuleOptions, Command]) => {
      const [options, command] = given.slice(-2) as [RuleOptions, Command]
      await context.withMarks(command, (handle) => handle.add(ruleOf(command.args, options)))
    })
  ruleArguments(marks.command('remove'))
    .description('remove a rule, by the words that added it; whether it counts and its comment do not matter')
    .addHelpText('after', '\nExample:\n  ipvs marks remove 7 172.16.0.100 tcp 80,443')
    .action(async (...given: [...(string | undefined)[], RuleOptions, Command]) => {
      const [options, command] = given.slice(-2) as [RuleOptions, Command]
      await context.withMarks(command, (handle) => handle.remove(ruleOf(command.args, options)))
    })
}

// What is wrong with a rule is wrong with the file.
async function replaceBy(handle: FirewallMarks, rules: readonly MarkRule[], name: string): Promise<void> {
  try {
    await handle.replace(rules)
  } catch (error) {
    if (!(error instanceof IpvsError) || error.attribute?.startsWith('rules[') !== true) throw error
    throw new FileError(`${name}: ${inDocument(error, '')}`, { cause: error })
  }
}

function registerReplacing(marks: Command, context: Context): void {
  marks
    .command('replace')
    .argument('[file]', 'what "marks list --json" prints; default: standard input')
    .description('exactly these rules, in one transaction')
    .addHelpText('after', '\nExample:\n  ipvs marks list --json > marks.json && ipvs marks replace marks.json')
    .action(async (file: string | undefined, _options: object, command: Command) => {
      const rules = parseJson(await readText(file, context.output), inputName(file))
      if (!Array.isArray(rules)) throw new FileError(`${inputName(file)}: is not an array of rules`)
      await context.withMarks(command, (handle) => replaceBy(handle, rules as MarkRule[], inputName(file)))
    })
}

function registerRepair(marks: Command, context: Context): void {
  marks
    .command('repair')
    .description('makes the rules that are there take effect again: creates what is missing around them')
    .addHelpText('after', '\nExample:\n  ipvs marks repair')
    .action(async (_options: object, command: Command) => {
      await context.withMarks(command, (handle) => handle.repair())
    })
}

export function registerMarks(program: Command, context: Context): void {
  const marks = program.command('marks').description('rules that give packets their marks')
  registerReading(marks, context)
  registerChanging(marks, context)
  registerReplacing(marks, context)
  registerRepair(marks, context)
  registerOthers(marks, context)
  registerNat(marks, context)
}
