// `ipvs marks`: the rules that give packets their marks.
import { readFile } from 'node:fs/promises'
import { text } from 'node:stream/consumers'
import type { ListedMarkRule, MarkPort, MarkRule, Protocol } from 'ipvs'
import type { Command } from 'commander'
import type { Output } from '../output.ts'
import type { Context } from './context.ts'
import { json, table } from './format.ts'

const columns = ['MARK', 'ADDRESS', 'PROTOCOL', 'PORTS', 'COMMENT'].map((title, at) => ({ title, right: at === 0 }))

/** As they are typed. */
export function portsText(ports: readonly MarkPort[] | 'all'): string {
  return ports === 'all' ? ports : ports.join(',')
}

/** A table of rules. */
export function renderMarks(rules: readonly ListedMarkRule[], output: Output): string {
  const rows = rules.map(({ mark, address, protocol, ports, comment = '' }) => [
    String(mark),
    address,
    protocol,
    portsText(ports),
    comment,
  ])
  return table(columns, rows, output)
}

/** Ports as they are typed: `80,443,10000-20000`. */
export function portsOf(list: string): MarkPort[] {
  return list.split(',').map((each) => (/^\d+$/.test(each) ? Number(each) : (each as MarkPort)))
}

function ruleOf(mark: string, address: string, protocol: string, ports: string, comment: string | undefined): MarkRule {
  return {
    mark,
    address,
    protocol: protocol as Protocol,
    ports: portsOf(ports),
    ...(comment !== undefined && { comment }),
  }
}

function ruleArguments(command: Command): Command {
  return command
    .argument('<mark>', 'the mark')
    .argument('<address>', 'an address, a block or a range')
    .argument('<protocol>', 'tcp, udp or sctp')
    .argument('<ports>', '80,443,10000-20000')
}

function registerReading(marks: Command, context: Context): void {
  marks
    .command('list')
    .description('all rules')
    .option('--json', 'as JSON, for replace')
    .addHelpText('after', '\nExample:\n  ipvs marks list')
    .action(async (options: { json?: true }, command: Command) =>
      context.withMarks(command, async (handle) => {
        const rules = await handle.list()
        context.output.out(options.json ? `${json(rules, 2)}\n` : renderMarks(rules, context.output))
      }),
    )
}

function registerChanging(marks: Command, context: Context): void {
  ruleArguments(marks.command('add'))
    .option('--comment <text>', 'for people')
    .description('add a rule')
    .addHelpText('after', '\nExample:\n  ipvs marks add 7 172.16.0.100 tcp 80,443')
    .action(async (mark: string, address: string, protocol: string, ports: string, { comment }, command: Command) =>
      context.withMarks(command, (handle) => handle.add(ruleOf(mark, address, protocol, ports, comment as string))),
    )
  ruleArguments(marks.command('remove'))
    .description('remove a rule')
    .addHelpText('after', '\nExample:\n  ipvs marks remove 7 172.16.0.100 tcp 80,443')
    .action(async (mark: string, address: string, protocol: string, ports: string, _options, command: Command) =>
      context.withMarks(command, (handle) => handle.remove(ruleOf(mark, address, protocol, ports, undefined))),
    )
}

function registerReplacing(marks: Command, context: Context): void {
  marks
    .command('replace')
    .argument('[file]', 'what "marks list --json" prints; default: standard input')
    .description('exactly these rules, in one transaction')
    .addHelpText('after', '\nExample:\n  ipvs marks list --json > marks.json && ipvs marks replace marks.json')
    .action(async (file: string | undefined, _options: object, command: Command) => {
      let rules: MarkRule[]
      try {
        const source = file === undefined ? text(context.output.input) : readFile(file, 'utf8')
        rules = JSON.parse(await source) as MarkRule[]
      } catch (error) {
        command.error(`error: ${file ?? 'standard input'}: ${(error as Error).message}`)
      }
      await context.withMarks(command, (handle) => handle.replace(rules))
    })
}

export function registerMarks(program: Command, context: Context): void {
  const marks = program.command('marks').description('rules that give packets their marks')
  registerReading(marks, context)
  registerChanging(marks, context)
  registerReplacing(marks, context)
}
