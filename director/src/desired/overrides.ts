// Overrides: which one holds for a server, and changes of the list.
import type { Override, ServerId } from './inputs.ts'

/** Whether an override still holds. */
export function holds({ until }: Override, now: number): boolean {
  return until === undefined || now < until
}

const newest = (list: readonly Override[]): Override | undefined =>
  list.toSorted((one, other) => other.since - one.since)[0]

/** The override of a server of a service: that of `shop/web1` before that of `web1`, then the newer before the older. */
export function overrideOf(
  overrides: readonly Override[],
  service: string,
  server: string,
  now: number,
): Override | undefined {
  const live = overrides.filter((each) => holds(each, now))
  return (
    newest(live.filter(({ target }) => target === `${service}/${server}`)) ??
    newest(live.filter(({ target }) => target === server))
  )
}

/** When the last override ended by time that kept traffic away from a server: its slow start begins then. */
export function lastEnd(
  overrides: readonly Override[],
  service: string,
  server: string,
  now: number,
): number | undefined {
  const targets = new Set([server, `${service}/${server}`])
  const ends = overrides
    .filter((each) => targets.has(each.target) && each.kind !== 'forceUp' && !holds(each, now))
    .map(({ until }) => until as number)
  return ends.length === 0 ? undefined : Math.max(...ends)
}

/** The list with an override in place of an older one of the same target. Ended overrides are left out. */
export function withOverride(overrides: readonly Override[], added: Override): Override[] {
  return [...withoutOverride(overrides, added.target, added.since), added]
}

/** The list without the override of a target, and without ended ones. */
export function withoutOverride(overrides: readonly Override[], target: string, now: number): Override[] {
  return overrides.filter((each) => each.target !== target && holds(each, now))
}

export function serverId(service: string, server: string): ServerId {
  return `${service}/${server}`
}
