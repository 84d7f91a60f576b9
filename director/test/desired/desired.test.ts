// What becomes of servers: health, orders, drains, groups, minimum, slow start, agents.
import { expect, test } from 'vitest'
import type { DesiredInput } from '../../src/desired/desired.ts'
import type { ServerHealth, ServerId } from '../../src/desired/inputs.ts'
import { NOW, codes, decide, health, order, weights } from '../support/decide.ts'
import { server, service } from '../support/sites.ts'

const MINUTE = 60_000

const minimum = (below: 'keep' | 'sorry' | 'withdraw') => ({ minimumHealthy: { share: 0.5, below } })

const says = (weight: number | undefined, state: 'drain' | 'down' | 'ready' | undefined): ServerHealth =>
  health('up', { agent: { weight, state, reason: 'load' } })

test('healthy servers have their weights; the mark has one rule for each virtual address', () => {
  const decided = decide(
    service('shop', { servers: [server('a', '10.0.0.1'), server('b', '10.0.0.2', { weight: 3 })] }),
  )
  expect(weights(decided)).toEqual({ '10.0.0.1': 1, '10.0.0.2': 3 })
  expect(decided.state.services?.[0]?.service).toEqual({ fwmark: 7, family: 'ipv4', scheduler: 'wlc' })
  expect(decided.state.marks).toEqual([
    { mark: 7, address: '172.16.0.100', protocol: 'tcp', ports: [80, 443], comment: 'shop' },
  ])
  expect(decided.wakeAt).toBeUndefined()
  expect(decided.alarms).toEqual([])
})

test('a failed server has weight 0, or leaves', () => {
  expect(weights(decide(service('shop'), { a: 'down' }))).toEqual({ '10.0.0.1': 0, '10.0.0.2': 1, '10.0.0.3': 1 })
  const removed = decide(service('shop', { onFailure: 'remove' }), { a: 'down' })
  expect(weights(removed)).toEqual({ '10.0.0.2': 1, '10.0.0.3': 1 })
  expect(removed.services[0]?.servers[0]).toMatchObject({ code: 'down', reason: 'its checks fail: refused' })
})

test('mh and sh without fallback refuse clients of a server with weight 0: it leaves', () => {
  for (const scheduler of ['mh', 'sh']) {
    expect(Object.keys(weights(decide(service('shop', { scheduler }), { a: 'down' })))).toEqual([
      '10.0.0.2',
      '10.0.0.3',
    ])
  }
  const flags = { scheduler: 'mh', schedulerFlags: ['mh-fallback'] } as const
  expect(weights(decide(service('shop', flags), { a: 'down' }))).toMatchObject({ '10.0.0.1': 0 })
})

test('a server that is not checked yet waits, unless the table had it', () => {
  const waiting = decide(service('shop'), { a: 'unknown' })
  expect(codes(waiting)).toMatchObject({ a: 'unknown' })
  expect(Object.keys(weights(waiting))).toEqual(['10.0.0.2', '10.0.0.3'])
  const adopted = decide(service('shop'), { a: 'unknown' }, { adopted: new Set<ServerId>(['shop/a']) })
  expect(codes(adopted)).toMatchObject({ a: 'adopted' })
  expect(weights(adopted)).toMatchObject({ '10.0.0.1': 1 })
})

test('without checks a server has traffic', () => {
  const decided = decide(service('shop', { checks: { atLeast: 0, checks: [] } }), { a: 'unknown' })
  expect(codes(decided)).toEqual({ a: 'unchecked', b: 'unchecked', c: 'unchecked' })
})

test('an operator wins over health', () => {
  const overrides = [order('forceUp', 'a'), order('disable', 'shop/b')]
  const decided = decide(service('shop'), { a: 'down', b: 'up' }, { overrides })
  expect(weights(decided)).toEqual({ '10.0.0.1': 1, '10.0.0.3': 1 })
  expect(decided.services[0]?.servers[1]?.reason).toBe('disabled by anna: disk')
})

test('the order about a server of one service wins over that about the server', () => {
  const overrides = [order('disable', 'a'), order('forceUp', 'shop/a')]
  expect(codes(decide(service('shop'), { a: 'down' }, { overrides }))).toMatchObject({ a: 'forced-up' })
})

test('an order ends by itself', () => {
  const overrides = [order('disable', 'a', { until: NOW + MINUTE })]
  const during = decide(service('shop'), {}, { overrides })
  expect(during.wakeAt).toBe(NOW + MINUTE)
  expect(codes(during)).toMatchObject({ a: 'disabled' })
  expect(codes(decide(service('shop'), {}, { overrides, now: NOW + MINUTE }))).toMatchObject({ a: 'up' })
})

test('a drain waits for connections and persistent clients, at most until its deadline', () => {
  const overrides = [order('drain', 'a', { drain: { waitMs: MINUTE } })]
  const left = (connections: number, templates: number): Partial<DesiredInput> => ({
    overrides,
    remaining: new Map([['shop/a' as const, { connections, templates }]]),
  })
  const waiting = decide(service('shop'), {}, left(2, 1))
  expect(waiting.services[0]?.servers[0]).toMatchObject({
    code: 'draining',
    weight: 0,
    reason: 'draining by anna: disk; waits for 2 connections and 1 persistent client',
  })
  expect(waiting.wakeAt).toBe(NOW + MINUTE)
  expect(codes(decide(service('shop'), {}, left(0, 0)))).toMatchObject({ a: 'drained' })
  const late = decide(service('shop'), {}, { ...left(2, 1), now: NOW + MINUTE })
  expect(late.services[0]?.servers[0]?.reason).toBe('drained by anna: disk: its time is over')
  expect(weights(late)).toMatchObject({ '10.0.0.1': 0 })
})

