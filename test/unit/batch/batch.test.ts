/* oxlint-disable unicorn/consistent-function-scoping -- sources read best beside their test */
import { setImmediate } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'

import type { BatchOperation } from '../../../lib/batch/operation.ts'
import type { BatchOptions, BatchProgress } from '../../../lib/batch/options.ts'
import type { Failure } from '../../../lib/binding/replies.ts'
import { IpvsError, type BatchResult } from '../../../lib/values/errors.ts'
import { Ipvs } from '../../../lib/ipvs.ts'
import { opened, operationNames as names } from '../support/fake-binding.ts'
import type { FakeSession, Received } from '../support/fake-session.ts'

vi.mock('../../../lib/binding/addon.ts', () => import('../support/fake-binding.ts'))

let ipvs: Ipvs
let session: FakeSession
beforeEach(async () => {
  ipvs = await Ipvs.open()
  session = opened.sessions.at(-1) as FakeSession
  session.calls.length = 0
})
afterEach(() => ipvs.close())

const add = (fwmark: number): BatchOperation => ({ operation: 'addService', service: { fwmark } })
const adds = (count: number): BatchOperation[] => Array.from({ length: count }, (_, index) => add(index + 1))
const bad = { operation: 'addService', service: { fwmark: 0 } } as const
const failure = (index: number, more: Partial<Failure> = {}): Failure => ({
  index,
  kind: 'rejected',
  errno: 17,
  unknown: false,
  ...more,
})
// Refuses the services with these marks.
const refuse =
  (marks: readonly number[], more: Partial<Failure> = {}) =>
  ({ services }: Received) => ({
    failures: services.flatMap((row, index) => (marks.includes(row?.fwmark ?? 0) ? [failure(index, more)] : [])),
  })
const sentMarks = () => session.calls.flatMap(({ services }) => services.map((row) => row?.fwmark))
const indexes = ({ failures }: BatchResult) => failures.map(({ index }) => index)

async function rejection(batch: Promise<unknown>): Promise<IpvsError & { batch: BatchResult }> {
  const error = await batch.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(IpvsError)
  return error as IpvsError & { batch: BatchResult }
}

describe('what is sent', () => {
  test('all kinds of items, in order', async () => {
    const web = { protocol: 'tcp', address: '172.16.0.100', port: 80 } as const
    const server = { address: '10.0.0.7' }
    const result = await ipvs.batch([
      { operation: 'addService', service: { ...web, scheduler: 'rr' } },
      { operation: 'addDestination', service: web, destination: { ...server, weight: 5 } },
      { operation: 'updateDestination', service: web, destination: server, patch: { weight: 0 } },
      { operation: 'updateService', service: web, patch: { scheduler: 'wrr' } },
      { operation: 'zeroCounters', service: web },
      { operation: 'zeroCounters' },
      { operation: 'removeDestination', service: web, destination: server },
      { operation: 'removeService', service: web },
      { operation: 'flush' },
    ])
    expect(result).toEqual({ applied: 9, failures: [], done: 9 })
    expect(session.calls).toHaveLength(1)
    expect(session.last.codes.map((code) => names[code])).toEqual(
      'addService addDestination updateDestination updateService zeroService zeroAll removeDestination removeService flush'.split(
        ' ',
      ),
    )
    expect(session.last.destinations[1]).toMatchObject({ weight: 5, port: 80 })
    expect(session.last.destinations[2]).toMatchObject({ weight: 0 })
  })

  test('a refused operation on all services is not reported for the first service of its block', async () => {
    session.reply = () => ({ failures: [failure(1), failure(2)] })
    const { failures } = await ipvs.batch([add(1), { operation: 'flush' }, { operation: 'zeroCounters' }, add(2)])
    expect(failures.map(({ error }) => [error.operation, error.target])).toEqual([
      ['flush', 'all services'],
      ['zeroCounters', 'all services'],
    ])
  })

  test('an empty batch sends nothing', async () => {
    expect(await ipvs.batch([])).toEqual({ applied: 0, failures: [], done: 0 })
    expect(session.calls).toHaveLength(0)
  })

  test('100,000 items, in order and in bounded blocks', async () => {
    const result = await ipvs.batch(adds(100_000))
    expect(result).toMatchObject({ applied: 100_000, done: 100_000 })
    expect(sentMarks()).toEqual(Array.from({ length: 100_000 }, (_, index) => index + 1))
    expect(Math.max(...session.calls.map(({ codes }) => codes.length))).toBeLessThanOrEqual(1024)
  })

  test('no more than three blocks are under way', async () => {
    session.reply = undefined
    const batch = ipvs.batch(adds(10_000))
    for (let round = 0; round < 20; round++) await setImmediate()
    expect(session.calls).toHaveLength(3)
    session.reply = () => ({})
    for (const call of session.calls) call.answer()
    expect((await batch).applied).toBe(10_000)
  })

  test('is sent after earlier calls', async () => {
    const before = ipvs.addService({ fwmark: 1000 })
    const batch = ipvs.batch(adds(2))
    const behind = ipvs.addService({ fwmark: 2000 })
    await Promise.all([before, batch, behind])
    expect(sentMarks()).toEqual([1000, 1, 2, 2000])
  })

  test('a patch that reads its service waits for the items before it', async () => {
    session.reply = (call) => (call.method === 'read' ? { failures: [failure(0, { errno: 3 })] } : { failures: [] })
    const patch = { schedulerFlags: ['sh-port'] } as const
    const result = await ipvs.batch([add(1), { operation: 'updateService', service: { fwmark: 2 }, patch }, add(3)])
    expect(session.calls.map(({ method }) => method)).toEqual(['execute', 'read', 'execute'])
    expect(result.applied).toBe(2)
    expect(result.failures[0]).toMatchObject({ index: 1, error: { code: 'ERR_IPVS_SERVICE_NOT_FOUND' } })
  })
})

