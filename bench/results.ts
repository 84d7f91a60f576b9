// Figures: storage and comparison.
import type { CellResult } from './plan.ts'
import { trialNamed } from './plan.ts'
import { spread, type Spread } from './statistics.ts'
import type { DriverName, Trial } from './trials/trials.ts'

/** All cells of one kernel. */
export interface Run<Result = CellResult> {
  readonly release: string
  readonly place: string
  /** On an emulator; only ratios are meaningful. */
  readonly emulated: boolean
  readonly seconds: number
  readonly cells: readonly Result[]
}

export interface Results<Result = CellResult> {
  readonly machine: string
  readonly node: string
  readonly commands: readonly string[]
  readonly runs: readonly Run<Result>[]
}

function distinct(values: readonly string[]): string[] {
  return [...new Set(values)]
}

/** Merges figures of several runs; cells of the same kernel count as further repetitions. */
export function merge<Result>(parts: readonly Results<Result>[]): Results<Result> {
  const runs = new Map<string, Run<Result>>()
  for (const run of parts.flatMap((part) => part.runs)) {
    const key = `${run.release} ${run.place}`
    const known = runs.get(key)
    const seconds = (known?.seconds ?? 0) + run.seconds
    runs.set(key, { ...run, seconds, cells: [...(known?.cells ?? []), ...run.cells] })
  }
  return {
    machine: distinct(parts.map((part) => part.machine)).join('; '),
    node: distinct(parts.map((part) => part.node)).join('; '),
    commands: distinct(parts.flatMap((part) => part.commands)),
    runs: [...runs.values()],
  }
}

/** One driver's figures of one line of a table. */
export interface Entry {
  readonly value: Spread
  /** Relative to the median of the trial's reference. */
  readonly ratio: Spread | undefined
}

/** All figures of one N and one value. */
export interface Line {
  readonly n: number
  readonly value: string
  readonly entries: ReadonlyMap<DriverName, Entry>
}

export interface TrialFigures {
  readonly trial: Trial
  readonly drivers: readonly DriverName[]
  readonly lines: readonly Line[]
  readonly errors: readonly string[]
}

/** The reference value of a value: the limit has no variants such as `Visited` or `Consistent`. */
function comparedWith(value: string): string {
  return value.replace(/(Visited|Consistent)$/, '')
}

function valuesOf(cells: readonly CellResult[], driver: DriverName, n: number, value: string): number[] {
  return cells.filter((cell) => cell.driver === driver && cell.n === n).flatMap((cell) => cell.values?.[value] ?? [])
}

function scaled({ median, min, max, count }: Spread, by: number): Spread {
  return { median: median / by, min: min / by, max: max / by, count }
}

function entryOf(values: readonly number[], reference: readonly number[]): Entry {
  const value = spread(values)
  const base = reference.length > 0 ? spread(reference).median : 0
  return { value, ratio: base > 0 ? scaled(value, base) : undefined }
}

/** The line with the reason in a process's standard error. */
function reasonOf(error: string): string {
  const lines = error.split('\n').filter((line) => line.trim() !== '')
  return (lines.find((line) => /^\w*Error\b/.test(line)) ?? lines.at(-1) ?? '').trim()
}

export function figuresOf(run: Run, name: string): TrialFigures {
  const trial = trialNamed(name)
  const cells = run.cells.filter((cell) => cell.trial === name)
  const sizes = [...new Set(cells.map((cell) => cell.n))].toSorted((a, b) => a - b)
  const valueNames = [...new Set(cells.flatMap((cell) => Object.keys(cell.values ?? {})))]
  const drivers = trial.drivers.filter((driver) => cells.some((cell) => cell.driver === driver))
  const lines = sizes.flatMap((n) =>
    valueNames.map((value) => {
      const reference = valuesOf(cells, trial.reference, n, comparedWith(value))
      const entries = drivers.flatMap((driver): [DriverName, Entry][] => {
        const values = valuesOf(cells, driver, n, value)
        return values.length === 0 ? [] : [[driver, entryOf(values, reference)]]
      })
      return { n, value, entries: new Map(entries) }
    }),
  )
  const errors = cells.flatMap(({ driver, n, error }) =>
    error === undefined ? [] : [`${driver}, N = ${n}: ${reasonOf(error)}`],
  )
  return { trial, drivers, lines: lines.filter((line) => line.entries.size > 0), errors: [...new Set(errors)] }
}

/** The trials of a run, in the order of the list of trials. */
export function trialsOf(run: Run): string[] {
  return [...new Set(run.cells.map((cell) => cell.trial))]
}
