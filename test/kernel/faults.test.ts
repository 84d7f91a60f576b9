// From a fault on the wire to the error that the user gets.
import { afterEach, expect, test } from 'vitest'

import { binding } from '../../lib/binding/addon.ts'
import type { FailureContext } from '../../lib/calls/context.ts'
import { CallQueue } from '../../lib/calls/queue.ts'
import { operationCode, rowWriters } from '../../lib/binding/records.ts'
import type { ServiceRow } from '../../lib/binding/record-types.ts'
import { answer, extended, markService, playKernel, type FakeKernel, type Script } from './fake-kernel.ts'
import { explainServiceErrno } from '../../lib/services/service-errno.ts'

const GET_SERVICE = 4
const opened: { readonly queue: CallQueue; readonly kernel: FakeKernel }[] = []
afterEach(async () => {
  for (const { queue, kernel } of opened.splice(0)) {
    await queue.close()
    kernel.stop()
  }
})

function pipelineOn(script: Script, { timeoutMs = 5000, sockets = 3 } = {}): CallQueue {
  const kernel = playKernel(script, sockets)
  const session = new binding.IpvsSession({ sockets: kernel.sockets })
  const queue = new CallQueue(session, { timeoutMs, writers: rowWriters, explain: explainServiceErrno })
  opened.push({ queue, kernel })
  return queue
}

const service: ServiceRow = {
  family: 2,
  fwmark: 7,
  scheduler: 'rr',
  flags: { value: 0, mask: 0xffffffff },
  timeout: 0,
  netmask: Uint8Array.of(255, 255, 255, 255),
}
const context: FailureContext = { operation: 'addService', target: 'FWM 7 ipv4' }

async function add(queue: CallQueue, signal?: AbortSignal): Promise<void> {
  return queue.write({ code: operationCode('addService'), service }, context, signal)
}

test('an acknowledged write resolves', async () => {
  const queue = pipelineOn((requests) => requests.slice(-1).map((last) => answer(last)))
  await expect(add(queue)).resolves.toBeUndefined()
})

test('writes of one tick share a datagram, and only the failed one rejects', async () => {
  const sizes: number[] = []
  const queue = pipelineOn((requests) => {
    sizes.push(requests.length)
    return requests.flatMap((request, i) => (i === 1 ? [answer(request, 17)] : i === 2 ? [answer(request)] : []))
  })
  const settled = await Promise.allSettled([add(queue), add(queue), add(queue)])
  expect(settled.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
  expect(sizes).toEqual([3])
})

test('the extended ACK names the attribute and brings the kernel’s words', async () => {
  // behind the headers (20 bytes): the service (4), its family (8), then the mark
  const queue = pipelineOn(([request]) => (request ? [answer(request, 22, ...extended('Numbers only', 32))] : []))
  await expect(add(queue)).rejects.toMatchObject({
    name: 'IpvsError',
    code: 'ERR_IPVS_INVALID_ARGUMENT',
    errno: 22,
    attribute: 'service.fwmark',
    kernelMessage: 'Numbers only',
    outcome: 'not-applied',
  })
})

test('an errno without a meaning of its own is ERR_IPVS_KERNEL', async () => {
  const queue = pipelineOn(([request]) => (request ? [answer(request, 95)] : []))
  await expect(add(queue)).rejects.toMatchObject({ code: 'ERR_IPVS_KERNEL', errno: 95 })
})

test('silence: ERR_IPVS_TIMEOUT, outcome unknown, and the handle works on', async () => {
  let silent = true
  const queue = pipelineOn((requests) => (silent ? [] : requests.slice(-1).map((last) => answer(last))), {
    timeoutMs: 1000,
  })
  await expect(add(queue)).rejects.toMatchObject({ code: 'ERR_IPVS_TIMEOUT', outcome: 'unknown' })
  silent = false
  await expect(add(queue)).resolves.toBeUndefined()
})

test('a lost ACK whose service is there as asked is no failure', async () => {
  const queue = pipelineOn(
    ([request]) => (request?.command === GET_SERVICE ? [markService(request, 'rr'), answer(request)] : []),
    {
      timeoutMs: 1000,
    },
  )
  await expect(add(queue)).resolves.toBeUndefined()
})

test('a lost ACK whose service is not there: not applied', async () => {
  const queue = pipelineOn(([request]) => (request?.command === GET_SERVICE ? [answer(request, 3)] : []), {
    timeoutMs: 1000,
  })
  await expect(add(queue)).rejects.toMatchObject({ code: 'ERR_IPVS_TIMEOUT', outcome: 'not-applied' })
})

test('a truncated answer that nothing can settle: ERR_IPVS_RECEIVE_OVERRUN, outcome unknown', async () => {
  const queue = pipelineOn(([request]) => (request ? [Buffer.concat([answer(request), Buffer.alloc(70_000)])] : []))
  await expect(add(queue)).rejects.toMatchObject({ code: 'ERR_IPVS_RECEIVE_OVERRUN', outcome: 'unknown' })
})

test('nonsense: ERR_IPVS_KERNEL, outcome unknown', async () => {
  const queue = pipelineOn(() => [Buffer.from('nonsense')])
  await expect(add(queue)).rejects.toMatchObject({ code: 'ERR_IPVS_KERNEL', outcome: 'unknown' })
})

test('an abort after sending: ERR_IPVS_ABORTED, outcome unknown, and the handle works on', async () => {
  let silent = true
  const queue = pipelineOn((requests) => (silent ? [] : requests.slice(-1).map((last) => answer(last))))
  const controller = new AbortController()
  const pending = add(queue, controller.signal)
  setTimeout(() => controller.abort(new Error('enough')), 100)
  await expect(pending).rejects.toMatchObject({
    code: 'ERR_IPVS_ABORTED',
    outcome: 'unknown',
    cause: { message: 'enough' },
  })
  silent = false
  await expect(add(queue)).resolves.toBeUndefined()
})

test('an abort before sending: nothing is sent', async () => {
  let requests = 0
  const queue = pipelineOn((batch) => {
    requests += batch.length
    return batch.slice(-1).map((last) => answer(last))
  })
  await expect(add(queue, AbortSignal.abort())).rejects.toMatchObject({
    code: 'ERR_IPVS_ABORTED',
    outcome: 'not-applied',
  })
  await add(queue)
  expect(requests).toBe(1)
})

test('a socket that cannot be opened again: nothing was applied', async () => {
  const queue = pipelineOn(() => [Buffer.from('nonsense')], { sockets: 1 })
  await expect(add(queue)).rejects.toMatchObject({ outcome: 'unknown' })
  await expect(add(queue)).rejects.toMatchObject({ code: 'ERR_IPVS_KERNEL', errno: 111, outcome: 'not-applied' })
})

test('close() while a call runs: it ends first, later ones are refused', async () => {
  const queue = pipelineOn(() => [], { timeoutMs: 1000 })
  const running = add(queue)
  await new Promise((resolve) => setTimeout(resolve, 50))
  const closing = queue.close()
  await expect(add(queue)).rejects.toMatchObject({ code: 'ERR_IPVS_CLOSED', outcome: 'not-applied' })
  await expect(running).rejects.toMatchObject({ code: 'ERR_IPVS_TIMEOUT' })
  await closing
})
