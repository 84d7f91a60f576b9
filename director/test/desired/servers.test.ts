// What becomes of servers: health, failure, groups, the minimum, sorry servers, weights.
import { expect, test } from 'vitest'
import { desired, type DesiredInput } from '../../src/desired/desired.ts'
import type { ServerHealth } from '../../src/desired/inputs.ts'
import type { SiteService } from '../../src/site/site.ts'
import { agentCheck, health, input, NOW, override, ping, server, service, site } from './support/sites.ts'

/** Weights of the destinations by the end of their address. */
function weights(given: DesiredInput): Record<string, number> {
  const [{ destinations = [] } = {}] = desired(given).state.services ?? []
  return Object.fromEntries(destinations.map(({ address, weight }) => [address, weight as number]))
}

function shop(more: Partial<SiteService>, states: Record<string, ServerHealth>, rest: Partial<DesiredInput> = {}) {
  const given = input(site(service(more)))
  const known = new Map(given.health)
  for (const [name, state] of Object.entries(states)) known.set(`shop/${name}`, state)
  return { ...given, health: known, ...rest }
}

const codes = (given: DesiredInput) =>
  Object.fromEntries(desired(given).services.flatMap(({ servers }) => servers.map((each) => [each.id, each.code])))

const two = [server('web1', { weight: 3 }), server('web2')]

test('servers that are up have the weight of the file', () => {
  expect(weights(shop({ servers: two }, {}))).toEqual({ '10.0.0.1': 3, '10.0.0.2': 1 })
})

test('a server that fails is drained or removed, as the service says', () => {
  const states = { web1: health('down') }
  expect(weights(shop({ servers: two }, states))).toEqual({ '10.0.0.1': 0, '10.0.0.2': 1 })
  expect(weights(shop({ servers: two, onFailure: 'remove' }, states))).toEqual({ '10.0.0.2': 1 })
  // Weight 0 under mh without fallback refuses clients.
  expect(weights(shop({ servers: two, scheduler: 'mh' }, states))).toEqual({ '10.0.0.2': 1 })
  const flags = ['mh-fallback'] as const
  expect(weights(shop({ servers: two, scheduler: 'mh', schedulerFlags: flags }, states))['10.0.0.1']).toBe(0)
})

test('an unknown server is there only if it was there before', () => {
  const states = { web1: health('unknown') }
  expect(weights(shop({ servers: two }, states))).toEqual({ '10.0.0.2': 1 })
  expect(weights(shop({ servers: two }, states, { adopted: new Set(['shop/web1'] as const) }))['10.0.0.1']).toBe(3)
  const notes = { 'shop/web1': { zero: 'down' } }
  expect(weights(shop({ servers: two }, states, { memory: { marks: {}, notes } }))['10.0.0.1']).toBe(0)
})

test('a server without checks has traffic', () => {
  const given = shop({ servers: two, checks: { atLeast: 0, checks: [] } }, { web1: health('unknown') })
  expect(codes(given)).toEqual({ 'shop/web1': 'unchecked', 'shop/web2': 'unchecked' })
})

test('backups get the traffic when no server of a lower group is healthy', () => {
  const servers = [server('web1'), server('web2', { priority: 1 }), server('web3', { priority: 2 })]
  expect(weights(shop({ servers }, {}))).toEqual({ '10.0.0.1': 1, '10.0.0.2': 0, '10.0.0.3': 0 })
  expect(weights(shop({ servers }, { web1: health('down') }))).toEqual({ '10.0.0.1': 0, '10.0.0.2': 1, '10.0.0.3': 0 })
  const down = { web1: health('down'), web2: health('down') }
  expect(weights(shop({ servers, onFailure: 'remove' }, down))).toEqual({ '10.0.0.3': 1 })
})

const down = { web1: health('down'), web2: health('down'), web3: health('down') }
const sorry = { address: '10.0.0.99', family: 'ipv4', port: undefined, forwarding: 'direct' } as const

test('below the minimum: all are kept, except those with an override', () => {
  const minimumHealthy = { share: 0.5, below: 'keep' } as const
  const overrides = [override('disable', 'web1')]
  const given = shop({ minimumHealthy, onFailure: 'remove' }, down, { overrides })
  expect(weights(given)).toEqual({ '10.0.0.2': 1, '10.0.0.3': 1, '10.0.0.4': 1 })
  expect(desired(given).alarms).toEqual(["shop: less than 50 % of the servers' weight is healthy (keep)"])
  // Exactly the minimum is enough.
  const half = { web1: health('down'), web2: health('down') }
  expect(weights(shop({ minimumHealthy, onFailure: 'remove' }, half))).toEqual({ '10.0.0.3': 1, '10.0.0.4': 1 })
})

test('before the first results nothing is below the minimum', () => {
  const unknown = health('unknown')
  const minimumHealthy = { share: 0.5, below: 'keep' } as const
  const given = shop({ minimumHealthy }, { web1: unknown, web2: unknown, web3: unknown, web4: unknown })
  expect(weights(given)).toEqual({})
  expect(desired(given).alarms).toEqual(['shop: no server has traffic'])
})

