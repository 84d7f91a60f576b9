// What main thread and workers tell each other about probe targets.
import type { HealthState } from '../desired/inputs.ts'
import type { Check } from '../site/site.ts'
import type { AgentLine } from './probes/agent-line.ts'
import type { ProbeTarget, Verdict } from './probes/probe.ts'

/** One probe, for all servers and services with an equal check. */
export interface Target {
  readonly key: string
  readonly check: Check
  readonly target: ProbeTarget
  /** What was known before, from an earlier worker. `undefined`: nothing. */
  readonly known: Pick<TargetReport, 'state' | 'since' | 'reason' | 'agent'> | undefined
  /** Each result is reported, not only the ones that differ from the result before. */
  readonly everyResult: boolean
}

/** State and last result of a target. Sent when one of the fields but `at` has changed, or with `everyResult`. */
export interface TargetReport {
  readonly key: string
  readonly state: HealthState
  /** When the state began: milliseconds since 1970. */
  readonly since: number
  /** Words of the last failure; empty while up. */
  readonly reason: string
  readonly verdict: Verdict
  /** Words of the last result. */
  readonly words: string
  /** When the last result came. */
  readonly at: number
  readonly certificateEnds: number | undefined
  /** All that the agent said so far. */
  readonly agent: AgentLine | undefined
}

/** Equal for equal probes, whatever the order of properties. */
export function probeKey(check: Check, target: ProbeTarget): string {
  let text = checkTexts.get(check)
  if (text === undefined) {
    text = canonical(check)
    checkTexts.set(check, text)
  }
  return `${target.address} ${target.family} ${String(target.mark ?? '')} ${text}`
}

/** The servers of a service share their checks. */
const checkTexts = new WeakMap<Check, string>()

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null'
  const fields = Object.entries(value)
    .filter(([, field]) => field !== undefined)
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
  return `{${fields.map(([name, field]) => `${JSON.stringify(name)}:${canonical(field)}`).join(',')}}`
}
