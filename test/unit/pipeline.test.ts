import { setImmediate } from 'node:timers/promises'

import { beforeEach, describe, expect, test } from 'vitest'

import { Pipeline } from '../../lib/pipeline.ts'
import type { DestinationRow, ServiceRow } from '../../lib/records.ts'
import { RowWriter } from '../../lib/rows.ts'
import { FakeSession, failed } from './fake-session.ts'
import { schema } from './schema.ts'

const services = new RowWriter<ServiceRow>(schema, 'service')
const destinations = new RowWriter<DestinationRow>(schema, 'destination')
const ADD = 0
const GET = 7

let session: FakeSession
let pipeline: Pipeline
beforeEach(() => {
  session = new FakeSession()
  pipeline = new Pipeline(session, { timeoutMs: 1234, services, destinations })
})

const context = (fwmark: number) => ({ operation: 'addService', target: `FWM ${fwmark} ipv4` })
const write = (fwmark: number, signal?: AbortSignal) =>
  pipeline.write({ code: ADD, service: { fwmark } }, context(fwmark), signal)
const read = (signal?: AbortSignal) =>
  pipeline.read({ code: GET, key: { fwmark: 1 } }, { operation: 'getService', target: '' }, signal)
const settled = (promises: Promise<unknown>[]) => Promise.allSettled(promises)
const marks = (call: { services: readonly (ServiceRow | undefined)[] }) => call.services.map((row) => row?.fwmark)
const lose = { cause: 'timeout', errno: 0, unknown: true } as const

describe('one tick, one call', () => {
  test('writes share a call', async () => {
    const results = settled([write(1), write(2), write(3)])
    expect(session.calls).toHaveLength(0)
    await setImmediate()
    expect(session.calls).toHaveLength(1)
    expect(session.last).toMatchObject({ method: 'execute', codes: [ADD, ADD, ADD], call: { timeoutMs: 1234 } })
    expect(marks(session.last)).toEqual([1, 2, 3])
    session.last.answer()
    expect((await results).map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'fulfilled'])
  })

  test('they go at the end of the tick, without waiting for timers or input', async () => {
    void write(1)
    await Promise.resolve()
    expect(session.calls).toHaveLength(1)
  })

  test('the next tick has its own call, and does not wait for the first', async () => {
    void write(1)
    await setImmediate()
    void write(2)
    await setImmediate()
    expect(session.calls.map(marks)).toEqual([[1], [2]])
    expect(new Set(session.calls.map(({ call }) => call.id)).size).toBe(2)
  })

  test('rows of destinations and of services go with their operations', async () => {
    const target = { operation: 'addDestination', target: '' }
    void write(1)
    void pipeline.write({ code: 3, service: { fwmark: 1 }, destination: { weight: 5 } }, target, undefined)
    void pipeline.write({ code: 6 }, { operation: 'flush', target: '' }, undefined)
    void pipeline.write({ code: 3, service: { fwmark: 1 }, destination: { weight: 6 } }, target, undefined)
    await setImmediate()
    expect(session.last.codes).toEqual([ADD, 3, 6, 3])
    expect([session.last.destinations[1]?.weight, session.last.destinations[3]?.weight]).toEqual([5, 6])
    expect(marks(session.last)[3]).toBe(1)
  })

  test('a failure is that of its operation, and the others are done', async () => {
    const results = settled([write(1), write(2), write(3)])
    await setImmediate()
    session.last.answer({ failures: [{ index: 1, cause: 'rejected', errno: 17, unknown: false }] })
    const [first, second, third] = await results
    expect([first?.status, third?.status]).toEqual(['fulfilled', 'fulfilled'])
    expect(second).toMatchObject({ reason: { code: 'ERR_IPVS_SERVICE_EXISTS', target: 'FWM 2 ipv4' } })
  })

  test('no more than 4096 in one call', async () => {
    session.reply = () => ({})
    await Promise.all(Array.from({ length: 10_000 }, (_, index) => write(index + 1)))
    expect(session.calls.map(({ codes }) => codes.length)).toEqual([4096, 4096, 1808])
    expect(session.calls.flatMap(marks)).toEqual(Array.from({ length: 10_000 }, (_, index) => index + 1))
  })

  test('a value that does not fit rejects its operation alone', async () => {
    session.reply = () => ({})
    const service = { scheduler: 'much-too-long-for-it' }
    const [first, second] = await settled([write(1), pipeline.write({ code: ADD, service }, context(2), undefined)])
    expect(first?.status).toBe('fulfilled')
    expect(second).toMatchObject({ reason: { code: 'ERR_IPVS_INVALID_ARGUMENT', attribute: 'service.scheduler' } })
    expect(marks(session.last)).toEqual([1])
  })

  test('when the native side throws, nobody knows', async () => {
    const results = settled([write(1), write(2)])
    await setImmediate()
    session.last.crash(new Error('bug'))
    for (const result of await results) expect(result).toMatchObject({ reason: { code: 'ERR_IPVS_KERNEL', outcome: 'unknown' } })
  })
})