test('nobody is healthy, some are unknown: the failed ones are kept', () => {
  const minimumHealthy = { share: 0.5, below: 'keep' } as const
  const given = shop({ servers: two, minimumHealthy }, { web1: health('down'), web2: health('unknown') })
  expect(weights(given)).toEqual({ '10.0.0.1': 3 })
})

test('below the minimum: the sorry server, or the addresses go away', () => {
  const given = shop({ minimumHealthy: { share: 0.5, below: 'sorry' }, sorry, onFailure: 'remove' }, down)
  expect(weights(given)).toEqual({ '10.0.0.4': 0, '10.0.0.99': 1 })
  const withdrawn = desired(shop({ minimumHealthy: { share: 0.5, below: 'withdraw' } }, down))
  expect(withdrawn.withdraw).toBe(true)
  expect(withdrawn.state.services?.[0]?.destinations?.map(({ weight }) => weight)).toEqual([0, 0, 0, 1])
})

test('the sorry server is there when nobody is left, and only then', () => {
  expect(weights(shop({ sorry }, down))).not.toHaveProperty('10.0.0.99')
  expect(weights(shop({ sorry, onFailure: 'remove' }, { ...down, web4: health('down') }))).toEqual({ '10.0.0.99': 1 })
  const drains = ['web1', 'web2', 'web3', 'web4'].map((name) => override('drain', name))
  expect(weights(shop({ sorry }, {}, { overrides: drains }))['10.0.0.99']).toBe(1)
  const zero = [server('web1', { weight: 0 })]
  expect(weights(shop({ sorry, servers: zero }, {}))).toEqual({ '10.0.0.1': 0, '10.0.0.99': 1 })
})

const slowStart = { forMs: 20_000, from: 0.1 }

const ramped = (age: number) => shop({ servers: two, slowStart }, { web2: health('up', { slowStartSince: NOW - age }) })

test('a slow start goes by steps, with scaled weights', () => {
  expect(weights(ramped(0))).toEqual({ '10.0.0.1': 300, '10.0.0.2': 10 })
  expect(weights(ramped(999))['10.0.0.2']).toBe(10)
  expect(weights(ramped(10_000))['10.0.0.2']).toBe(55)
  expect(weights(ramped(20_000))['10.0.0.2']).toBe(100)
  expect(desired(ramped(10_500)).wakeAt).toBe(NOW + 500)
  expect(desired(ramped(20_000)).wakeAt).toBe(undefined)
})

test('a slow start has no effect where weights are no shares', () => {
  for (const scheduler of ['rr', 'lc', 'sh', 'ovf', 'fo']) {
    const states = { web2: health('up', { slowStartSince: NOW }) }
    const flags = scheduler === 'sh' ? (['sh-fallback'] as const) : []
    const decided = desired(shop({ servers: two, slowStart, scheduler, schedulerFlags: flags }, states))
    const decision = decided.services[0]?.servers[1]
    expect(decision).toMatchObject({ weight: 1, factors: { scale: 1, slowStart: 1 } })
    expect(decision?.reason).toContain(`${scheduler} does not share connections by weight`)
  }
})

test('a slow start begins at the end of an override, too, and a restart does not end it', () => {
  const overrides = [override('disable', 'web2', { until: NOW - 10_000 })]
  const given = shop({ servers: two, slowStart }, {}, { overrides })
  expect(weights(given)['10.0.0.2']).toBe(55)
  const { memory } = desired(given)
  const states = { web1: health('up'), web2: health('up') }
  expect(weights(shop({ servers: two, slowStart }, states, { memory }))['10.0.0.2']).toBe(55)
  const ended = shop({ servers: two, slowStart }, { web2: health('down') }, { memory })
  expect(desired(ended).memory.notes?.['shop/web2']).toEqual({ zero: 'down' })
})

const agent = (weight: number | undefined, state?: 'drain' | 'maintenance' | 'down') =>
  shop(
    { servers: two, checks: { atLeast: 2, checks: [ping, agentCheck] } },
    { web1: health('up', { agent: { weight, state, reason: 'load 9' } }) },
  )

test('the weight of an agent is a factor; what it says of its state counts', () => {
  expect(weights(agent(0.75))).toEqual({ '10.0.0.1': 225, '10.0.0.2': 100 })
  expect(weights(agent(0.001))['10.0.0.1']).toBe(1)
  expect(weights(agent(1e9))['10.0.0.1']).toBe(2_147_483_647)
  expect(weights(agent(0))['10.0.0.1']).toBe(0)
  expect(weights(agent(1, 'drain'))['10.0.0.1']).toBe(0)
  expect(desired(agent(1, 'maintenance')).services[0]?.servers[0]?.reason).toBe('its agent says maintenance: load 9')
})

test('discovered servers are servers; the file wins over an equal name', () => {
  const discovered = new Map([['shop', [server('web9'), server('web1', { address: '10.0.0.77' })]]])
  const given = shop({ servers: [server('web1')] }, { web9: health('up') }, { discovered })
  expect(weights(given)).toEqual({ '10.0.0.1': 1, '10.0.0.9': 1 })
})
