// Renders the report as Markdown.
import { drivers } from './drivers/drivers.ts'
import { goalsOf, type Verdict } from './goals.ts'
import { resultsPage } from './results-page.ts'
import { figuresOf, trialsOf, type Entry, type Results, type Run, type TrialFigures } from './results.ts'
import { digits, type Spread } from './statistics.ts'
import type { DriverName, Probe } from './trials/trials.ts'

export function range({ min, max, count }: Spread): string {
  return count > 1 ? ` (${digits(min)}..${digits(max)})` : ''
}

export function row(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`
}

const units: Readonly<Record<Probe, string>> = { seconds: 's', delay: 'ms', memory: 'bytes' }

function table(figures: TrialFigures, columns: readonly DriverName[], cell: (entry: Entry) => string): string[] {
  const head = ['N', 'work', ...columns]
  const body = figures.lines.map((line) => [
    String(line.n),
    line.value,
    ...columns.map((driver) => {
      const entry = line.entries.get(driver)
      return entry === undefined ? '' : cell(entry)
    }),
  ])
  return [row(head), row(head.map(() => '---')), ...body.map(row)]
}

function ratioText({ ratio }: Entry): string {
  return ratio === undefined ? '' : `**${digits(ratio.median)}x**${range(ratio)}`
}

function valueText({ value }: Entry): string {
  return `${digits(value.median)}${range(value)}`
}

function section(figures: TrialFigures): string[] {
  const { trial } = figures
  const unit = units[trial.probe]
  const out = [`### ${trial.title}`, '']
  const compared = figures.drivers.filter((driver) => driver !== trial.reference)
  // Memory has absolute goals, no ratios.
  if (trial.probe !== 'memory' && compared.length > 0) {
    out.push(`Ratio to ${trial.reference}:`, '', ...table(figures, compared, ratioText), '')
  }
  out.push(`In ${unit}:`, '', ...table(figures, figures.drivers, valueText), '')
  for (const error of figures.errors) out.push(`Failed: ${error}`, '')
  return out
}

export function goalTable(verdicts: readonly Verdict[]): string[] {
  if (verdicts.length === 0) return []
  const head = ['goal', 'N', 'wanted', 'measured', '']
  const rows = verdicts.map(({ text, n, wanted, measured, reached }) =>
    row([text, String(n), wanted, measured, reached ? 'reached' : '**missed**']),
  )
  return ['### Goals', '', row(head), row(head.map(() => '---')), ...rows, '']
}

function runSection(run: Run): string[] {
  const repetitions = Math.max(...run.cells.map((cell) => cell.repetition)) + 1
  const minutes = digits(run.seconds / 60)
  return [
    `## Linux ${run.release}`,
    '',
    `${run.place}; ${run.cells.length} cells, ${repetitions} repetitions, ${minutes} minutes.`,
    '',
    ...goalTable(goalsOf(run)),
    ...trialsOf(run).flatMap((name) => section(figuresOf(run, name))),
  ]
}

const about =
  'Medians of repetitions, with the smallest and the largest in parentheses. What each row and column is: README.md.'

export function report(results: Results): string {
  const used = new Set(results.runs.flatMap((run) => run.cells.map((cell) => cell.driver)))
  const titles = [...used].map((name) => [name, drivers[name].title] as const)
  return resultsPage(results, [about], titles, results.runs.flatMap(runSection))
}
