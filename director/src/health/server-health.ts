// The checks of one server of one service, taken together. Pure.
import type { HealthState, ServerHealth } from '../desired/inputs.ts'
import type { Check, CheckRule } from '../site/site.ts'
import { checkLabel } from './labels.ts'
import { agentReport } from './probes/agent-line.ts'
import type { TargetReport } from './targets.ts'

/** The report of a check's target; `undefined`: none yet. */
export type ReportOf = (check: Check) => TargetReport | undefined

/**
 * Before any result. `adopted`: the kernel's table has the server with a weight, so it is up until proven down. Otherwise it
 * waits for its first success. Without checks it is up.
 */
export function initialHealth(rule: CheckRule, adopted: boolean, now: number): ServerHealth {
  const up = adopted || rule.checks.length === 0
  const reason =
    rule.checks.length === 0 ? '' : adopted ? 'it had traffic at the start, not checked yet' : 'no result yet'
  return { state: up ? 'up' : 'unknown', since: now, reason, slowStartSince: undefined, agent: undefined }
}

/**
 * What the checks say now. Up: `atLeast` checks are up. Down: too many are down for that. Neither: what was before holds, so
 * a new check, a restarted worker or a void verdict changes nothing.
 *
 * A server with other checks does not need its agent: an agent that is silent changes nothing, and one that says `down` takes
 * the server down whatever the other checks say.
 *
 * @returns `before` itself when nothing has changed.
 */
export function serverHealth(before: ServerHealth, rule: CheckRule, reportOf: ReportOf, now: number): ServerHealth {
  const hasAgent = rule.checks.some(({ kind }) => kind === 'agent')
  const agent = hasAgent ? (agentOf(rule, reportOf) ?? before.agent) : undefined
  const decision = decide(rule, reportOf, agent)
  const state = decision.state ?? before.state
  const reason = decision.state === 'up' ? '' : state === 'up' ? before.reason : (decision.reason ?? before.reason)
  const changed = state !== before.state
  const since = changed ? now : before.since
  const slowStartSince = changed ? (before.state === 'down' ? now : undefined) : before.slowStartSince
  const after = { state, since, reason, slowStartSince, agent }
  return JSON.stringify(after) === JSON.stringify(before) ? before : after
}

/** A slow start from now, as after an override that ended. A server that is not up has its own one later. */
export function restartSlowStart(health: ServerHealth, now: number): ServerHealth {
  return health.state === 'up' ? { ...health, slowStartSince: now } : health
}

interface Decision {
  /** `undefined`: undecided. */
  readonly state: HealthState | undefined
  readonly reason: string | undefined
}

function decide(rule: CheckRule, reportOf: ReportOf, agent: ServerHealth['agent']): Decision {
  if (rule.checks.length === 0) return { state: 'up', reason: undefined }
  if (agent?.state === 'down') return { state: 'down', reason: `agent says down ${agent.reason}`.trimEnd() }
  const others = rule.checks.filter(({ kind }) => kind !== 'agent')
  const counted = others.length > 0 ? others : rule.checks
  const needed = Math.min(rule.atLeast, counted.length)
  const states = counted.map((check) => reportOf(check)?.state ?? 'unknown')
  const up = states.filter((state) => state === 'up').length
  const down = states.filter((state) => state === 'down').length
  if (up >= needed) return { state: 'up', reason: undefined }
  const reason = firstReason(counted, reportOf)
  return { state: counted.length - down < needed ? 'down' : undefined, reason }
}

function agentOf(rule: CheckRule, reportOf: ReportOf): ServerHealth['agent'] {
  for (const check of rule.checks) {
    const line = check.kind === 'agent' ? reportOf(check)?.agent : undefined
    if (line !== undefined) return agentReport(line)
  }
  return undefined
}

/** The first check that is down, or else the first without a state. */
function firstReason(checks: readonly Check[], reportOf: ReportOf): string | undefined {
  for (const state of ['down', 'unknown']) {
    const check = checks.find((each) => (reportOf(each)?.state ?? 'unknown') === state)
    if (check !== undefined) return `${checkLabel(check)}: ${wordsOf(reportOf(check))}`
  }
  return undefined
}

function wordsOf(report: TargetReport | undefined): string {
  if (report === undefined) return 'no result yet'
  return report.reason === '' ? report.words : report.reason
}
