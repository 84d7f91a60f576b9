// Decides about a site with one service, `shop`.
import { normalizeState } from 'ipvs/state'
import { expect } from 'vitest'
import { desired, type Desired, type DesiredInput } from '../../src/desired/desired.ts'
import type { HealthState, Override, ServerHealth, ServerId } from '../../src/desired/inputs.ts'
import type { SiteService } from '../../src/site/site.ts'
import { site } from './sites.ts'

export const NOW = 1_000_000

export function health(state: HealthState, fields: Partial<ServerHealth> = {}): ServerHealth {
  return {
    state,
    since: 0,
    reason: state === 'down' ? 'refused' : '',
    slowStartSince: undefined,
    agent: undefined,
    ...fields,
  }
}

type States = Readonly<Record<string, HealthState | ServerHealth>>

/** `states`: of the servers of `shop`; the others are up. */
export function decide(shop: SiteService, states: States = {}, more: Partial<DesiredInput> = {}): Desired {
  const known = shop.servers.map(({ name }): [ServerId, ServerHealth] => {
    const state = states[name] ?? 'up'
    return [`shop/${name}`, typeof state === 'string' ? health(state) : state]
  })
  const decided = desired({
    site: site(shop),
    health: new Map(known),
    overrides: [],
    memory: { marks: {} },
    remaining: new Map(),
    adopted: new Set(),
    now: NOW,
    ...more,
  })
  expect(() => normalizeState(decided.state)).not.toThrow()
  return decided
}

/** Weights by address, in the order of the table. */
export const weights = ({ state }: Desired): Record<string, number> =>
  Object.fromEntries((state.services?.[0]?.destinations ?? []).map(({ address, weight = 1 }) => [address, weight]))

export const codes = ({ services }: Desired): Record<string, string> =>
  Object.fromEntries((services[0]?.servers ?? []).map(({ server: { name }, code }) => [name, code]))

export const order = (kind: Override['kind'], target: string, fields: Partial<Override> = {}): Override => ({
  kind,
  target,
  who: 'anna',
  why: 'disk',
  since: NOW,
  until: undefined,
  ...fields,
})