describe('failures', () => {
  test.each([
    ['first', [1]],
    ['last', [3000]],
    ['both', [1, 3000]],
    ['on the borders of blocks', [128, 129, 384, 385]],
    ['every', adds(3000).map((_, index) => index + 1)],
  ])('%s', async (_, marks) => {
    session.reply = refuse(marks)
    const operations = adds(3000)
    const result = await ipvs.batch(operations)
    expect(indexes(result)).toEqual(marks.map((mark) => mark - 1))
    expect(result.applied).toBe(3000 - marks.length)
    expect(result.done).toBe(3000)
    for (const { index, operation, error } of result.failures) {
      expect(operation).toBe(operations[index])
      expect(error).toMatchObject({ code: 'ERR_IPVS_SERVICE_EXISTS', operation: 'addService', errno: 17 })
      expect(error.target).toBe(`FWM ${index + 1} ipv4`)
    }
  })

  test('invalid items keep their index and do not stop the batch', async () => {
    session.reply = refuse([3])
    const unknown = { operation: 'addServce', service: { fwmark: 1 } }
    const spare = { operation: 'flush', patch: {} }
    const result = await ipvs.batch([bad, add(2), 7, add(3), unknown, spare, add(4)] as never)
    expect(sentMarks()).toEqual([2, 3, 4])
    expect(indexes(result)).toEqual([0, 2, 3, 4, 5])
    expect(result.failures.map(({ error }) => error.attribute)).toEqual([
      'service.fwmark',
      'item',
      undefined,
      'item.operation',
      'item.patch',
    ])
    expect(result.failures[3]?.error.message).toContain('did you mean "addService"?')
  })

  test('the target of a failure is the sent item, even if the item changed since', async () => {
    session.reply = undefined
    const service = { protocol: 'udp' as const, address: '2001:db8::1', port: 53 }
    const destination = { address: '2001:db8::53' }
    const batch = ipvs.batch([{ operation: 'addDestination', service, destination }])
    await setImmediate()
    service.port = 54
    destination.address = 'nonsense'
    session.last.answer({ failures: [failure(0)] })
    const { failures } = await batch
    expect(failures[0]?.error.message).toContain('UDP [2001:db8::1]:53 -> [2001:db8::53]:53')
  })

  test('an unknown outcome is reported as unknown', async () => {
    session.reply = refuse([2], { kind: 'overrun', errno: 105, unknown: true })
    const { applied, failures } = await ipvs.batch(adds(3))
    expect(applied).toBe(2)
    expect(failures[0]?.error).toMatchObject({ code: 'ERR_IPVS_RECEIVE_OVERRUN', outcome: 'unknown' })
  })
})

