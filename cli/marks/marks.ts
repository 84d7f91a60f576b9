// `ipvs marks`: the rules that mark packets.
import { IpvsError, type FirewallMarks, type MarkRule, type MarksProblem } from 'ipvs'
import type { Command } from 'commander'
import { FileError, inputName, readText } from '../shared/files.ts'
import type { Context } from '../shared/context.ts'
import { json } from '../shared/format.ts'
import { parseJson } from '../shared/json-text.ts'
import { registerNat } from './nat.ts'
import { registerExchange } from './exchange.ts'
import { renderMarks } from './rule-tables.ts'
import { portsOf } from '../../state/rule-text.ts'
import { inDocument } from '../shared/verb-wording.ts'

/** The options of a rule, from commander. */
export type RuleOptions = Pick<MarkRule, 'mask' | 'source' | 'interface' | 'counter' | 'comment'>

/** A rule from the arguments of a command line. */
export function ruleOf(words: readonly (string | undefined)[], options: RuleOptions): MarkRule {
  const [mark = '', address = '', protocol = '', ports] = words
  return { ...options, mark, address, protocol: protocol as MarkRule['protocol'], ports: portsOf(ports) }
}

function ruleArguments(command: Command): Command {
  return command
    .argument('<mark>', 'the mark: 7 or 0x7')
    .argument('<address>', 'destination of packets: an address, a block or a range')
    .argument('<protocol>', 'tcp, udp, sctp, a number, or all')
    .argument('[ports]', '80,443,10000-20000, or all; optional for the protocol all')
    .option('--mask <mask>', 'set only these bits, such as 0xff (IPVS compares the whole mark)')
    .option('--source <address>', 'only packets from this address, block or range')
    .option('--interface <name>', 'only packets received on this interface; eth* matches a prefix')
    .option('--counter', 'count packets and bytes')
    .option('--comment <text>', 'a comment')
}

function notInEffect(problems: readonly MarksProblem[]): string {
  const lines = problems.map(({ text }) => `  ${text}\n`)
  return `ipvs: some of these rules are not in effect; "ipvs doctor" prints the fix:\n${lines.join('')}`
}

function registerReading(marks: Command, context: Context): void {
  marks
    .command('list')
    .description('list all rules')
    .option('--json', 'as JSON, for replace')
    .addHelpText('after', '\nExamples:\n  ipvs marks list\n  ipvs marks list --json | jq .')
    .action(async (options: { json?: true }, command: Command) =>
      context.withMarks(command, async (handle) => {
        const rules = await handle.list()
        context.streams.out(options.json ? `${json(rules, 2)}\n` : renderMarks(rules, context.streams))
        const { inEffect, problems } = await handle.status()
        if (!inEffect) context.streams.error(notInEffect(problems))
      }),
    )
}

const addHelp = `
Rules with --source or --interface take precedence over rules without.

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
    .description('remove a rule, by the arguments that added it; --counter and --comment are ignored')
    .addHelpText('after', '\nExample:\n  ipvs marks remove 7 172.16.0.100 tcp 80,443')
    .action(async (...given: [...(string | undefined)[], RuleOptions, Command]) => {
      const [options, command] = given.slice(-2) as [RuleOptions, Command]
      await context.withMarks(command, (handle) => handle.remove(ruleOf(command.args, options)))
    })
}

// Reports an invalid rule as an error of the file.
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
    .argument('[file]', 'output of "marks list --json"; default: standard input')
    .description('replace all rules, in one transaction')
    .addHelpText('after', '\nExample:\n  ipvs marks list --json > marks.json && ipvs marks replace marks.json')
    .action(async (file: string | undefined, _options: object, command: Command) => {
      const rules = parseJson(await readText(file, context.streams), inputName(file))
      if (!Array.isArray(rules)) throw new FileError(`${inputName(file)}: is not an array of rules`)
      await context.withMarks(command, (handle) => replaceBy(handle, rules as MarkRule[], inputName(file)))
    })
}

function registerRepair(marks: Command, context: Context): void {
  marks
    .command('repair')
    .description('put existing rules into effect again: create missing chains, jumps and lookups')
    .addHelpText('after', '\nExample:\n  ipvs marks repair')
    .action(async (_options: object, command: Command) => {
      await context.withMarks(command, (handle) => handle.repair())
    })
}

export function registerMarks(program: Command, context: Context): void {
  const marks = program.command('marks').description('rules that mark packets')
  registerReading(marks, context)
  registerChanging(marks, context)
  registerReplacing(marks, context)
  registerRepair(marks, context)
  registerExchange(marks, context)
  registerNat(marks, context)
}
