// Random sites, health and overrides of few names, so that rules meet.
import type { Health, Override, Remaining, ServerHealth, ServerId } from '../../../src/desired/inputs.ts'
import type { Site, SiteService } from '../../../src/site/site.ts'
import type { Random } from '../../../../test/unit/state/random-state.ts'
import { agentCheck, override, ping, server, service, site } from './sites.ts'

function randomService(random: Random, index: number): SiteService {
  const byMark = random.below(2) === 0
  const first = {
    address: `172.16.0.${index + 1}`,
    family: 'ipv4',
    protocol: random.pick(['tcp', 'udp'] as const),
  } as const
  const virtual = { ...first, ports: [{ from: 80, to: 80 }] }
  const second = { ...first, address: `2001:db8::${index + 1}`, family: 'ipv6', ports: [{ from: 80, to: 90 }] } as const
  const servers = [1, 2, 3, 4, 5].slice(0, 1 + random.below(5)).map((number) =>
    server(`web${number}`, {
      weight: random.pick([0, 1, 1, 2, 3, 50, 65_535]),
      priority: random.pick([0, 0, 0, 1]),
      forwarding: random.pick(['direct', 'tunnel', 'masquerade']),
    }),
  )
  const scheduler = random.pick(['rr', 'wrr', 'wlc', 'mh', 'sh'])
  const fallback = scheduler === 'sh' || scheduler === 'mh' ? random.pick([[], [`${scheduler}-fallback`] as const]) : []
  const persistence = random.pick([undefined, { timeoutSeconds: 360, netmask: undefined, engine: undefined }])
  return service({
    name: `s${index}`,
    virtuals: byMark ? [virtual, second] : [virtual],
    by: byMark ? 'mark' : 'address',
    mark: byMark ? random.pick([undefined, 10_000 + index]) : undefined,
    scheduler,
    schedulerFlags: fallback,
    persistence,
    servers,
    checks: { atLeast: 1, checks: random.pick([[ping], [ping, agentCheck]]) },
    onFailure: random.pick(['remove', 'drain']),
    slowStart: random.pick([undefined, { forMs: 30_000, from: 0.1 }]),
    minimumHealthy: { share: random.pick([0, 0.5, 0.7]), below: random.pick(['keep', 'keep', 'sorry', 'withdraw']) },
    sorry: random.pick([
      undefined,
      { address: '10.0.0.99', family: 'ipv4', port: undefined, forwarding: 'direct' } as const,
    ]),
    drain: {
      stickiness: random.pick(['keep', 'move']),
      waitMs: random.pick([0, 500, 20_000]),
      // oxlint-disable-next-line unicorn/no-thenable -- a text, as in the site file
      then: random.pick(['keep', 'remove']),
    },
    ftpActive: byMark && random.below(4) === 0,
  })
}

export function randomSite(random: Random): Site {
  return site(...[0, 1, 2].slice(0, 1 + random.below(3)).map((index) => randomService(random, index)))
}

export function idsOf({ services }: Site): ServerId[] {
  return services.flatMap(({ name, servers }) => servers.map((each) => `${name}/${each.name}` as const))
}

function nextHealth(random: Random, before: ServerHealth, hasAgent: boolean, now: number): ServerHealth {
  const state = random.pick(['up', 'up', 'down'] as const)
  const agent = random.pick([
    before.agent,
    undefined,
    {
      weight: random.pick([undefined, 0, 0.75, 2]),
      state: random.pick([undefined, undefined, 'drain'] as const),
      reason: '',
    },
  ])
  const rises = before.state === 'down' && state === 'up'
  return {
    state,
    since: now,
    reason: state === 'up' ? '' : 'refused',
    slowStartSince: state === 'down' ? undefined : rises ? now : before.slowStartSince,
    agent: hasAgent ? (agent ?? before.agent) : undefined,
  }
}

/** Some servers change. */
export function changedHealth(random: Random, { services }: Site, before: Health, now: number): Health {
  const withAgent = new Set(services.filter(({ checks }) => checks.checks.includes(agentCheck)).map(({ name }) => name))
  const next = (id: ServerId, each: ServerHealth): ServerHealth =>
    random.below(3) === 0 ? nextHealth(random, each, withAgent.has(id.split('/')[0] ?? ''), now) : each
  return new Map([...before].map(([id, each]) => [id, next(id, each)]))
}

export function randomOverride(random: Random, now: number): Override {
  const target = random.pick(['web1', 'web2', 's0/web1', 's1/web2', 's2/web3'])
  const until = random.pick([undefined, now + 3000, now + 40_000])
  return override(random.pick(['drain', 'drain', 'disable', 'forceUp']), target, { since: now, until })
}

export function randomRemaining(random: Random, given: Site): Map<ServerId, Remaining> {
  const counted = random.some(idsOf(given))
  return new Map(counted.map((id) => [id, { connections: random.below(3), templates: random.below(2) }]))
}