describe('stopOnError', () => {
  test('nothing is applied after the first failure', async () => {
    session.reply = ({ services }) => {
      const at = services.findIndex((row) => row?.fwmark === 200)
      return { failures: at < 0 ? [] : [failure(at), failure(at + 1, { rest: true })] }
    }
    const result = await ipvs.batch(adds(5000), { stopOnError: true })
    expect(session.calls.every(({ call }) => 'stopOnError' in call && call.stopOnError)).toBe(true)
    expect(result).toMatchObject({ applied: 199, done: 200 })
    expect(indexes(result)).toEqual([199])
    expect(session.calls).toHaveLength(2)
  })

  test('an invalid item stops the batch after the items before it', async () => {
    const result = await ipvs.batch([add(1), bad, add(3)], { stopOnError: true })
    expect(sentMarks()).toEqual([1])
    expect(result).toMatchObject({ applied: 1, done: 2 })
    expect(indexes(result)).toEqual([1])
  })

  test('a failure before an invalid item ends the batch', async () => {
    session.reply = refuse([1])
    const result = await ipvs.batch([add(1), bad], { stopOnError: true })
    expect(indexes(result)).toEqual([0])
  })
})

describe('early ends', () => {
  test('a signal that was fired before: nothing is sent', async () => {
    const error = await rejection(ipvs.batch(adds(3), { signal: AbortSignal.abort('why') }))
    expect(error).toMatchObject({ code: 'ERR_IPVS_ABORTED', cause: 'why', outcome: 'not-applied', operation: 'batch' })
    expect(error.batch).toEqual({ applied: 0, failures: [], done: 0 })
    expect(session.calls).toHaveLength(0)
  })

  test('a signal in the middle: the error has the number of sent items', async () => {
    const controller = new AbortController()
    const aborted = (index: number, more: Partial<Failure>) => failure(index, { kind: 'aborted', errno: 0, ...more })
    session.reply = () => {
      if (session.calls.length === 1) return {}
      if (session.calls.length > 2) return { failures: [aborted(0, { rest: true })] }
      controller.abort()
      // 100 are done, the outcome of the next 28 is not known, the others were not sent.
      const unknown = Array.from({ length: 28 }, (_, index) => aborted(100 + index, { unknown: true }))
      return { failures: [...unknown, aborted(128, { rest: true })] }
    }
    const error = await rejection(ipvs.batch(adds(5000), { signal: controller.signal }))
    expect(error).toMatchObject({ code: 'ERR_IPVS_ABORTED', outcome: 'unknown' })
    expect(error.batch).toMatchObject({ applied: 228, done: 256 })
    expect(indexes(error.batch)).toEqual(Array.from({ length: 28 }, (_, index) => 228 + index))
    expect(error.batch.failures[0]?.error).toMatchObject({ code: 'ERR_IPVS_ABORTED', outcome: 'unknown' })
    expect(error.message).toContain('228 items were applied and 28 failed, the rest was not sent')
  })

  test('a signal reaches the calls under way', async () => {
    const controller = new AbortController()
    session.reply = undefined
    const batch = rejection(ipvs.batch(adds(10), { signal: controller.signal }))
    await setImmediate()
    controller.abort()
    expect(session.aborted).toEqual([session.last.call.id])
    session.last.answer()
    expect((await batch).batch).toMatchObject({ applied: 10, done: 10 }) // it was too late
  })

  test('refused items after the last sent item do not count', async () => {
    session.reply = () => ({ failures: [failure(0, { kind: 'unavailable', errno: 0, rest: true })] })
    const error = await rejection(ipvs.batch([add(1), bad, add(2)] as never))
    expect(error.code).toBe('ERR_IPVS_UNAVAILABLE')
    expect(error.batch).toEqual({ applied: 0, failures: [], done: 0 })
    session.reply = () => ({ failures: [failure(1, { kind: 'unavailable', errno: 0, rest: true })] })
    expect((await rejection(ipvs.batch([add(1), bad, add(2)]))).batch).toEqual({ applied: 1, failures: [], done: 1 })
  })

  test('a block of which nothing was sent keeps the failures of earlier blocks', async () => {
    session.reply = () => ({
      failures: [session.calls.length === 1 ? failure(0) : failure(0, { errno: 1, rest: true })],
    })
    const error = await rejection(ipvs.batch(adds(1000)))
    expect(error).toMatchObject({ code: 'ERR_IPVS_PERMISSION_DENIED', batch: { applied: 127, done: 128 } })
    expect(indexes(error.batch)).toEqual([0])
  })

  test('a failure that every item would have ends the batch', async () => {
    session.reply = () => ({ failures: [failure(0, { errno: 1, rest: true })] })
    const error = await rejection(ipvs.batch(adds(50_000)))
    expect(error).toMatchObject({ code: 'ERR_IPVS_PERMISSION_DENIED', errno: 1, outcome: 'not-applied' })
    expect(session.calls.length).toBeLessThanOrEqual(3)
  })

  test('native code gets the batch of each call, and the abort', async () => {
    const controller = new AbortController()
    session.reply = undefined
    const batches = [rejection(ipvs.batch(adds(3000), { signal: controller.signal })), ipvs.batch(adds(3))]
    while (session.calls.length < 4) await setImmediate()
    const bytes = session.calls.map(({ call }) => ('ended' in call ? call.ended : undefined))
    // Which batch sends first depends on how fast items are taken: a slow machine lets the second one pass.
    const callsOf = (byte: unknown) => bytes.filter((each) => each === byte).length
    const [other, aborted] = [...new Set(bytes)].toSorted((left, right) => callsOf(left) - callsOf(right))
    expect([callsOf(aborted), callsOf(other)]).toEqual([3, 1])
    controller.abort()
    expect([aborted, other]).toEqual([Uint8Array.of(1), Uint8Array.of(0)])
    session.reply = () => ({})
    for (const call of session.calls) call.answer()
    await Promise.all(batches)
  })

  test('a block with an unknown outcome: the outcome of each of its items is unknown', async () => {
    session.reply = ({ codes }) => {
      const all = failure(0, { kind: 'malformed', errno: 12, unknown: true, rest: true })
      return { failures: codes.length === 256 ? [all] : [] }
    }
    const { applied, failures, done } = await ipvs.batch(adds(1000))
    expect([applied, done]).toEqual([744, 1000])
    expect(failures.map(({ index }) => index)).toEqual(Array.from({ length: 256 }, (_, index) => 128 + index))
    expect(failures.every(({ error }) => error.outcome === 'unknown')).toBe(true)
    expect(failures.at(-1)?.error.target).toBe('FWM 384 ipv4')
  })

  test('an unknown end of a block makes its remaining items unknown', async () => {
    session.reply = () => ({
      failures: [failure(1, { kind: 'malformed', errno: 0, unknown: true, rest: true })],
    })
    const result = await ipvs.batch(adds(4))
    expect(result).toMatchObject({ applied: 1, done: 4 })
    expect(indexes(result)).toEqual([1, 2, 3])
  })

  describe('a patch whose service cannot be read', () => {
    const patch = { schedulerFlags: ['sh-port'] } as const
    const items: BatchOperation[] = [add(1), { operation: 'updateService', service: { fwmark: 2 }, patch }, add(3)]

    test('for a reason that does not concern the service: the batch ends', async () => {
      const gone = failure(0, { kind: 'unavailable', errno: 0 })
      session.reply = ({ method }) => ({ failures: method === 'read' ? [gone] : [] })
      const error = await rejection(ipvs.batch(items))
      expect(error).toMatchObject({ code: 'ERR_IPVS_UNAVAILABLE', outcome: 'partial' })
      expect(error.batch).toEqual({ applied: 1, failures: [], done: 1 })
      expect(sentMarks()).toEqual([1, 2])
    })

    test('is settled if a later item ends the batch', async () => {
      session.reply = ({ method, services }) => {
        if (method === 'read') return { failures: [failure(0, { errno: 3 })] }
        return { failures: services[0]?.fwmark === 3 ? [failure(0, { errno: 1, rest: true })] : [] }
      }
      const error = await rejection(ipvs.batch(items))
      expect(error).toMatchObject({ code: 'ERR_IPVS_PERMISSION_DENIED', batch: { applied: 1, done: 2 } })
      expect(indexes(error.batch)).toEqual([1])
    })
  })

  test('a handle that is closed while the batch waits for items', async () => {
    async function* never() {
      yield* adds(3)
      await new Promise(() => {})
    }
    const batch = rejection(ipvs.batch(never()))
    for (let round = 0; round < 10; round++) await setImmediate()
    await ipvs.close()
    expect(await batch).toMatchObject({ code: 'ERR_IPVS_CLOSED', outcome: 'partial', batch: { applied: 3, done: 3 } })
  })

  test('a closed handle', async () => {
    await ipvs.close()
    const error = await rejection(ipvs.batch(adds(3)))
    expect(error).toMatchObject({ code: 'ERR_IPVS_CLOSED', batch: { done: 0 } })
  })

  test('closing in the middle', async () => {
    const batch = rejection(ipvs.batch(adds(50_000), { onProgress: () => void ipvs.close() }))
    const error = await batch
    expect(error).toMatchObject({ code: 'ERR_IPVS_CLOSED', outcome: 'partial' })
    expect(error.batch.applied).toBe(sentMarks().length)
  })

  test('an exception of native code', async () => {
    session.reply = undefined
    const batch = rejection(ipvs.batch(adds(3)))
    await setImmediate()
    session.last.crash(new RangeError('boom'))
    const error = await batch
    expect(error).toMatchObject({ code: 'ERR_IPVS_KERNEL', outcome: 'unknown', cause: { message: 'boom' } })
    expect(error.batch).toMatchObject({ applied: 0, done: 3 })
    expect(error.batch.failures.map((each) => [each.index, each.error.outcome])).toEqual([
      [0, 'unknown'],
      [1, 'unknown'],
      [2, 'unknown'],
    ])
  })
})

