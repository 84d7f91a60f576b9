// Renders the report of firewall marks as Markdown.
import { goalTable, range, row } from '../report.ts'
import { resultsPage } from '../results-page.ts'
import type { Results } from '../results.ts'
import { digits, type Spread } from '../statistics.ts'
import { goalsOf, loadOf, nanosecondsOf, rulesCost, scaled, sizesOf, type LoadValue, type MarkRun } from './figures.ts'
import { driverNames, drivers, streams, type CellResult, type DriverName, type Stream, type TrialName } from './plan.ts'

type Take = (driver: DriverName, n: number, stream: Stream) => Spread | undefined

const ratioText = (value: Spread | undefined): string =>
  value === undefined ? '' : `**${digits(value.median)}x**${range(value)}`
const valueText = (value: Spread | undefined): string =>
  value === undefined ? '' : `${digits(value.median)}${range(value)}`

function driversOf(run: MarkRun, trial: TrialName): DriverName[] {
  return driverNames.filter((name) => run.cells.some((cell) => cell.trial === trial && cell.driver === name))
}

function table(head: readonly string[], body: readonly (readonly string[])[]): string[] {
  return [row(head), row(head.map(() => '---')), ...body.map(row), '']
}

function packetTable(
  run: MarkRun,
  columns: readonly DriverName[],
  text: (value: Spread | undefined) => string,
  take: Take,
): string[] {
  const body = streams.flatMap((stream) =>
    sizesOf(run, 'packets').map((n) => [stream, String(n), ...columns.map((driver) => text(take(driver, n, stream)))]),
  )
  return table(['stream', 'N', ...columns], body)
}

function to(value: Spread | undefined, reference: Spread | undefined): Spread | undefined {
  return value && reference && reference.median > 0 ? scaled(value, reference.median) : undefined
}

function packetSection(run: MarkRun): string[] {
  const all = driversOf(run, 'packets')
  if (all.length === 0) return []
  const compared = all.filter((name) => name !== 'none')
  const peers = compared.filter((name) => name !== 'ours')
  const whole: Take = (driver, n, stream) => nanosecondsOf(run, driver, n, stream)
  const rules: Take = (driver, n, stream) => rulesCost(run, driver, n, stream)
  return [
    '### Cost of a packet',
    '',
    'A whole packet, to the same driver with one rule:',
    '',
    ...packetTable(run, all, ratioText, (driver, n, stream) => to(whole(driver, n, stream), whole(driver, 1, stream))),
    'What the rules cost: what a packet costs beyond `none`, where that is a tenth of `none` at least. To the same driver',
    'with one rule:',
    '',
    ...packetTable(run, compared, ratioText, (driver, n, stream) =>
      to(rules(driver, n, stream), rules(driver, 1, stream)),
    ),
    'What the rules cost, to `ours`:',
    '',
    ...packetTable(run, peers, ratioText, (driver, n, stream) =>
      to(rules(driver, n, stream), rules('ours', n, stream)),
    ),
    'A whole packet, in ns:',
    '',
    ...packetTable(run, all, valueText, whole),
  ]
}

function loadSection(run: MarkRun): string[] {
  const all = driversOf(run, 'load')
  if (all.length === 0) return []
  const sizes = sizesOf(run, 'load')
  const lines = (columns: readonly DriverName[], cell: (driver: DriverName, n: number) => string): string[] =>
    table(
      ['N', ...columns],
      sizes.map((n) => [String(n), ...columns.map((driver) => cell(driver, n))]),
    )
  const compared = all.filter((name) => name !== 'nft-map')
  const ratio = (driver: DriverName, n: number, value: LoadValue): string => {
    const reference = loadOf(run, 'nft-map', n, value)
    // CPU time has a resolution of hundredths of a second.
    const coarse = value === 'cpuSeconds' && (reference?.median ?? 0) < 0.05
    return coarse ? '' : ratioText(to(loadOf(run, driver, n, value), reference))
  }
  const ratios = (value: LoadValue): string[] => lines(compared, (driver, n) => ratio(driver, n, value))
  const figures = (value: LoadValue): string[] => lines(all, (driver, n) => valueText(loadOf(run, driver, n, value)))
  return [
    '### Loading',
    '',
    'Time, to nft-map:',
    '',
    ...ratios('seconds'),
    'Processor time, to nft-map:',
    '',
    ...ratios('cpuSeconds'),
    'Time, in s:',
    '',
    ...figures('seconds'),
    'Processor time, in s:',
    '',
    ...figures('cpuSeconds'),
  ]
}

function failures(run: MarkRun): string[] {
  const words = run.cells.flatMap(({ trial, driver, n, error }) =>
    error === undefined ? [] : [`Failed: ${trial}, ${driver}, N = ${n}: ${error}`],
  )
  return [...new Set(words)].flatMap((text) => [text, ''])
}

function runSection(run: MarkRun): string[] {
  const minutes = digits(run.seconds / 60)
  return [
    `## Linux ${run.release}`,
    '',
    `${run.place}; ${run.cells.length} cells, ${minutes} minutes.`,
    '',
    ...goalTable(goalsOf(run)),
    ...packetSection(run),
    ...loadSection(run),
    ...failures(run),
  ]
}

export function report(results: Results<CellResult>): string {
  const used = new Set(results.runs.flatMap((run) => run.cells.map((cell) => cell.driver)))
  const about = [
    'Firewall marks. Medians of repetitions, with the smallest and the largest in parentheses. What rows and columns are:',
    '[README.md](../README.md), "Marks".',
  ]
  const titles = driverNames.filter((name) => used.has(name)).map((name) => [name, drivers[name].title] as const)
  return resultsPage(results, about, titles, results.runs.flatMap(runSection))
}
