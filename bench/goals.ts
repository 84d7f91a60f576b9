// The performance goals of this package, and their verdicts.
import { figuresOf, trialsOf, type Line, type Run } from './results.ts'
import { digits } from './statistics.ts'
import type { DriverName } from './trials/trials.ts'

interface Goal {
  readonly text: string
  readonly trials: readonly string[]
  readonly sizes: readonly number[]
  readonly value: string
  readonly driver: DriverName
  /** The reference: another driver, or another value of the same driver. Absent: the goal is absolute. */
  readonly against?: { readonly driver: DriverName; readonly value: string }
  /** Upper bound of the figure, or of its ratio to the reference. */
  readonly most?: number
  /** Lower bound of the speed-up over the reference. */
  readonly faster?: number
}

export interface Verdict {
  readonly text: string
  readonly n: number
  readonly wanted: string
  readonly measured: string
  readonly reached: boolean
}

const services = ['services-tcp', 'services-mark']
const large = [10_000, 50_000]

function batchGoals(value: string, limit: number, faster: number): Goal[] {
  const common = { trials: services, value, driver: 'batch' } as const
  return [
    {
      ...common,
      sizes: large,
      text: `batch: ${value}, to the limit`,
      against: { driver: 'limit', value },
      most: limit,
    },
    {
      ...common,
      sizes: [10_000],
      text: `batch: ${value}, to ipvsadm -R`,
      against: { driver: 'restore', value },
      faster,
    },
  ]
}

function memoryGoal(value: string): Goal {
  return {
    text: `bytes for each row: ${value}`,
    trials: ['memory'],
    sizes: [50_000],
    value,
    driver: 'batch',
    most: 200,
  }
}

function goals({ release, emulated }: Run): Goal[] {
  // With a larger share of the kernel, the overhead of peers is relatively smaller.
  const addFaster = release.startsWith('6.12') ? 6 : 3
  const read = { trials: ['snapshot'], sizes: [10_000], driver: 'ours' } as const
  const pause: Goal[] = ['add', 'list', 'snapshot', 'remove'].map((value) => ({
    text: `pause of the event loop in ms: ${value}`,
    trials: ['delay'],
    sizes: [10_000],
    value,
    driver: 'batch',
    most: 10,
  }))
  return [
    ...batchGoals('add', 1.2, addFaster),
    ...batchGoals('remove', 1.6, 18),
    {
      ...read,
      text: 'snapshot, one pass, to the limit',
      value: 'snapshot',
      against: { driver: 'limit', value: 'snapshot' },
      most: 1.25,
    },
    {
      ...read,
      text: 'snapshot, one pass, to ipvsadm -Ln',
      value: 'snapshot',
      against: { driver: 'ipvsadm', value: 'snapshot' },
      faster: 3,
    },
    {
      ...read,
      text: 'snapshot, consistent, to one pass',
      value: 'snapshotConsistent',
      against: { driver: 'ours', value: 'snapshot' },
      most: 2.2,
    },
    ...(emulated ? [] : pause),
    ...['add, peak', 'list, peak', 'list, kept', 'snapshot, peak', 'snapshot, kept'].map(memoryGoal),
  ]
}

function medianOf(lines: readonly Line[], n: number, value: string, driver: DriverName): number | undefined {
  return lines.find((line) => line.n === n && line.value === value)?.entries.get(driver)?.value.median
}

function verdict(goal: Goal, trial: string, lines: readonly Line[], n: number): Verdict[] {
  const own = medianOf(lines, n, goal.value, goal.driver)
  const other = goal.against && medianOf(lines, n, goal.against.value, goal.against.driver)
  if (own === undefined || (goal.against && other === undefined)) return []
  const text = goal.trials.length > 1 ? `${goal.text} (${trial})` : goal.text
  if (goal.faster !== undefined && other !== undefined) {
    const faster = other / own
    const measured = `${digits(faster)}x faster`
    return [{ text, n, wanted: `at least ${goal.faster}x faster`, measured, reached: faster >= goal.faster }]
  }
  const most = goal.most ?? 0
  const measured = other === undefined ? own : own / other
  const unit = other === undefined ? '' : 'x'
  return [
    { text, n, wanted: `at most ${most}${unit}`, measured: `${digits(measured)}${unit}`, reached: measured <= most },
  ]
}

/** The verdicts of all goals with figures in this run. */
export function goalsOf(run: Run): Verdict[] {
  const measured = new Map(trialsOf(run).map((name) => [name, figuresOf(run, name).lines]))
  return goals(run).flatMap((goal) =>
    goal.trials.flatMap((trial) => goal.sizes.flatMap((n) => verdict(goal, trial, measured.get(trial) ?? [], n))),
  )
}