describe('sources', () => {
  test('a set, a generator, an asynchronous generator', async () => {
    function* generate() {
      yield* adds(3)
    }
    async function* slowly() {
      for (const item of adds(3)) {
        await setImmediate()
        yield item
      }
    }
    for (const source of [new Set(adds(3)), generate(), slowly()]) {
      expect((await ipvs.batch(source)).applied).toBe(3)
    }
    expect(sentMarks()).toEqual([1, 2, 3, 1, 2, 3, 1, 2, 3])
  })

  test('items are sent while the source is waiting', async () => {
    let go = (): void => {}
    const gate = new Promise<void>((resolve) => (go = resolve))
    async function* source() {
      yield add(1)
      await gate
      yield add(2)
    }
    const batch = ipvs.batch(source())
    await vi.waitFor(() => expect(sentMarks()).toEqual([1]))
    go()
    expect((await batch).applied).toBe(2)
  })

  test('a signal does not wait for the source', async () => {
    const controller = new AbortController()
    async function* source() {
      yield add(1)
      await new Promise(() => {})
    }
    const batch = rejection(ipvs.batch(source(), { signal: controller.signal }))
    await vi.waitFor(() => expect(sentMarks()).toEqual([1]))
    controller.abort()
    expect((await batch).batch).toMatchObject({ applied: 1, done: 1 })
  })

  test('a signal while earlier items are sent does not wait for the source', async () => {
    const controller = new AbortController()
    session.reply = () => {
      controller.abort() // before the wait for the source goes on
      return {}
    }
    async function* source() {
      yield add(1)
      await new Promise(() => {})
    }
    const error = await rejection(ipvs.batch(source(), { signal: controller.signal }))
    expect(error).toMatchObject({ code: 'ERR_IPVS_ABORTED', batch: { applied: 1, done: 1 } })
  })

  test.each([
    ['a generator', () => throwing()],
    ['an asynchronous generator', () => throwingAsync()],
  ])('%s that throws', async (_, source) => {
    const error = await rejection(ipvs.batch(source()))
    expect(error).toMatchObject({ code: 'ERR_IPVS_INVALID_ARGUMENT', attribute: 'operations', outcome: 'not-applied' })
    expect(error.cause).toMatchObject({ message: 'broken' })
    expect(error.batch).toEqual({ applied: 0, failures: [], done: 0 }) // those before were few: not sent yet
  })
  function* throwing(): Generator<BatchOperation> {
    yield* adds(2)
    throw new Error('broken')
  }
  async function* throwingAsync(): AsyncGenerator<BatchOperation> {
    yield* adds(2)
    throw new Error('broken')
  }

  test('a source is closed when the batch ends', async () => {
    let returned = false
    function* source() {
      try {
        for (let fwmark = 1; ; fwmark++) yield add(fwmark)
      } finally {
        returned = true
      }
    }
    session.reply = refuse([300])
    const result = await ipvs.batch(source(), { stopOnError: true }).catch((error: unknown) => error)
    expect(result).toMatchObject({ failures: [{ index: 299 }] })
    expect(returned).toBe(true)
  })

  test.each([[undefined], [null], [7], ['text'], [{}], [() => []]])('refuses %s', async (source) => {
    const error = ipvs.batch(source as never)
    await expect(error).rejects.toMatchObject({ code: 'ERR_IPVS_INVALID_ARGUMENT', attribute: 'operations' })
  })
})

