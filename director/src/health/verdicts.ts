// The state machine of one probe target. Pure: results and times come in, states go out.
import type { HealthState } from '../desired/inputs.ts'
import type { CheckCommon } from '../site/site.ts'
import type { Verdict } from './probes/probe.ts'

/** The part of a check that the state machine needs. */
export type VerdictRules = Pick<CheckCommon, 'rise' | 'fall' | 'intervalMs' | 'whileFailingMs' | 'whileDownMs'>

export interface TargetState {
  readonly state: HealthState
  /** When the state began: milliseconds since 1970. */
  readonly since: number
  /** Valid verdicts in a row that speak against the state. */
  readonly against: number
  /** Words of the last failure; empty while up. */
  readonly reason: string
}

/** The state of a target without any result. */
export function unknownTarget(now: number): TargetState {
  return { state: 'unknown', since: now, against: 0, reason: '' }
}

/**
 * The state after one verdict. Up goes down after `fall` failures in a row, down goes up after `rise` successes in a row,
 * unknown goes up at the first success and down after `fall` failures. A void verdict changes nothing.
 */
export function afterVerdict(
  target: TargetState,
  verdict: Verdict,
  words: string,
  rules: VerdictRules,
  now: number,
): TargetState {
  if (verdict === 'void') return target
  return verdict === 'success' ? afterSuccess(target, rules, now) : afterFailure(target, words, rules, now)
}

function afterSuccess(target: TargetState, rules: VerdictRules, now: number): TargetState {
  if (target.state === 'up') return target.against === 0 ? target : { ...target, against: 0, reason: '' }
  const successes = target.against + 1
  if (target.state === 'unknown' || successes >= rules.rise) return { state: 'up', since: now, against: 0, reason: '' }
  return { ...target, against: successes }
}

function afterFailure(target: TargetState, words: string, rules: VerdictRules, now: number): TargetState {
  if (target.state === 'down') return { ...target, against: 0, reason: words }
  const failures = target.against + 1
  if (failures >= rules.fall) return { state: 'down', since: now, against: 0, reason: words }
  return { ...target, against: failures, reason: words }
}

/** Milliseconds until the next probe: faster while state and last valid result differ, and as configured while down. */
export function nextDelay(target: TargetState, rules: VerdictRules): number {
  if (target.against > 0) return rules.whileFailingMs
  return target.state === 'down' ? rules.whileDownMs : rules.intervalMs
}