describe('order', () => {
  test('reads see what was written before them, and not what is written after', async () => {
    void write(1)
    void write(2)
    void read()
    void write(3)
    await setImmediate()
    expect(session.calls.map(({ method }) => method)).toEqual(['execute', 'read', 'execute'])
    expect(marks(session.calls[0] as never)).toEqual([1, 2])
    expect(session.calls[1]).toMatchObject({ codes: [GET], consistent: true })
  })

  test('reads answer rows', async () => {
    session.reply = () => ({ rows: services.encode({ fwmark: 7 }) })
    expect((await read()).byteLength).toBe(schema[1]?.size)
    session.reply = () => ({})
    expect((await read()).byteLength).toBe(0)
  })

  test('a failed read', async () => {
    session.reply = () => failed('timeout', 0, { unknown: true })
    await expect(read()).rejects.toMatchObject({ code: 'ERR_IPVS_TIMEOUT', outcome: 'not-applied' })
  })
})

describe('a write that depends on what is there', () => {
  const update = (complete: (rows: ArrayBuffer) => ServiceRow, signal?: AbortSignal) =>
    pipeline.writeAfterRead(
      { code: GET, key: { fwmark: 9 } },
      (rows) => ({ code: 1, service: complete(rows) }),
      { operation: 'updateService', target: 'FWM 9 ipv4' },
      signal,
    )

  test('keeps its place: what was called later waits', async () => {
    const results = settled([write(1), update(() => ({ fwmark: 9, timeout: 60 })), write(2), read()])
    await setImmediate()
    expect(session.calls.map(({ method }) => method)).toEqual(['execute', 'read'])
    void write(3)
    session.calls[1]?.answer({ rows: new ArrayBuffer(0) })
    await setImmediate()
    expect(session.calls.map(({ method }) => method)).toEqual(['execute', 'read', 'execute', 'execute', 'read', 'execute'])
    expect(session.calls[2]?.services[0]?.timeout).toBe(60)
    expect(session.calls.map(marks)).toEqual([[1], [9], [9], [2], [1], [3]])
    for (const call of session.calls) call.answer()
    expect((await results).map(({ status }) => status)).toEqual(Array.from({ length: 4 }, () => 'fulfilled'))
  })

  test('rejects when it cannot look, and lets the others go on', async () => {
    const results = settled([update(() => ({})), write(2)])
    await setImmediate()
    session.last.answer(failed('rejected', 3))
    await setImmediate()
    expect(marks(session.last)).toEqual([2])
    session.last.answer()
    const [first, second] = await results
    expect(first).toMatchObject({ reason: { code: 'ERR_IPVS_SERVICE_NOT_FOUND', operation: 'updateService' } })
    expect(second?.status).toBe('fulfilled')
  })

  test('rejects when what it finds does not allow it', async () => {
    session.reply = () => ({})
    await expect(update(() => ({ port: -1 }))).rejects.toMatchObject({ code: 'ERR_IPVS_INVALID_ARGUMENT' })
    expect(session.calls).toHaveLength(1)
  })

  test('aborted while looking, it does not write', async () => {
    const controller = new AbortController()
    const result = update(() => ({}), controller.signal)
    await setImmediate()
    controller.abort()
    expect(session.aborted).toEqual([session.last.call.id])
    session.last.answer(failed('aborted', 0, { unknown: true }))
    await expect(result).rejects.toMatchObject({ code: 'ERR_IPVS_ABORTED', outcome: 'not-applied' })
    expect(session.calls).toHaveLength(1)
  })

  test('aborted too late for the look, it does not write either', async () => {
    const controller = new AbortController()
    const result = update(() => ({}), controller.signal)
    await setImmediate()
    session.last.answer()
    controller.abort()
    await expect(result).rejects.toMatchObject({ code: 'ERR_IPVS_ABORTED', outcome: 'not-applied' })
    expect(session.calls).toHaveLength(1)
  })

  test('closed while looking, it does not write', async () => {
    const result = update(() => ({}))
    await setImmediate()
    const closing = pipeline.close()
    session.last.answer()
    await expect(result).rejects.toMatchObject({ code: 'ERR_IPVS_CLOSED', outcome: 'not-applied' })
    await closing
    expect(session.calls).toHaveLength(1)
  })

  test('many of them', async () => {
    session.reply = () => ({})
    await Promise.all(Array.from({ length: 5000 }, () => update(() => ({ fwmark: 9 }))))
    expect(session.calls).toHaveLength(10_000)
  })
})