describe('options', () => {
  test('progress', async () => {
    const seen: BatchProgress[] = []
    await ipvs.batch(adds(3000), { onProgress: (progress) => seen.push(progress) })
    expect(seen.at(-1)).toEqual({ done: 3000, total: 3000 })
    expect(seen.length).toBe(session.calls.length)
    expect(seen.map(({ done }) => done)).toEqual(seen.map(({ done }) => done).toSorted((a, b) => a - b))
  })

  test('progress counts failed items, too', async () => {
    session.reply = refuse([1, 3])
    const seen: BatchProgress[] = []
    await ipvs.batch(adds(3), { onProgress: (progress) => seen.push(progress) })
    expect(seen).toEqual([{ done: 3, total: 3 }])
  })

  test('progress of a source without a length', async () => {
    const seen: BatchProgress[] = []
    await ipvs.batch(adds(3).values(), { onProgress: (progress) => seen.push(progress) })
    expect(seen).toEqual([{ done: 3, total: undefined }])
  })

  test('a progress function that throws ends the batch', async () => {
    const onProgress = () => {
      throw new Error('broken')
    }
    const error = await rejection(ipvs.batch(adds(50_000), { onProgress }))
    expect(error).toMatchObject({ code: 'ERR_IPVS_INVALID_ARGUMENT', attribute: 'options.onProgress' })
    expect(error.batch.applied).toBe(sentMarks().length)
  })

  test.each<[string, unknown]>([
    ['options', null],
    ['options.stopOnError', { stopOnError: 'yes' }],
    ['options.onProgress', { onProgress: true }],
    ['options.signal', { signal: 'now' }],
    ['options.onprogress', { onprogress: () => {} }],
  ])('refuses %s', async (attribute, options) => {
    const batch = ipvs.batch(adds(1), options as BatchOptions)
    await expect(batch).rejects.toMatchObject({ code: 'ERR_IPVS_INVALID_ARGUMENT', attribute })
    expect(session.calls).toHaveLength(0)
  })
})

