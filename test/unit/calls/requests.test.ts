import { setImmediate } from 'node:timers/promises'

import { beforeEach, describe, expect, test } from 'vitest'

import { QueueRig, marks } from '../support/queue-rig.ts'
import { failed } from '../support/fake-session.ts'

let rig: QueueRig
beforeEach(() => {
  rig = new QueueRig()
})

const settled = (promises: Promise<unknown>[]) => Promise.allSettled(promises)

describe('a write that reads first', () => {
  test('keeps its place: later calls wait', async () => {
    const results = settled([rig.write(1), rig.update(() => ({ fwmark: 9, timeout: 60 })), rig.write(2), rig.read()])
    await setImmediate()
    expect(rig.session.calls.map(({ method }) => method)).toEqual(['execute', 'read'])
    void rig.write(3)
    rig.session.calls[1]?.answer({ rows: new ArrayBuffer(0) })
    await setImmediate()
    expect(rig.session.calls.map(({ method }) => method)).toEqual([
      'execute',
      'read',
      'execute',
      'execute',
      'read',
      'execute',
    ])
    expect(rig.session.calls[2]?.services[0]?.timeout).toBe(60)
    expect(rig.session.calls.map(marks)).toEqual([[1], [9], [9], [2], [1], [3]])
    for (const call of rig.session.calls) call.answer()
    expect((await results).map(({ status }) => status)).toEqual(Array.from({ length: 4 }, () => 'fulfilled'))
  })

  test('rejects if the read fails, and later calls go on', async () => {
    const results = settled([rig.update(() => ({})), rig.write(2)])
    await setImmediate()
    rig.session.last.answer(failed('rejected', 3))
    await setImmediate()
    expect(marks(rig.session.last)).toEqual([2])
    rig.session.last.answer()
    const [first, second] = await results
    expect(first).toMatchObject({ reason: { code: 'ERR_IPVS_SERVICE_NOT_FOUND', operation: 'updateService' } })
    expect(second?.status).toBe('fulfilled')
  })

  test('rejects if the existing row does not allow it', async () => {
    rig.session.reply = () => ({})
    await expect(rig.update(() => ({ port: -1 }))).rejects.toMatchObject({ code: 'ERR_IPVS_INVALID_ARGUMENT' })
    expect(rig.session.calls).toHaveLength(1)
  })

  test('aborted during the read, it does not write', async () => {
    const controller = new AbortController()
    const result = rig.update(() => ({}), controller.signal)
    await setImmediate()
    controller.abort()
    expect(rig.session.aborted).toEqual([rig.session.last.call.id])
    rig.session.last.answer(failed('aborted', 0, { unknown: true }))
    await expect(result).rejects.toMatchObject({ code: 'ERR_IPVS_ABORTED', outcome: 'not-applied' })
    expect(rig.session.calls).toHaveLength(1)
  })

  test('aborted after the read, it does not write', async () => {
    const controller = new AbortController()
    const result = rig.update(() => ({}), controller.signal)
    await setImmediate()
    rig.session.last.answer()
    controller.abort()
    await expect(result).rejects.toMatchObject({ code: 'ERR_IPVS_ABORTED', outcome: 'not-applied' })
    expect(rig.session.calls).toHaveLength(1)
  })

  test('closed during the read, it does not write', async () => {
    const result = rig.update(() => ({}))
    await setImmediate()
    const closing = rig.queue.close()
    rig.session.last.answer()
    await expect(result).rejects.toMatchObject({ code: 'ERR_IPVS_CLOSED', outcome: 'not-applied' })
    await closing
    expect(rig.session.calls).toHaveLength(1)
  })

  test('many at once', async () => {
    rig.session.reply = () => ({})
    await Promise.all(Array.from({ length: 5000 }, () => rig.update(() => ({ fwmark: 9 }))))
    expect(rig.session.calls).toHaveLength(10_000)
  })
})