describe('signals', () => {
  test('aborted before: not sent', async () => {
    const reason = new Error('enough')
    const result = write(1, AbortSignal.abort(reason))
    await expect(result).rejects.toMatchObject({ code: 'ERR_IPVS_ABORTED', outcome: 'not-applied', cause: reason })
    await expect(read(AbortSignal.abort())).rejects.toMatchObject({ code: 'ERR_IPVS_ABORTED' })
    expect(session.calls).toHaveLength(0)
  })

  test('aborted in the same tick: not sent, the others are', async () => {
    const controller = new AbortController()
    const results = settled([write(1, controller.signal), write(2), read(controller.signal)])
    controller.abort()
    await setImmediate()
    expect(session.calls.map(marks)).toEqual([[2]])
    session.last.answer()
    const [first, second, third] = await results
    expect(first).toMatchObject({ reason: { code: 'ERR_IPVS_ABORTED', outcome: 'not-applied' } })
    expect(second?.status).toBe('fulfilled')
    expect(third).toMatchObject({ reason: { code: 'ERR_IPVS_ABORTED' } })
  })

  test('aborted under way, alone: the call is stopped and its end awaited', async () => {
    const controller = new AbortController()
    const result = write(1, controller.signal)
    await setImmediate()
    controller.abort('why')
    expect(session.aborted).toEqual([session.last.call.id])
    session.last.answer(failed('aborted', 0, { unknown: true }))
    await expect(result).rejects.toMatchObject({ code: 'ERR_IPVS_ABORTED', outcome: 'unknown', cause: 'why' })
  })

  test('aborted under way, but done all the same', async () => {
    const controller = new AbortController()
    const result = write(1, controller.signal)
    await setImmediate()
    controller.abort()
    session.last.answer()
    await expect(result).resolves.toBeUndefined()
  })

  test('aborted under way, in company: it lets go, the others go on', async () => {
    const controller = new AbortController()
    const first = write(1, controller.signal)
    const second = write(2)
    await setImmediate()
    controller.abort('why')
    await expect(first).rejects.toMatchObject({ code: 'ERR_IPVS_ABORTED', outcome: 'unknown', cause: 'why' })
    expect(session.aborted).toEqual([])
    session.last.answer()
    await expect(second).resolves.toBeUndefined()
  })

  test('a read is stopped', async () => {
    const controller = new AbortController()
    const result = read(controller.signal)
    await setImmediate()
    controller.abort()
    expect(session.aborted).toEqual([session.last.call.id])
    session.last.answer(failed('aborted', 0, { unknown: true }))
    await expect(result).rejects.toMatchObject({ code: 'ERR_IPVS_ABORTED', outcome: 'not-applied' })
  })

  test('aborting afterwards does nothing', async () => {
    session.reply = () => ({})
    const controller = new AbortController()
    await write(1, controller.signal)
    controller.abort()
    expect(session.aborted).toEqual([])
  })

  test('nothing keeps listening to a signal that lives longer', async () => {
    session.reply = () => ({})
    let listening = 0
    const signal = {
      aborted: false,
      addEventListener: () => void listening++,
      removeEventListener: () => void listening--,
    } as unknown as AbortSignal
    await Promise.all([write(1, signal), write(2, signal), read(signal)])
    expect(listening).toBe(0)
  })

  test('many operations may share a signal', async () => {
    session.reply = () => ({})
    const warnings: Error[] = []
    const note = (warning: Error) => void warnings.push(warning)
    process.on('warning', note)
    const { signal } = new AbortController()
    await Promise.all(Array.from({ length: 100 }, (_, index) => write(index, signal)))
    await setImmediate()
    process.off('warning', note)
    expect(warnings).toEqual([])
  })
})

describe('close', () => {
  test('what was not sent is rejected, as is what comes later', async () => {
    const results = settled([write(1), read()])
    await pipeline.close()
    const later = settled([write(2), read()])
    for (const result of [...(await results), ...(await later)]) {
      expect(result).toMatchObject({ reason: { code: 'ERR_IPVS_CLOSED', outcome: 'not-applied' } })
    }
    expect(session.calls).toHaveLength(0)
  })

  test('what is under way ends as the native side says', async () => {
    const results = settled([write(1), write(2)])
    await setImmediate()
    await pipeline.close()
    session.last.answer({ failures: [{ index: 1, ...lose, cause: 'closed' }] })
    const [first, second] = await results
    expect(first?.status).toBe('fulfilled')
    expect(second).toMatchObject({ reason: { code: 'ERR_IPVS_CLOSED', outcome: 'unknown' } })
  })

  test('is idempotent', async () => {
    await Promise.all([pipeline.close(), pipeline.close()])
    await pipeline.close()
    expect(session.closed).toBe(1)
  })
})

describe('open', () => {
  const opening = { operation: 'open', target: 'current network namespace' }

  test('answers', async () => {
    session.reply = () => ({})
    await expect(pipeline.open(opening, undefined)).resolves.toBeUndefined()
    expect(session.last.method).toBe('open')
  })

  test('fails', async () => {
    session.reply = () => failed('unavailable')
    await expect(pipeline.open(opening, undefined)).rejects.toMatchObject({ code: 'ERR_IPVS_UNAVAILABLE' })
  })

  test('aborted', async () => {
    await expect(pipeline.open(opening, AbortSignal.abort())).rejects.toMatchObject({ code: 'ERR_IPVS_ABORTED' })
    expect(session.calls).toHaveLength(0)
  })
})