describe('addServices, removeServices, addDestinations, removeDestinations', () => {
  const key = { fwmark: 7 }
  const servers = [{ address: '10.0.0.7' }, { address: '10.0.0.17' }]
  test.each<[string, () => Promise<BatchResult>]>([
    ['addService,addService', () => ipvs.addServices([{ fwmark: 1 }, { fwmark: 2 }])],
    ['removeService,removeService', () => ipvs.removeServices(new Set([{ fwmark: 1 }, { fwmark: 2 }]))],
    ['addDestination,addDestination', () => ipvs.addDestinations(key, servers)],
    ['removeDestination,removeDestination', () => ipvs.removeDestinations(key, servers)],
  ])('%s', async (codes, run) => {
    expect(await run()).toEqual({ applied: 2, failures: [], done: 2 })
    expect(session.last.codes.map((code) => names[code]).join()).toBe(codes)
  })

  test('errors have the name of the parameter', async () => {
    const refused = { code: 'ERR_IPVS_INVALID_ARGUMENT', operation: 'addServices', attribute: 'services' }
    await expect(ipvs.addServices(7 as never)).rejects.toMatchObject(refused)
  })

  test('an asynchronous source', async () => {
    async function* source() {
      yield { fwmark: 1 }
    }
    expect(await ipvs.addServices(source())).toMatchObject({ applied: 1 })
  })
})
