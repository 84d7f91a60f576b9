// When `drain --wait` may say that a server is drained.
import { expect, test } from 'vitest'
import { drainOf } from '../../src/cli/drain.ts'
import type { ServerStatus, Status } from '../../src/control/status.ts'

const drain = { kind: 'drain', target: 'web1', who: 'anna', why: '', since: 0, until: undefined } as const

function status(servers: Readonly<Record<string, Partial<ServerStatus>>>, failures: readonly string[] = []): Status {
  const services = Object.entries(servers).map(([id, fields]) => {
    const [name, server] = id.split('/')
    return { name, servers: [{ name: server, code: 'drained', reason: 'drained by anna', override: drain, ...fields }] }
  })
  return { services, lastRound: { at: 0, changes: 0, failures } } as unknown as Status
}

const waits = { code: 'draining', reason: 'draining by anna; waits for 2 connections' } as const

test('it waits until all services of the server are drained', () => {
  expect(drainOf('web1', status({ 'shop/web1': waits, 'mail/web1': {} }))).toEqual({
    waiting: true,
    lines: ['shop/web1: draining by anna; waits for 2 connections'],
  })
  expect(drainOf('web1', status({ 'shop/web1': {}, 'mail/web1': {} }))).toEqual({ waiting: false, lines: [] })
})

test('it waits for the kernel', () => {
  expect(drainOf('web1', status({ 'shop/web1': {} }, ['no memory'])).lines).toEqual(['waits for the kernel: no memory'])
})

test('another order about the server in one service does not matter', () => {
  const override = { ...drain, kind: 'disable', target: 'mail/web1' } as const
  const both = status({ 'shop/web1': {}, 'mail/web1': { code: 'disabled', override } })
  expect(drainOf('web1', both).waiting).toBe(false)
})

test.each<[string, Status, RegExp]>([
  ['ended by somebody', status({ 'shop/web1': { code: 'up', override: undefined } }), /ended before it was over/],
  ['replaced', status({ 'shop/web1': { code: 'forced-up', override: { ...drain, kind: 'forceUp' } } }), /ended before/],
  ['out of the site', status({ 'shop/web2': {} }), /no longer in the site/],
  [
    'refused',
    status({ 'shop/web1': { code: 'up', reason: 'the drain is refused' } }),
    /is not drained: the drain is refused/,
  ],
])('a drain that was %s is not called drained', (_, given, message) => {
  expect(() => drainOf('web1', given)).toThrow(message)
})
