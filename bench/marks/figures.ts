// Comparison of the figures of firewall marks.
import type { Run } from '../results.ts'
import { digits, median, spread, type Spread } from '../statistics.ts'
import type { Verdict } from '../goals.ts'
import { streams, type CellResult, type DriverName, type Stream, type TrialName } from './plan.ts'

export type MarkRun = Run<CellResult>

export function valuesOf(run: MarkRun, trial: TrialName, driver: DriverName, n: number, value: string): number[] {
  return run.cells
    .filter((cell) => cell.trial === trial && cell.driver === driver && cell.n === n)
    .flatMap((cell) => cell.values?.[value] ?? [])
}

/** `cpuSeconds`: CPU time, which is independent of other load. */
export type LoadValue = 'seconds' | 'cpuSeconds'

export function loadOf(run: MarkRun, driver: DriverName, n: number, value: LoadValue): Spread | undefined {
  const values = valuesOf(run, 'load', driver, n, value)
  return values.length > 0 ? spread(values) : undefined
}

/** Nanoseconds per packet. */
export function nanosecondsOf(run: MarkRun, driver: DriverName, n: number, stream: Stream): Spread | undefined {
  const values = valuesOf(run, 'packets', driver, n, stream)
  return values.length > 0 ? spread(values) : undefined
}

/** Smaller shares of a packet's cost are noise. */
const leastPart = 0.1

/** The cost of the rules: the difference to a packet of the same stream without rules. */
export function rulesCost(run: MarkRun, driver: DriverName, n: number, stream: Stream): Spread | undefined {
  const whole = nanosecondsOf(run, driver, n, stream)
  const without = valuesOf(run, 'packets', 'none', n, stream)
  if (whole === undefined || without.length === 0) return undefined
  const base = median(without)
  if (whole.median - base < leastPart * base) return undefined
  return { ...whole, median: whole.median - base, min: whole.min - base, max: whole.max - base }
}

export function scaled(value: Spread, by: number): Spread {
  return { ...value, median: value.median / by, min: value.min / by, max: value.max / by }
}

export function sizesOf(run: MarkRun, trial: TrialName): number[] {
  const sizes = new Set(run.cells.filter((cell) => cell.trial === trial).map((cell) => cell.n))
  return [...sizes].toSorted((a, b) => a - b)
}

const mostGrowth = 1.5

function growth(text: string, one: Spread | undefined, many: Spread | undefined): Verdict[] {
  if (one === undefined || many === undefined) return []
  const ratio = many.median / one.median
  const [wanted, measured] = [`at most ${mostGrowth}x`, `${digits(ratio)}x`]
  return [{ text: `${text}, to that with one rule`, n: 50_000, wanted, measured, reached: ratio <= mostGrowth }]
}

// Goals for a whole packet and, harder, for the rules alone.
function packetGoals(run: MarkRun): Verdict[] {
  return streams.flatMap((stream) => [
    ...growth(
      `a packet of \`${stream}\``,
      nanosecondsOf(run, 'ours', 1, stream),
      nanosecondsOf(run, 'ours', 50_000, stream),
    ),
    ...growth(
      `the rules' part of a packet of \`${stream}\``,
      rulesCost(run, 'ours', 1, stream),
      rulesCost(run, 'ours', 50_000, stream),
    ),
  ])
}

// References: one rule per service and, harder, the same map.
const loadPeers = [
  ['nft', '`nft -f` with a rule for each service'],
  ['nft-map', '`nft -f` with the same map'],
] as const

function loadGoals(run: MarkRun): Verdict[] {
  return sizesOf(run, 'load').flatMap((n) =>
    loadPeers.flatMap(([peer, words]) =>
      (['warm', 'ours', 'program'] as const).flatMap((driver) => {
        const [own, other] = [loadOf(run, driver, n, 'seconds'), loadOf(run, peer, n, 'seconds')]
        if (own === undefined || other === undefined) return []
        const ratio = own.median / other.median
        const text = `\`${driver}\` loads faster than ${words}`
        return [{ text, n, wanted: 'below 1x', measured: `${digits(ratio)}x`, reached: ratio < 1 }]
      }),
    ),
  )
}

export function goalsOf(run: MarkRun): Verdict[] {
  return [...packetGoals(run), ...loadGoals(run)]
}