test('after a drain the server can leave', () => {
  // oxlint-disable-next-line unicorn/no-thenable -- a text, as in the site file
  const overrides = [order('drain', 'a', { drain: { then: 'remove' } })]
  const remaining = new Map([['shop/a' as const, { connections: 0, templates: 0 }]])
  expect(Object.keys(weights(decide(service('shop'), {}, { overrides, remaining })))).toEqual(['10.0.0.2', '10.0.0.3'])
})

test('servers of the first group with a healthy server have the traffic', () => {
  const shop = service('shop', {
    servers: [
      server('a', '10.0.0.1'),
      server('b', '10.0.0.2', { priority: 1 }),
      server('c', '10.0.0.3', { priority: 2 }),
    ],
  })
  expect(codes(decide(shop))).toEqual({ a: 'up', b: 'standby', c: 'standby' })
  expect(weights(decide(shop))).toEqual({ '10.0.0.1': 1, '10.0.0.2': 0, '10.0.0.3': 0 })
  expect(codes(decide(shop, { a: 'down' }))).toEqual({ a: 'down', b: 'up', c: 'standby' })
})

test('below the minimum all servers stay, or the sorry server has the traffic, or the addresses go away', () => {
  const states = { a: 'down', b: 'down' } as const
  const kept = decide(service('shop', minimum('keep')), states)
  expect(codes(kept)).toEqual({ a: 'fail-open', b: 'fail-open', c: 'up' })
  expect(weights(kept)).toEqual({ '10.0.0.1': 1, '10.0.0.2': 1, '10.0.0.3': 1 })
  expect(kept.alarms).toEqual(["shop: less than 50 % of the servers' weight is healthy (keep)"])
  const sorry = { address: '10.0.0.99', family: 'ipv4', port: undefined, forwarding: 'direct' } as const
  const sent = decide(service('shop', { ...minimum('sorry'), sorry }), states)
  expect(weights(sent)).toEqual({ '10.0.0.1': 0, '10.0.0.2': 0, '10.0.0.3': 0, '10.0.0.99': 1 })
  expect(decide(service('shop', minimum('withdraw')), states).withdraw).toBe(true)
  expect(decide(service('shop', minimum('withdraw')), { a: 'down' }).withdraw).toBe(false)
})

test('the minimum does not count servers that an operator took out', () => {
  const shop = service('shop', { minimumHealthy: { share: 0.5, below: 'keep' } })
  const overrides = [order('disable', 'a'), order('disable', 'b')]
  const decided = decide(shop, {}, { overrides })
  expect(codes(decided)).toEqual({ a: 'disabled', b: 'disabled', c: 'up' })
  expect(decided.alarms).toEqual([])
})

test('when no server is left, the sorry server has the traffic; without one there is an alarm', () => {
  const states = { a: 'down', b: 'down', c: 'down' } as const
  const sorry = { address: '10.0.0.99', family: 'ipv4', port: undefined, forwarding: 'direct' } as const
  expect(weights(decide(service('shop', { sorry, onFailure: 'remove' }), states))).toEqual({ '10.0.0.99': 1 })
  expect(decide(service('shop'), states).alarms).toEqual(['shop: no server has traffic'])
})

test('a slow start goes up in steps, and a weight of 1 has room for it', () => {
  const shop = service('shop', { slowStart: { forMs: 20_000, from: 0.1 } })
  const a = health('up', { slowStartSince: NOW })
  const first = decide(shop, { a })
  expect(weights(first)).toEqual({ '10.0.0.1': 10, '10.0.0.2': 100, '10.0.0.3': 100 })
  expect(first.wakeAt).toBe(NOW + 1000)
  expect(weights(decide(shop, { a }, { now: NOW + 10_000 }))).toMatchObject({ '10.0.0.1': 55 })
  const end = decide(shop, { a }, { now: NOW + 20_000 })
  expect(weights(end)).toMatchObject({ '10.0.0.1': 100 })
  expect(end.wakeAt).toBeUndefined()
})

test('an agent says a share of the weight, drain, or down', () => {
  const shop = service('shop', {
    servers: [server('a', '10.0.0.1', { weight: 8 }), server('b', '10.0.0.2')],
    onFailure: 'remove',
  })
  expect(weights(decide(shop, { a: says(0.5, undefined) }))).toMatchObject({ '10.0.0.1': 4 })
  expect(weights(decide(shop, { a: says(0.01, 'ready') }))).toMatchObject({ '10.0.0.1': 1 })
  expect(weights(decide(shop, { a: says(undefined, 'drain') }))).toMatchObject({ '10.0.0.1': 0 })
  expect(Object.keys(weights(decide(shop, { a: says(undefined, 'down') })))).toEqual(['10.0.0.2'])
})

test('a weight of 0 in the file stays 0', () => {
  const shop = service('shop', { servers: [server('a', '10.0.0.1', { weight: 0 }), server('b', '10.0.0.2')] })
  expect(weights(decide(shop))).toEqual({ '10.0.0.1': 0, '10.0.0.2': 1 })
})
