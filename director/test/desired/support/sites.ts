// Sites, health and overrides for tests: every field has a value, a test names the ones it is about.
import type { DesiredInput } from '../../../src/desired/desired.ts'
import type { Override, ServerHealth } from '../../../src/desired/inputs.ts'
import type { Check, Site, SiteServer, SiteService } from '../../../src/site/site.ts'
import { common } from '../../health/support/checks.ts'
import * as sites from '../../support/sites.ts'

export const NOW = 1_800_000_000_000

export const ping: Check = { ...common, kind: 'ping' }
export const agentCheck: Check = { ...common, kind: 'agent', port: 9999 }

export const server = (name: string, more: Partial<SiteServer> = {}): SiteServer =>
  sites.server(name, `10.0.0.${name.replace(/\D/g, '')}`, more)

export const service = (more: Partial<SiteService> = {}): SiteService =>
  sites.service('shop', {
    virtuals: [{ address: '172.16.0.100', family: 'ipv4', protocol: 'tcp', ports: [{ from: 80, to: 80 }] }],
    by: 'address',
    mark: undefined,
    scheduler: 'wrr',
    servers: [server('web1'), server('web2'), server('web3'), server('web4')],
    checks: { atLeast: 1, checks: [ping] },
    ...more,
  })

export { site } from '../../support/sites.ts'

export function health(state: ServerHealth['state'], more: Partial<ServerHealth> = {}): ServerHealth {
  const reason = state === 'down' ? 'connection refused' : ''
  return { state, since: NOW - 1000, reason, slowStartSince: undefined, agent: undefined, ...more }
}

export function override(kind: Override['kind'], target: string, more: Partial<Override> = {}): Override {
  return { kind, target, who: 'ann', why: 'kernel update', since: NOW - 1000, until: undefined, ...more }
}

/** All servers of all services are up. */
export function input(given: Site, more: Partial<DesiredInput> = {}): DesiredInput {
  const ids = given.services.flatMap(({ name, servers }) => servers.map((each) => `${name}/${each.name}` as const))
  return {
    site: given,
    health: new Map(ids.map((id) => [id, health('up')])),
    overrides: [],
    memory: { marks: {} },
    remaining: new Map(),
    adopted: new Set(),
    now: NOW,
    ...more,
  }
}
