// Where two rules meet: cases that once went wrong.
import { describe, expect, test } from 'vitest'
import type { DesiredInput } from '../../src/desired/desired.ts'
import type { Memory, ServerHealth, ServerId } from '../../src/desired/inputs.ts'
import { codes, decide, health, NOW, order, weights } from '../support/decide.ts'
import { server, service } from '../support/sites.ts'

const persistence = { timeoutSeconds: 360, netmask: undefined, engine: undefined }

const memory = (note: NonNullable<Memory['notes']>[ServerId]): Memory => ({ marks: {}, notes: { 'shop/a': note } })

/** The weight of `a`, drained and not checked yet. */
const at = (more: Partial<DesiredInput>): number | undefined =>
  weights(decide(service('shop', { persistence }), { a: 'unknown' }, { overrides: [order('drain', 'a')], ...more }))[
    '10.0.0.1'
  ]

describe('a dead server with persistence leaves the table, because weight 0 keeps its clients', () => {
  const shop = service('shop', { persistence, onFailure: 'remove' })

  test('whatever its agent said last', () => {
    const a: ServerHealth = health('down', { agent: { weight: undefined, state: 'drain', reason: '' } })
    const decided = decide(shop, { a })
    expect(weights(decided)).toEqual({ '10.0.0.2': 1, '10.0.0.3': 1 })
    expect(codes(decided)).toMatchObject({ a: 'down' })
  })

  test.each([NOW, NOW + 3_600_000])('during a drain and after it (%i)', (now) => {
    const decided = decide(shop, { a: 'down' }, { overrides: [order('drain', 'a')], now })
    expect(weights(decided)).toEqual({ '10.0.0.2': 1, '10.0.0.3': 1 })
    expect(decided.services[0]?.servers[0]?.reason).toMatch(/^drain.* by anna: disk.*; its checks fail: refused$/)
  })

  test('its clients need not be moved, also after a restart', () => {
    const overrides = [order('drain', 'a', { drain: { stickiness: 'move' } })]
    const decided = decide(shop, { a: 'down' }, { overrides })
    expect(weights(decided)).toEqual({ '10.0.0.2': 1, '10.0.0.3': 1 })
    expect(codes(decided)).toMatchObject({ a: 'draining' })
    // Unknown after a restart: the next round, and one after the moment that a move takes.
    let next = decided.memory
    for (const now of [NOW + 5000, NOW + 8000]) {
      const restarted = decide(shop, { a: 'unknown' }, { overrides, memory: next, now })
      expect(codes(restarted)).toMatchObject({ a: 'draining' })
      expect(weights(restarted)).toEqual({ '10.0.0.2': 1, '10.0.0.3': 1 })
      next = restarted.memory
    }
  })

  test('with onFailure: drain it stays', () => {
    const decided = decide(service('shop', { persistence }), { a: 'down' }, { overrides: [order('drain', 'a')] })
    expect(weights(decided)).toMatchObject({ '10.0.0.1': 0 })
  })
})

describe('a drained server that is not checked yet', () => {
  test('does not come into the table', () => {
    expect(at({})).toBeUndefined()
  })

  test('stays in the table, where it has connections', () => {
    expect(at({ adopted: new Set<ServerId>(['shop/a']) })).toBe(0)
    expect(at({ memory: memory({ zero: 'draining' }) })).toBe(0)
  })

  test('comes back when a restart interrupted the moment in which its clients move', () => {
    const overrides = [order('drain', 'a', { drain: { stickiness: 'move' } })]
    const moved = memory({ moved: { drain: NOW, at: NOW } })
    expect(at({ overrides, memory: moved, now: NOW + 10 })).toBeUndefined()
    expect(at({ overrides, memory: moved, now: NOW + 4000 })).toBe(0)
  })
})

test('nobody is left in one family: its clients get the sorry server', () => {
  const shop = service('shop', {
    virtuals: [
      { address: '172.16.0.100', family: 'ipv4', protocol: 'tcp', ports: 'all' },
      { address: '2001:db8::100', family: 'ipv6', protocol: 'tcp', ports: 'all' },
    ],
    servers: [server('a', '10.0.0.1'), server('b', 'fd00::2')],
    onFailure: 'remove',
    sorry: { address: '10.0.0.99', family: 'ipv4', port: undefined, forwarding: 'direct' },
  })
  const addresses = (states: Parameters<typeof decide>[1]): unknown =>
    decide(shop, states).state.services?.map(({ destinations = [] }) => destinations.map(({ address }) => address))
  expect(addresses({})).toEqual([['10.0.0.1'], ['fd00::2']])
  expect(addresses({ a: 'down' })).toEqual([['10.0.0.99'], ['fd00::2']])
  expect(addresses({ b: 'down' })).toEqual([['10.0.0.1'], []]) // the sorry server has no IPv6
})
