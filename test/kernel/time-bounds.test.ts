// A kernel that is silent: every call ends within `timeoutMs` and one second for reading back, however many there are.
import { afterEach, expect, test } from 'vitest'

import { operationCode } from '../../lib/binding/records.ts'
import { Rig, all, itemsFrom, liesOf } from './batch-rig.ts'
import { faults, type Fault } from './model-kernel.ts'

const TIMEOUT_MS = 300
const BOUND_MS = TIMEOUT_MS + 1000 + 1500 // the last for a busy machine; a second for each call would be far beyond

let rig: Rig
afterEach(() => rig.end())

function silent(): Rig {
  rig = new Rig(() => (world) => (world.silence(), []), { timeoutMs: TIMEOUT_MS })
  return rig
}

const context = { operation: 'any', target: '' }
const services = () => rig.queue.read({ code: operationCode('listServices') }, context, undefined)
const update = (mark: number) => {
  const read = { code: operationCode('getService'), key: { family: 2, fwmark: mark } }
  const write = () => ({ code: operationCode('removeService'), service: { fwmark: mark } })
  return rig.queue.writeAfterRead(read, write, context, undefined)
}
const calls: Readonly<Record<string, (index: number) => Promise<unknown>>> = {
  writes: (index) => rig.write(index + 1),
  reads: services,
  'writes that look first': (index) => update(index + 1),
  snapshots: () => rig.queue.snapshot(true, context, undefined),
  batches: (index) => rig.batch(itemsFrom(index * 1000 + 1, 600), index % 2 === 0),
  'all of them': (index) => (kinds[index % kinds.length] as (typeof kinds)[number])(index),
}
const kinds = Object.values(calls).slice(0, -1)

const add = (fwmark: number) => ({ operation: 'addService', service: { fwmark, scheduler: 'rr' } }) as const
const tick = () => new Promise((resolve) => setTimeout(resolve, 2))

/** The longest that one of them took to settle. */
async function longest(start: (index: number) => Promise<unknown>, count: number, apart: boolean): Promise<number> {
  const times: Promise<number>[] = []
  for (let index = 0; index < count; index++) {
    const began = performance.now()
    const settled = start(index).catch(() => {})
    times.push(settled.then(() => performance.now() - began))
    if (apart) await tick()
  }
  return Math.max(...(await Promise.all(times)))
}

const counts = [1, 5, 20].flatMap((count) => Object.keys(calls).map((name) => [count, name] as const))

test.each(counts)('%i %s', async (count, name) => {
  silent()
  expect(await longest(calls[name] as (index: number) => Promise<unknown>, count, true)).toBeLessThan(BOUND_MS)
})

test('20 writes of one tick', async () => {
  silent()
  expect(await longest((index) => rig.write(index + 1), 20, false)).toBeLessThan(BOUND_MS)
})

test.each(Object.keys(calls))('close() behind %s', async (name) => {
  silent()
  const running = longest(calls[name] as (index: number) => Promise<unknown>, 20, true)
  await new Promise((resolve) => setTimeout(resolve, TIMEOUT_MS + 300)) // something is read back at this moment
  const began = performance.now()
  await rig.queue.close()
  expect(performance.now() - began).toBeLessThan(BOUND_MS - 1000)
  expect(await running).toBeLessThan(BOUND_MS)
})

test('close() behind calls that nobody waits for any more', async () => {
  silent()
  const controller = new AbortController()
  const aborted = Array.from({ length: 20 }, (_, index) => {
    const write = { code: operationCode('addService'), service: { family: 2, fwmark: index + 1 } }
    return rig.queue.write(write, context, controller.signal)
  })
  await new Promise((resolve) => setTimeout(resolve, 50))
  controller.abort()
  for (const outcome of await Promise.allSettled(aborted)) {
    expect(outcome).toMatchObject({ reason: { code: 'ERR_IPVS_ABORTED', outcome: 'unknown' } })
  }
  const began = performance.now()
  await rig.queue.close()
  expect(performance.now() - began).toBeLessThan(BOUND_MS)
})

test('an abort ends reading back', async () => {
  silent()
  const controller = new AbortController()
  const write = { code: operationCode('addService'), service: { family: 2, fwmark: 1 } }
  const pending = rig.queue.write(write, context, controller.signal)
  setTimeout(() => controller.abort(), TIMEOUT_MS + 300)
  const began = performance.now()
  await expect(pending).rejects.toMatchObject({ outcome: 'unknown' })
  expect(performance.now() - began).toBeLessThan(TIMEOUT_MS + 1000)
})

test('a batch takes as long as it takes, when no part of it does', async () => {
  const pause = new Int32Array(new SharedArrayBuffer(4))
  const slow: Fault = (world) => (Atomics.wait(pause, 0, 0, 60), world.apply())
  rig = new Rig(() => slow, { timeoutMs: 1000 }) // a block takes about half of that; three are handed over at a time
  const items = Array.from({ length: 3500 }, (_, index) => add(index + 1))
  const result = await rig.batch(items, false)
  expect(result.done).toBe(3500)
  expect(liesOf(rig.kernel, items, result)).toEqual([])
})

// One lost datagram, and a kernel that works on: the batch has one time-out and one read-back, not one for each of its calls.
test.each(['a request that is lost', 'an answer that is lost'])('a batch with %s, at each datagram', async (name) => {
  const items = itemsFrom(1, 500)
  rig = new Rig(() => undefined)
  await rig.batch(items, false)
  expect(rig.kernel.datagrams).toBeGreaterThan(10)
  const places = Array.from({ length: rig.kernel.datagrams }, (_, index) => index + 1)
  const late: string[] = []
  await all(places, async (at) => {
    const one = new Rig((number) => (number === at ? faults[name] : undefined), { timeoutMs: TIMEOUT_MS })
    const began = performance.now()
    await one.batch(items, at % 2 === 0)
    const ms = performance.now() - began
    await one.end()
    if (ms >= BOUND_MS) late.push(`datagram ${at}: ${Math.round(ms)} ms`)
  })
  expect(late).toEqual([])
})
