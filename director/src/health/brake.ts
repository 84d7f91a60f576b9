// The brake: many servers that fail at once are taken for our own fault until a control target answers. Pure.
import type { ServerHealth, ServerId } from '../desired/inputs.ts'
import type { Brake } from '../site/site.ts'

export interface BrakeState {
  /** Names of servers that went down lately, and when. A server of several services counts once. */
  readonly losses: ReadonlyMap<string, number>
  /** Servers that are down but not removed. */
  readonly held: ReadonlySet<ServerId>
  /** `undefined`: the brake is not on. */
  readonly since: number | undefined
}

export const releasedBrake: BrakeState = { losses: new Map(), held: new Set(), since: undefined }

export interface BrakeInput {
  readonly now: number
  /** Different servers of the site, up or not. */
  readonly servers: number
  /** From up to down since the last call. */
  readonly wentDown: readonly ServerId[]
  /** No longer down, or no longer in the site, since the last call. */
  readonly gone: readonly ServerId[]
  /** The last success of the control target. */
  readonly controlAnswered: number | undefined
  /** Whether the site has a control target. */
  readonly hasControl: boolean
}

export interface BrakeOutcome {
  readonly state: BrakeState
  /** What has just happened. */
  readonly event: 'held' | 'released' | undefined
  /** For people: why the removals are held, or why no longer. Empty: nothing to say. */
  readonly alarm: string
}

/** A single server is never a mass. */
const leastLosses = 2

/**
 * One step. More than `maximumLoss` of all servers within `perMs`, and at least two, puts the brake on: servers that go down
 * from then on are held. It is released when the control target answers after that time, when enough servers are back, or,
 * in a site without a control target, after `perMs`.
 */
export function brakeStep(before: BrakeState, rule: Brake | undefined, input: BrakeInput): BrakeOutcome {
  if (rule === undefined) return released(before, 'the site has no brake')
  const losses = lossesAfter(before, rule, input)
  const tooMany = losses.size >= leastLosses && losses.size > rule.maximumLoss * input.servers
  if (before.since === undefined) {
    if (!tooMany || input.wentDown.length === 0)
      return { state: { ...releasedBrake, losses }, event: undefined, alarm: '' }
    const state = { losses, held: new Set(input.wentDown), since: input.now }
    return { state, event: 'held', alarm: alarmOf(losses.size, rule, input) }
  }
  const answered = input.controlAnswered !== undefined && input.controlAnswered > before.since
  if (answered) return released(before, 'the control target answers')
  if (!tooMany) return released(before, 'enough servers are back')
  if (!input.hasControl && input.now - before.since >= rule.perMs) return released(before, 'the time is over')
  const held = new Set([...before.held, ...input.wentDown])
  for (const id of input.gone) held.delete(id)
  return { state: { losses, held, since: before.since }, event: undefined, alarm: alarmOf(losses.size, rule, input) }
}

/** A held server keeps its weight, and says why. */
export function heldHealth(health: ServerHealth): ServerHealth {
  return { ...health, state: 'up', reason: `held by the brake: ${health.reason}` }
}

function released(before: BrakeState, why: string): BrakeOutcome {
  const on = before.since !== undefined
  return {
    state: releasedBrake,
    event: on ? 'released' : undefined,
    alarm: on ? `removals are no longer held: ${why}` : '',
  }
}

function lossesAfter(before: BrakeState, rule: Brake, input: BrakeInput): Map<string, number> {
  const losses = new Map(before.losses)
  for (const id of input.gone) losses.delete(serverName(id))
  for (const id of input.wentDown) losses.set(serverName(id), input.now)
  // While the brake is on, what put it on does not grow old.
  const oldest = before.since === undefined ? input.now - rule.perMs : -Infinity
  for (const [name, at] of losses) if (at <= oldest) losses.delete(name)
  return losses
}

function alarmOf(lost: number, rule: Brake, { servers, hasControl }: BrakeInput): string {
  const limit = `more than ${String(Math.round(rule.maximumLoss * 100))}%`
  const until = hasControl ? 'until the control target answers' : `for ${String(rule.perMs / 1000)} s`
  return `${String(lost)} of ${String(servers)} servers failed, ${limit} at once: further removals are held ${until}`
}

const serverName = (id: ServerId): string => id.slice(id.indexOf('/') + 1)
