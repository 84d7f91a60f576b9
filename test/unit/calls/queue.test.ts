import { setImmediate, setTimeout } from 'node:timers/promises'

import { beforeEach, describe, expect, test } from 'vitest'

import { ADD, QueueRig, GET, context, marks, services } from '../support/queue-rig.ts'
import { failed } from '../support/fake-session.ts'
import { schema } from '../support/schema.ts'

let rig: QueueRig
beforeEach(() => {
  rig = new QueueRig()
})

const settled = (promises: Promise<unknown>[]) => Promise.allSettled(promises)

describe('one tick, one call', () => {
  test('writes share a call', async () => {
    const results = settled([rig.write(1), rig.write(2), rig.write(3)])
    expect(rig.session.calls).toHaveLength(0)
    await setImmediate()
    expect(rig.session.calls).toHaveLength(1)
    expect(rig.session.last).toMatchObject({ method: 'execute', codes: [ADD, ADD, ADD] })
    expect(marks(rig.session.last)).toEqual([1, 2, 3])
    rig.session.last.answer()
    expect((await results).map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'fulfilled'])
  })

  test('writes are sent at the end of the tick, without waiting for timers or input', async () => {
    void rig.write(1)
    await Promise.resolve()
    expect(rig.session.calls).toHaveLength(1)
  })

  test('the next tick has its own call, and does not wait for the first', async () => {
    void rig.write(1)
    await setImmediate()
    void rig.write(2)
    await setImmediate()
    expect(rig.session.calls.map(marks)).toEqual([[1], [2]])
    expect(new Set(rig.session.calls.map(({ call }) => call.id)).size).toBe(2)
  })

  test('rows of destinations and of services go with their operations', async () => {
    const target = { operation: 'addDestination', target: '' }
    void rig.write(1)
    void rig.queue.write({ code: 3, service: { fwmark: 1 }, destination: { weight: 5 } }, target, undefined)
    void rig.queue.write({ code: 6 }, { operation: 'flush', target: '' }, undefined)
    void rig.queue.write({ code: 3, service: { fwmark: 1 }, destination: { weight: 6 } }, target, undefined)
    await setImmediate()
    expect(rig.session.last.codes).toEqual([ADD, 3, 6, 3])
    expect([rig.session.last.destinations[1]?.weight, rig.session.last.destinations[3]?.weight]).toEqual([5, 6])
    expect(marks(rig.session.last)[3]).toBe(1)
  })

  test('a failure rejects its operation only', async () => {
    const results = settled([rig.write(1), rig.write(2), rig.write(3)])
    await setImmediate()
    rig.session.last.answer({ failures: [{ index: 1, kind: 'rejected', errno: 17, unknown: false }] })
    const [first, second, third] = await results
    expect([first?.status, third?.status]).toEqual(['fulfilled', 'fulfilled'])
    expect(second).toMatchObject({ reason: { code: 'ERR_IPVS_SERVICE_EXISTS', target: 'FWM 2 ipv4' } })
  })

  test('no more than 4096 in one call', async () => {
    rig.session.reply = () => ({})
    await Promise.all(Array.from({ length: 10_000 }, (_, index) => rig.write(index + 1)))
    expect(rig.session.calls.map(({ codes }) => codes.length)).toEqual([4096, 4096, 1808])
    expect(rig.session.calls.flatMap(marks)).toEqual(Array.from({ length: 10_000 }, (_, index) => index + 1))
  })

  test('a value that does not fit rejects its operation alone', async () => {
    rig.session.reply = () => ({})
    const service = { scheduler: 'much-too-long-for-it' }
    const [first, second] = await settled([
      rig.write(1),
      rig.queue.write({ code: ADD, service }, context(2), undefined),
    ])
    expect(first?.status).toBe('fulfilled')
    expect(second).toMatchObject({ reason: { code: 'ERR_IPVS_INVALID_ARGUMENT', attribute: 'service.scheduler' } })
    expect(marks(rig.session.last)).toEqual([1])
  })

  test('if native code throws, the outcome is unknown', async () => {
    const results = settled([rig.write(1), rig.write(2)])
    await setImmediate()
    rig.session.last.crash(new Error('bug'))
    for (const result of await results)
      expect(result).toMatchObject({ reason: { code: 'ERR_IPVS_KERNEL', outcome: 'unknown' } })
  })
})

