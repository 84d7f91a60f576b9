// `ipvs marks export`, `import`, `find` and `allocate`: exchange with nft and iptables, and marks of other programs.
import type { AllocateMarkOptions, FirewallMarks, NatRule } from 'ipvs'
import type { Command } from 'commander'
import { inputName, readText, writeText } from '../shared/files.ts'
import type { Context } from '../shared/context.ts'
import { json } from '../shared/format.ts'
import { readPacketFilter } from '../../state/packet-filter.ts'
import { markRuleText, natRuleText } from '../../state/rule-text.ts'
import { renderFound } from './rule-tables.ts'

function registerExport(marks: Command, context: Context): void {
  marks
    .command('export')
    .argument('[file]', 'output file; default: standard output')
    .description("print the table in nft's syntax, for `nft -f`")
    .addHelpText('after', '\nExamples:\n  ipvs marks export\n  ipvs marks export /etc/ipvs-marks.nft')
    .action(async (file: string | undefined, _options: object, command: Command) =>
      context.withMarks(command, async (handle) => {
        await writeText(file, await handle.export(), context.streams)
      }),
    )
}

const importHelp = `
Only rules that every packet meets are added. The rules of the other packet filter stay: remove them when the new ones are there.

Examples:
  ipvs marks import --dry-run /etc/iptables/rules.v4
  iptables-save | ipvs marks import
  nft -j list ruleset | ipvs marks import`

// Two transactions: if the second one fails, the first one was made.
async function addNatAfter(
  marks: number,
  handle: FirewallMarks,
  nat: readonly NatRule[],
  context: Context,
): Promise<void> {
  try {
    await handle.addNat(nat)
  } catch (error) {
    context.streams.error(`ipvs: the mark rules were added (${marks}), the rules for NAT were not:\n`)
    throw error
  }
}

function registerImport(marks: Command, context: Context): void {
  marks
    .command('import')
    .argument('[file]', 'output of iptables-save, ip6tables-save or "nft -j list ruleset"; default: standard input')
    .description('add the marks, masquerades and redirects of another packet filter; what is not taken over is printed')
    .option('--dry-run', 'only print the rules, as arguments of "marks add" and "marks nat add"')
    .addHelpText('after', importHelp)
    .action(async (file: string | undefined, options: { dryRun?: true }, command: Command) => {
      const name = inputName(file)
      const { marks: rules, nat, remarks } = readPacketFilter(await readText(file, context.streams))
      for (const { line, text } of remarks) context.streams.error(`${name}:${line}: ${text}\n`)
      if (options.dryRun === true) {
        const lines = [...rules.map(markRuleText), ...nat.map((rule) => natRuleText(rule))]
        context.streams.out(lines.map((line) => `${line}\n`).join(''))
        return
      }
      await context.withMarks(command, async (handle) => {
        if (rules.length > 0) await handle.add(rules)
        if (nat.length > 0) await addNatAfter(rules.length, handle, nat, context)
      })
    })
}

function registerFind(marks: Command, context: Context): void {
  marks
    .command('find')
    .description('list marks that rules of other nf_tables tables set; "?" is a mark that depends on the packet')
    .option('--json', 'as JSON')
    .addHelpText('after', '\nRules of iptables-legacy cannot be seen.\n\nExample:\n  ipvs marks find')
    .action(async (options: { json?: true }, command: Command) =>
      context.withMarks(command, async (handle) => {
        const found = await handle.findMarks()
        context.streams.out(options.json ? `${json(found, 2)}\n` : renderFound(found, context.streams))
      }),
    )
}

function registerAllocate(marks: Command, context: Context): void {
  marks
    .command('allocate')
    .description('print an unused mark; it is not reserved')
    .option('--from <mark>', 'the first candidate')
    .option('--to <mark>', 'the last candidate')
    .addHelpText('after', '\nExample:\n  ipvs marks add $(ipvs marks allocate --from 100) 172.16.0.100 tcp 80')
    .action(async (options: Pick<AllocateMarkOptions, 'from' | 'to'>, command: Command) =>
      context.withMarks(command, async (handle) => {
        context.streams.out(`${await handle.allocateMark(options)}\n`)
      }),
    )
}

export function registerExchange(marks: Command, context: Context): void {
  registerExport(marks, context)
  registerImport(marks, context)
  registerFind(marks, context)
  registerAllocate(marks, context)
}
