// Renders the report of the director and its peers as Markdown.
import { range, row } from '../report.ts'
import { resultsPage } from '../results-page.ts'
import type { Results, Run } from '../results.ts'
import { digits, spread, type Spread } from '../statistics.ts'
import {
  driverNames,
  driverTitles,
  trialNames,
  trialTitles,
  type CellResult,
  type DriverName,
  type TrialName,
} from './plan.ts'

export type DirectorRun = Run<CellResult>

/** Rows of a table; `compared`: also as the ratio of the director to the peer. */
interface Work {
  readonly value: string
  readonly words: string
  readonly compared?: true
}

const failure: readonly Work[] = [
  { value: 'seconds', words: 'until it gets no connections, s', compared: true },
  { value: 'requests', words: 'requests meanwhile' },
  { value: 'failed', words: 'of them failed' },
  { value: 'failedAfter', words: 'failed afterwards, in 2 s' },
]

const works: Readonly<Record<TrialName, readonly Work[]>> = {
  refused: failure,
  silent: failure,
  reload: [
    { value: 'startSeconds', words: 'start, until the table is complete, s', compared: true },
    { value: 'seconds', words: 'from the signal until it is in force, s', compared: true },
    { value: 'processorSeconds', words: 'processor time of it, s', compared: true },
    { value: 'requests', words: 'requests from the signal until 2 s later' },
    { value: 'failed', words: 'of them failed' },
    { value: 'lostServices', words: 'services missing meanwhile' },
    { value: 'lostServers', words: 'servers without traffic meanwhile' },
  ],
  checks: [
    { value: 'checks', words: 'checks in the minute' },
    { value: 'processorSeconds', words: 'processor time, s', compared: true },
    { value: 'perCheck', words: 'processor time of a check, ms', compared: true },
    { value: 'mebibytes', words: 'memory, MiB', compared: true },
    { value: 'takenOut', words: 'healthy servers taken out' },
  ],
}

function figuresOf({ values = {} }: CellResult): Readonly<Record<string, number>> {
  const { processorSeconds, checks } = values
  if (processorSeconds === undefined || checks === undefined || checks === 0) return values
  return { ...values, perCheck: (processorSeconds * 1000) / checks }
}

export function valueOf(cells: readonly CellResult[], driver: DriverName, value: string): Spread | undefined {
  const values = cells.filter((cell) => cell.driver === driver).flatMap((cell) => figuresOf(cell)[value] ?? [])
  return values.length > 0 ? spread(values) : undefined
}

function text(cells: readonly CellResult[], driver: DriverName, { value, compared }: Work): string {
  const figure = valueOf(cells, driver, value)
  if (figure === undefined) return ''
  const ours = valueOf(cells, 'director', value)
  const ratio =
    compared && driver !== 'director' && ours !== undefined && figure.median > 0
      ? `; **${digits(ours.median / figure.median)}x**`
      : ''
  return `${digits(figure.median)}${range(figure)}${ratio}`
}

function table(cells: readonly CellResult[], trial: TrialName): string[] {
  const drivers = driverNames.filter((name) => cells.some(({ driver }) => driver === name))
  const head = ['', ...drivers]
  const lines = works[trial].map((work) => row([work.words, ...drivers.map((driver) => text(cells, driver, work))]))
  const errors = cells.flatMap(({ driver, error }) => (error === undefined ? [] : [`Failed: ${driver}: ${error}`, '']))
  return [row(head), row(head.map(() => '---')), ...lines, '', ...errors]
}

function section({ release, place, seconds, cells }: DirectorRun): string[] {
  const parts = trialNames.flatMap((trial) => {
    const own = cells.filter((cell) => cell.trial === trial)
    const sizes = [...new Set(own.map(({ n }) => n))]
    return sizes.flatMap((n) => {
      const title = n === 0 ? trialTitles[trial] : `${trialTitles[trial]}, N = ${n}`
      return [
        `### ${title}`,
        '',
        ...table(
          own.filter((cell) => cell.n === n),
          trial,
        ),
      ]
    })
  })
  return [`## Linux ${release}`, '', `${place}; ${digits(seconds / 60)} minutes.`, '', ...parts]
}

export function report(results: Results<CellResult>): string {
  const about = [
    'The director beside keepalived and ldirectord; each command is one boot of a kernel. Medians of repetitions, with the smallest',
    'and the largest in parentheses; in bold the director divided by the peer. What rows and columns are: [README.md](README.md).',
  ]
  const drivers = driverNames.map((name) => [name, driverTitles[name]] as const)
  return resultsPage(results, about, drivers, results.runs.flatMap(section))
}
