// The operator's word: which override holds, and how a drain goes.
import { expect, test } from 'vitest'
import { desired, type DesiredInput } from '../../src/desired/desired.ts'
import { explainServer } from '../../src/desired/explain.ts'
import type { Override, Remaining } from '../../src/desired/inputs.ts'
import { overrideOf, withOverride, withoutOverride } from '../../src/desired/overrides.ts'
import type { SiteService } from '../../src/site/site.ts'
import { health, input, NOW, override, server, service, site } from './support/sites.ts'

const two = [server('web1'), server('web2')]

function shop(more: Partial<SiteService>, overrides: readonly Override[], rest: Partial<DesiredInput> = {}) {
  return { ...input(site(service({ servers: two, ...more }))), overrides, ...rest }
}

function web1(given: DesiredInput) {
  const decided = desired(given)
  const decision = decided.services[0]?.servers[0]
  if (decision === undefined) throw new Error('no decision')
  const { place, weight, code, reason } = decision
  return { ...decided, place, weight, code, reason }
}

const left = (connections: number, templates = 0): Map<'shop/web1', Remaining> =>
  new Map([['shop/web1', { connections, templates }]])

test('the more specific override holds, then the newer; ended ones do not', () => {
  const old = override('drain', 'web1', { since: NOW - 5000 })
  const newer = override('forceUp', 'web1')
  const specific = override('disable', 'shop/web1', { since: NOW - 9000 })
  expect(overrideOf([old, newer], 'shop', 'web1', NOW)).toBe(newer)
  expect(overrideOf([newer, old], 'shop', 'web1', NOW)).toBe(newer)
  expect(overrideOf([old, newer, specific], 'shop', 'web1', NOW)).toBe(specific)
  expect(overrideOf([old, { ...specific, until: NOW }], 'shop', 'web1', NOW)).toBe(old)
  expect(overrideOf([old, newer, specific], 'shop', 'web2', NOW)).toBe(undefined)
})

test('a target has one override; the list forgets ended ones', () => {
  const ended = override('disable', 'web2', { until: NOW - 5000 })
  const list = withOverride([ended, override('drain', 'web1')], override('disable', 'web1', { since: NOW }))
  expect(list.map(({ kind, target }) => `${kind} ${target}`)).toEqual(['disable web1'])
  expect(withoutOverride(list, 'web1', NOW)).toEqual([])
})

test('overrides win over health', () => {
  const states = new Map([['shop/web1', health('down')]] as const)
  expect(web1(shop({}, [override('forceUp', 'web1')], { health: states }))).toMatchObject({
    place: 'traffic',
    weight: 1,
  })
  expect(web1(shop({}, [override('disable', 'shop/web1')]))).toMatchObject({ place: 'absent', code: 'disabled' })
  const until = web1(shop({}, [override('disable', 'web1', { until: NOW + 700 })]))
  expect(until.wakeAt).toBe(NOW + 700)
  expect(until.state.services?.[0]?.destinations?.map(({ address }) => address)).toEqual(['10.0.0.2'])
})

test('a drain waits for connections and templates, or for its deadline', () => {
  const overrides = [override('drain', 'web1', { drain: { waitMs: 60_000 } })]
  const waiting = web1(shop({}, overrides, { remaining: left(2, 1) }))
  expect(waiting).toMatchObject({ place: 'draining', weight: 0, code: 'draining', wakeAt: NOW + 59_000 })
  expect(waiting.reason).toBe('draining by ann: kernel update; waits for 2 connections and 1 persistent client')
  expect(web1(shop({}, overrides, { remaining: left(0, 1) })).code).toBe('draining')
  expect(web1(shop({}, overrides, { remaining: left(0) })).code).toBe('drained')
  expect(web1(shop({}, overrides, { remaining: left(2), now: NOW + 58_999 })).code).toBe('draining')
  expect(web1(shop({}, overrides, { remaining: left(2), now: NOW + 59_000 }))).toMatchObject({
    code: 'drained',
    place: 'draining',
    reason: 'drained by ann: kernel update: its time is over',
  })
})