describe('signals', () => {
  test('aborted before: not sent', async () => {
    const reason = new Error('enough')
    const result = rig.write(1, AbortSignal.abort(reason))
    await expect(result).rejects.toMatchObject({ code: 'ERR_IPVS_ABORTED', outcome: 'not-applied', cause: reason })
    await expect(rig.read(AbortSignal.abort())).rejects.toMatchObject({ code: 'ERR_IPVS_ABORTED' })
    expect(rig.session.calls).toHaveLength(0)
  })

  test('aborted in the same tick: not sent, the others are', async () => {
    const controller = new AbortController()
    const results = settled([rig.write(1, controller.signal), rig.write(2), rig.read(controller.signal)])
    controller.abort()
    await setImmediate()
    expect(rig.session.calls.map(marks)).toEqual([[2]])
    rig.session.last.answer()
    const [first, second, third] = await results
    expect(first).toMatchObject({ reason: { code: 'ERR_IPVS_ABORTED', outcome: 'not-applied' } })
    expect(second?.status).toBe('fulfilled')
    expect(third).toMatchObject({ reason: { code: 'ERR_IPVS_ABORTED' } })
  })

  test('aborted under way, alone: the call is stopped and its end awaited', async () => {
    const controller = new AbortController()
    const result = rig.write(1, controller.signal)
    await setImmediate()
    controller.abort('why')
    expect(rig.session.aborted).toEqual([rig.session.last.call.id])
    rig.session.last.answer(failed('aborted', 0, { unknown: true }))
    await expect(result).rejects.toMatchObject({ code: 'ERR_IPVS_ABORTED', outcome: 'unknown', cause: 'why' })
  })

  test('aborted under way, but applied', async () => {
    const controller = new AbortController()
    const result = rig.write(1, controller.signal)
    await setImmediate()
    controller.abort()
    rig.session.last.answer()
    await expect(result).resolves.toBeUndefined()
  })

  test('aborted under way with other operations: it rejects, the others go on', async () => {
    const controller = new AbortController()
    const first = rig.write(1, controller.signal)
    const second = rig.write(2)
    await setImmediate()
    controller.abort('why')
    await expect(first).rejects.toMatchObject({ code: 'ERR_IPVS_ABORTED', outcome: 'unknown', cause: 'why' })
    expect(rig.session.aborted).toEqual([])
    rig.session.last.answer()
    await expect(second).resolves.toBeUndefined()
  })

  test('a read is stopped', async () => {
    const controller = new AbortController()
    const result = rig.read(controller.signal)
    await setImmediate()
    controller.abort()
    expect(rig.session.aborted).toEqual([rig.session.last.call.id])
    rig.session.last.answer(failed('aborted', 0, { unknown: true }))
    await expect(result).rejects.toMatchObject({ code: 'ERR_IPVS_ABORTED', outcome: 'not-applied' })
  })

  test('aborting afterwards does nothing', async () => {
    rig.session.reply = () => ({})
    const controller = new AbortController()
    await rig.write(1, controller.signal)
    controller.abort()
    expect(rig.session.aborted).toEqual([])
  })

  test('no listener remains at a signal that lives longer', async () => {
    rig.session.reply = () => ({})
    let listening = 0
    const signal = {
      aborted: false,
      addEventListener: () => void listening++,
      removeEventListener: () => void listening--,
    } as unknown as AbortSignal
    await Promise.all([rig.write(1, signal), rig.write(2, signal), rig.read(signal)])
    expect(listening).toBe(0)
  })

  test('many operations may share a signal', async () => {
    rig.session.reply = () => ({})
    const warnings: Error[] = []
    const note = (warning: Error) => void warnings.push(warning)
    process.on('warning', note)
    const { signal } = new AbortController()
    await Promise.all(Array.from({ length: 100 }, (_, index) => rig.write(index, signal)))
    await setImmediate()
    process.off('warning', note)
    expect(warnings).toEqual([])
  })
})
