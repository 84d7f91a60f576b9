import { expect, test } from 'vitest'
import type { ServerId } from '../../src/desired/inputs.ts'
import { type BrakeInput, type BrakeState, brakeStep, heldHealth, releasedBrake } from '../../src/health/brake.ts'

const rule = { maximumLoss: 0.3, perMs: 60_000 }
const quiet: Omit<BrakeInput, 'now'> = {
  servers: 10,
  wentDown: [],
  gone: [],
  controlAnswered: undefined,
  hasControl: true,
}
const ids = (...numbers: number[]): ServerId[] => numbers.map((number) => `shop/web${String(number)}` as const)

type Step = Partial<BrakeInput> & { readonly now: number }

function steps(...all: Step[]): { events: (string | undefined)[]; state: BrakeState; alarm: string } {
  let [state, alarm] = [releasedBrake, '']
  const events = all.map((step) => {
    const outcome = brakeStep(state, rule, { ...quiet, ...step })
    ;({ state, alarm } = outcome)
    return outcome.event
  })
  return { events, state, alarm }
}

const mass: Step = { now: 1000, wentDown: ids(1, 2, 3, 4) }

test('up to the share nothing is held', () => {
  const { events, state } = steps({ now: 1, wentDown: ids(1) }, { now: 2, wentDown: ids(2, 3) })
  expect(events).toEqual([undefined, undefined])
  expect(state.held.size).toBe(0)
})

test('the server that is one too many is held, and each one after it', () => {
  const first = steps({ now: 1, wentDown: ids(1, 2, 3) }, { now: 2, wentDown: ids(4) })
  expect(first.events).toEqual([undefined, 'held'])
  expect([...first.state.held]).toEqual(['shop/web4'])
  expect(first.alarm).toBe(
    '4 of 10 servers failed, more than 30% at once: further removals are held until the control target answers',
  )
  const more = steps(
    { now: 1, wentDown: ids(1, 2, 3) },
    { now: 2, wentDown: ids(4) },
    { now: 90_000, wentDown: ids(5) },
  )
  expect([...more.state.held]).toEqual(['shop/web4', 'shop/web5'])
})

test('losses further apart than the time do not add up', () => {
  const { events } = steps({ now: 0, wentDown: ids(1, 2, 3) }, { now: 60_000, wentDown: ids(4) })
  expect(events).toEqual([undefined, undefined])
  expect(steps({ now: 0, wentDown: ids(1, 2, 3) }, { now: 59_999, wentDown: ids(4) }).events).toEqual([
    undefined,
    'held',
  ])
})

test('only an answer after the brake went on releases it', () => {
  expect(steps(mass, { now: 2000, controlAnswered: 999 }).events).toEqual(['held', undefined])
  const { events, state, alarm } = steps(mass, { now: 2000, controlAnswered: 1500 })
  expect(events).toEqual(['held', 'released'])
  expect(state).toEqual(releasedBrake)
  expect(alarm).toBe('removals are no longer held: the control target answers')
})

test('with a control target that is silent the removals are held for ever', () => {
  expect(steps(mass, { now: 10_000_000 }).state.held.size).toBe(4)
})

test('without a control target the removals are held for the time', () => {
  const without = { ...mass, hasControl: false }
  expect(steps(without, { now: 60_999, hasControl: false }).events).toEqual(['held', undefined])
  expect(steps(without, { now: 61_000, hasControl: false }).events).toEqual(['held', 'released'])
})

test('servers that come back are not held, and enough of them release the brake', () => {
  const six: Step = { now: 1000, wentDown: ids(1, 2, 3, 4, 5, 6) }
  const some = steps(six, { now: 2000, gone: ids(1, 2) })
  expect([...some.state.held]).toEqual(ids(3, 4, 5, 6))
  expect(steps(six, { now: 2000, gone: ids(1, 2, 3) }).events).toEqual(['held', 'released'])
})

test('a server of several services counts once, and one server is never a mass', () => {
  const wentDown: ServerId[] = ['shop/web1', 'api/web1', 'mail/web1']
  expect(steps({ now: 1, servers: 2, wentDown }).events).toEqual([undefined])
  expect(steps({ now: 1, servers: 2, wentDown: ['shop/web1', 'shop/web2'] }).events).toEqual(['held'])
})

test('after a release the count begins anew', () => {
  const { events } = steps(mass, { now: 2000, controlAnswered: 1500 }, { now: 3000, wentDown: ids(5, 6, 7) })
  expect(events).toEqual(['held', 'released', undefined])
})

test('a site without a brake holds nothing, also when it had one', () => {
  const { state } = steps(mass)
  expect(brakeStep(state, undefined, { ...quiet, now: 2 })).toMatchObject({ state: releasedBrake, event: 'released' })
  expect(brakeStep(releasedBrake, undefined, { ...quiet, ...mass })).toMatchObject({ event: undefined, alarm: '' })
})

test('a held server keeps its weight and says why', () => {
  const failed = {
    state: 'down',
    since: 5,
    reason: 'tcp :80: refused',
    slowStartSince: undefined,
    agent: undefined,
  } as const
  expect(heldHealth(failed)).toEqual({ ...failed, state: 'up', reason: 'held by the brake: tcp :80: refused' })
})

test('random histories: never more than the share removed within the time while control is silent', () => {
  let seed = 7
  const random = (): number => (seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648) / 2_147_483_648
  for (let run = 0; run < 200; run += 1) {
    let state = releasedBrake
    const removedAt = new Map<ServerId, number>()
    let now = 0
    for (const id of ids(...Array.from({ length: 10 }, (_, index) => index))) {
      now += Math.floor(random() * 20_000)
      ;({ state } = brakeStep(state, rule, { ...quiet, now, wentDown: [id] }))
      if (!state.held.has(id)) removedAt.set(id, now)
      const lately = [...removedAt.values()].filter((at) => at > now - rule.perMs)
      expect(lately.length).toBeLessThanOrEqual(3)
    }
  }
})