test('a drained server is removed if told so, and stays so while nobody counts', () => {
  // oxlint-disable-next-line unicorn/no-thenable -- a text, as in the site file
  const overrides = [override('drain', 'web1', { drain: { then: 'remove' } })]
  const drained = web1(shop({}, overrides, { remaining: left(0) }))
  expect(drained.place).toBe('absent')
  const { memory } = drained
  expect(web1(shop({}, overrides, { memory })).place).toBe('absent')
  // Another drain begins anew.
  const again = overrides.map((each) => ({ ...each, since: NOW }))
  expect(web1(shop({}, again, { memory })).place).toBe('draining')
})

test('a drain that moves persistent clients takes the destination out for moments', () => {
  const persistence = { timeoutSeconds: 360, netmask: undefined, engine: undefined }
  const overrides = [override('drain', 'web1', { since: NOW, drain: { stickiness: 'move' } })]
  const first = web1(shop({ persistence }, overrides, { remaining: left(3, 4) }))
  expect(first).toMatchObject({ place: 'absent', code: 'moving', wakeAt: NOW + 1000 })
  const { memory } = first
  expect(web1(shop({ persistence }, overrides, { memory, now: NOW + 999 })).code).toBe('moving')
  // Nobody sees what is left on it at that moment.
  const unseen = new Map([['shop/web1', { absent: true, connections: 0, templates: 0 }]] as const)
  const second = web1(shop({ persistence }, overrides, { memory, remaining: unseen, now: NOW + 1000 }))
  expect(second).toMatchObject({ place: 'draining', weight: 0, code: 'draining', wakeAt: NOW + 5000 })
  const third = web1(shop({ persistence }, overrides, { memory, remaining: left(3, 4), now: NOW + 1000 }))
  expect(third).toMatchObject({ place: 'draining', weight: 0, code: 'draining' })
  expect(third.reason).toMatch(/waits for 3 connections$/)
  // The kernel kept the clients that did not connect then.
  const again = web1(shop({ persistence }, overrides, { memory, remaining: left(3, 4), now: NOW + 10_000 }))
  expect(again).toMatchObject({ place: 'absent', code: 'moving', wakeAt: NOW + 11_000 })
  // Templates do not hold it up, and would lead clients back to weight 0.
  const last = web1(shop({ persistence }, overrides, { memory, remaining: left(0, 4), now: NOW + 5000 }))
  expect(last).toMatchObject({ place: 'absent', code: 'drained' })
  // Without persistence there is nobody to move.
  expect(web1(shop({}, overrides)).place).toBe('draining')
})

test('a drain under mh or sh without fallback is refused, and said', () => {
  for (const scheduler of ['mh', 'sh']) {
    const refused = web1(shop({ scheduler }, [override('drain', 'web1')]))
    expect(refused).toMatchObject({ place: 'traffic', weight: 1, code: 'up' })
    expect(refused.alarms).toEqual([
      `shop/web1: the drain by ann is refused: ${scheduler} without fallback refuses the clients of a server with weight 0; ` +
        'set fallback: true, or disable the server',
    ])
  }
  const flags = ['mh-fallback'] as const
  expect(web1(shop({ scheduler: 'mh', schedulerFlags: flags }, [override('drain', 'web1')])).place).toBe('draining')
})

test('the way to a weight in words', () => {
  const slowStart = { forMs: 20_000, from: 0.1 }
  const states = new Map([['shop/web1', health('up', { slowStartSince: NOW - 10_000 })]] as const)
  const [first] = desired(shop({ slowStart }, [], { health: states })).services
  if (first === undefined) throw new Error('no service')
  expect(explainServer(first, 'web1', [], NOW)).toEqual([
    'shop/web1: gets new connections, weight 55',
    'because: its checks succeed; slow start at 55 % of its weight',
    'configured weight: 1',
    'scale: 100, so that parts of a weight have room',
    'slow start: 55 %',
    'together: 55',
  ])
  const overrides = [override('disable', 'web1', { since: NOW, until: NOW + 60_000 })]
  const [second] = desired(shop({}, overrides)).services
  if (second === undefined) throw new Error('no service')
  expect(explainServer(second, 'web1', overrides, NOW)).toEqual([
    'shop/web1: not in the table, weight 0',
    'because: disabled by ann: kernel update',
    'override: disable of web1 by ann since 2027-01-15T08:00:00.000Z, until 2027-01-15T08:01:00.000Z: kernel update',
    'configured weight: 1',
  ])
  expect(explainServer(second, 'web7', overrides, NOW)).toBe(undefined)
})