describe('order', () => {
  test('reads see earlier writes and no later ones', async () => {
    void rig.write(1)
    void rig.write(2)
    void rig.read()
    void rig.write(3)
    await setImmediate()
    expect(rig.session.calls.map(({ method }) => method)).toEqual(['execute', 'read', 'execute'])
    expect(marks(rig.session.calls[0] as never)).toEqual([1, 2])
    expect(rig.session.calls[1]).toMatchObject({ codes: [GET], consistent: true })
  })

  test('reads return rows', async () => {
    rig.session.reply = () => ({ rows: services.encode({ fwmark: 7 }) })
    expect((await rig.read()).byteLength).toBe(schema[1]?.size)
    rig.session.reply = () => ({})
    expect((await rig.read()).byteLength).toBe(0)
  })

  test('a failed read', async () => {
    rig.session.reply = () => failed('timeout', 0, { unknown: true })
    await expect(rig.read()).rejects.toMatchObject({ code: 'ERR_IPVS_TIMEOUT', outcome: 'not-applied' })
  })
})

describe('time', () => {
  test('waiting for the read of another call counts, and ticks that waited do not share a call', async () => {
    void rig.update(() => ({}))
    await setTimeout(60)
    void rig.write(1)
    await setTimeout(60)
    void rig.write(2)
    rig.session.last.answer()
    await setImmediate()
    expect(rig.session.calls.map(marks)).toEqual([[9], [undefined], [1], [2]])
    const [look = 0, completed = 0, first = 0, second = 0] = rig.session.calls.map(({ call }) => call.timeoutMs)
    expect([look <= 1234, completed < first, first < second]).toEqual([true, true, true])
    expect(completed).toBeLessThanOrEqual(1234 - 110)
    expect(first).toBeLessThanOrEqual(1234 - 50)
  })

  test('it never ends before it began', async () => {
    const { queue } = rig
    expect(queue.nextCall(1e6).timeoutMs).toBe(0)
  })
})

describe('close', () => {
  test('operations that were not sent and later ones are rejected', async () => {
    const results = settled([rig.write(1), rig.read()])
    await rig.queue.close()
    const later = settled([rig.write(2), rig.read()])
    for (const result of [...(await results), ...(await later)]) {
      expect(result).toMatchObject({ reason: { code: 'ERR_IPVS_CLOSED', outcome: 'not-applied' } })
    }
    expect(rig.session.calls).toHaveLength(0)
  })

  test('operations under way end as native code reports', async () => {
    const results = settled([rig.write(1), rig.write(2)])
    await setImmediate()
    await rig.queue.close()
    rig.session.last.answer({ failures: [{ index: 1, kind: 'closed', errno: 0, unknown: true }] })
    const [first, second] = await results
    expect(first?.status).toBe('fulfilled')
    expect(second).toMatchObject({ reason: { code: 'ERR_IPVS_CLOSED', outcome: 'unknown' } })
  })

  test('one failure can apply to all later writes', async () => {
    const results = settled([rig.write(1), rig.write(2), rig.write(3)])
    await setImmediate()
    rig.session.last.answer({ failures: [{ index: 1, kind: 'closed', errno: 0, unknown: false, rest: true }] })
    const [first, ...others] = await results
    expect(first?.status).toBe('fulfilled')
    for (const other of others) {
      expect(other).toMatchObject({ reason: { code: 'ERR_IPVS_CLOSED', outcome: 'not-applied' } })
    }
  })

  test('is idempotent', async () => {
    await Promise.all([rig.queue.close(), rig.queue.close()])
    await rig.queue.close()
    expect(rig.session.closed).toBe(1)
  })
})

describe('open', () => {
  const opening = { operation: 'open', target: 'current network namespace' }

  test('replies', async () => {
    rig.session.reply = () => ({})
    await expect(rig.queue.open(opening, undefined)).resolves.toBeUndefined()
    expect(rig.session.last.method).toBe('open')
  })

  test('fails', async () => {
    rig.session.reply = () => failed('unavailable')
    await expect(rig.queue.open(opening, undefined)).rejects.toMatchObject({ code: 'ERR_IPVS_UNAVAILABLE' })
  })

  test('aborted', async () => {
    await expect(rig.queue.open(opening, AbortSignal.abort())).rejects.toMatchObject({ code: 'ERR_IPVS_ABORTED' })
    expect(rig.session.calls).toHaveLength(0)
  })
})
