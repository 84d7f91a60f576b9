// Renders the report of the connection table as Markdown.
import type { Verdict } from '../goals.ts'
import { goalTable, range, row } from '../report.ts'
import { resultsPage } from '../results-page.ts'
import type { Results, Run } from '../results.ts'
import { digits, spread, type Spread } from '../statistics.ts'
import { driverNames, driverTitles, type CellResult } from './plan.ts'

export type ConnectionRun = Run<CellResult>
type Driver = CellResult['driver']

export function valueOf(run: ConnectionRun, driver: Driver, n: number, value: string): Spread | undefined {
  const values = run.cells
    .filter((cell) => cell.driver === driver && cell.n === n)
    .flatMap((cell) => cell.values[value] ?? [])
  return values.length > 0 ? spread(values) : undefined
}

function sizesOf(run: ConnectionRun): number[] {
  return [...new Set(run.cells.map(({ n }) => n))].toSorted((a, b) => a - b)
}

function ratio(above: Spread | undefined, below: Spread | undefined): number | undefined {
  return above && below && below.median > 0 ? above.median / below.median : undefined
}

const mostToCat = 1.15
const leastSplit = 5
const mostBytes = 64
const mostPause = 10
const leastGigabytes = 1

function verdict(
  text: string,
  n: number,
  most: boolean,
  bound: number,
  value: number | undefined,
  unit: string,
): Verdict[] {
  if (value === undefined) return []
  const wanted = `${most ? 'at most' : 'at least'} ${bound}${unit}`
  const reached = most ? value <= bound : value >= bound
  return [{ text, n, wanted, measured: `${digits(value)}${unit}`, reached }]
}

export function goalsOf(run: ConnectionRun): Verdict[] {
  return sizesOf(run).flatMap((n) => {
    const of = (driver: Driver, value: string) => valueOf(run, driver, n, value)
    const [wall, user] = [of('table', 'seconds'), of('table', 'userSeconds')]
    return [
      ...verdict('`table` to `cat`', n, true, mostToCat, ratio(wall, of('cat', 'seconds')), 'x'),
      ...verdict('`ipvsadm` to `table`', n, false, 1, ratio(of('ipvsadm', 'seconds'), wall), 'x'),
      ...verdict(
        '`split` to `table`, in user space',
        n,
        false,
        leastSplit,
        ratio(of('split', 'userSeconds'), user),
        'x',
      ),
      ...(run.emulated
        ? []
        : verdict('pause of the event loop', n, true, mostPause, of('table', 'pause')?.median, ' ms')),
      ...verdict('memory for each row', n, true, mostBytes, of('table', 'bytes')?.median, ' bytes'),
      ...(['ipv4', 'ipv6'] as const).flatMap((family) => {
        const speed = of('parser', `${family}GigabytesPerSecond`)?.median
        return verdict(`the parser alone, ${family}`, n, false, leastGigabytes, speed, ' GB/s')
      }),
    ]
  })
}

const figure = (value: Spread | undefined): string =>
  value === undefined ? '' : `${digits(value.median)}${range(value)}`

function ratios(run: ConnectionRun): string[] {
  const columns = driverNames.filter((name) => run.cells.some(({ driver }) => driver === name))
  if (!columns.includes('cat')) return []
  const table = (text: (driver: Driver, n: number) => string): string[] => [
    row(['N', ...columns]),
    row(['N', ...columns].map(() => '---')),
    ...sizesOf(run).map((n) => row([String(n), ...columns.map((driver) => text(driver, n))])),
    '',
  ]
  return [
    'Time, to `cat`:',
    '',
    ...table((driver, n) => {
      const value = ratio(valueOf(run, driver, n, 'seconds'), valueOf(run, 'cat', n, 'seconds'))
      return value === undefined ? '' : `**${digits(value)}x**`
    }),
    'Time, in s:',
    '',
    ...table((driver, n) => figure(valueOf(run, driver, n, 'seconds'))),
    'Processor time in user space, in s (of this process, so not that of `cat` and `ipvsadm`):',
    '',
    ...table((driver, n) =>
      driver === 'cat' || driver === 'ipvsadm' ? '' : figure(valueOf(run, driver, n, 'userSeconds')),
    ),
  ]
}

// On an emulated machine the pause is mainly the kernel's walk, so it is reported, but is not a goal.
function pauses(run: ConnectionRun): string[] {
  const words = sizesOf(run).flatMap((n) => {
    const pause = valueOf(run, 'table', n, 'pause')
    return pause === undefined ? [] : `${figure(pause)} with ${n}`
  })
  return run.emulated && words.length > 0
    ? [`Longest pause of the event loop while \`table\` reads, in ms: ${words.join(', ')}.`, '']
    : []
}

function section(run: ConnectionRun): string[] {
  const buckets = sizesOf(run).flatMap((n) => valueOf(run, 'table', n, 'buckets')?.median ?? [])
  const words = buckets.length > 0 ? ` Buckets of the table: ${[...new Set(buckets)].join(', ')}.` : ''
  return [
    `## Linux ${run.release}`,
    '',
    `${run.place}; ${digits(run.seconds / 60)} minutes.${words}`,
    '',
    ...goalTable(goalsOf(run)),
    ...ratios(run),
    ...pauses(run),
  ]
}

export function report(results: Results<CellResult>): string {
  const about = [
    'Reading the connection table. Medians of repetitions, with the smallest and the largest in parentheses. What rows and columns',
    'are: [README.md](README.md).',
  ]
  const drivers = driverNames.map((name) => [name, driverTitles[name]] as const)
  return resultsPage(results, about, drivers, results.runs.flatMap(section))
}
