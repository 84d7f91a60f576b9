// A batch on a handle whose kernel is the model of ours, and whether it told the truth.
import type { BatchOperation } from '../../lib/batch/operation.ts'
import { parseBatchOptions, parseSource, type BatchOptions } from '../../lib/batch/options.ts'
import { binding } from '../../lib/binding/addon.ts'
import { IpvsError, type BatchResult, type Outcome } from '../../lib/values/errors.ts'
import { CallQueue } from '../../lib/calls/queue.ts'
import { operationCode, rowWriters } from '../../lib/binding/records.ts'
import type { ServiceRow } from '../../lib/binding/record-types.ts'
import { ModelKernel, type Fault } from './model-kernel.ts'
import { runBatch } from '../../lib/batch/start.ts'
import { explainServiceErrno } from '../../lib/services/service-errno.ts'

export type Item = Extract<BatchOperation, { readonly service: unknown }>

const OLD = 1_000_000 // marks from here on: services that are there from the start, for items that remove them
const FLAG_2 = 0x10

/** Mostly services to be added; among them some that are refused unsent, patches of the one before them, and removals. */
export function itemsFrom(first: number, count: number): Item[] {
  return Array.from({ length: count }, (_, place) => {
    const fwmark = first + place
    const before = { fwmark: fwmark - 1 }
    if (place % 97 === 40) return { operation: 'addService', service: { fwmark, port: 7 } } as never
    if (place % 61 === 30) return { operation: 'updateService', service: before, patch: { scheduler: 'wrr' } }
    // Of flags, those that are there have to be known before it is sent.
    if (place % 211 === 100)
      return { operation: 'updateService', service: before, patch: { schedulerFlags: ['flag-2'] } }
    if (place % 83 === 50) return { operation: 'removeService', service: { fwmark: OLD + fwmark } }
    return { operation: 'addService', service: { fwmark, scheduler: 'rr' } }
  })
}

/** Whether the item did what it is for. */
function isDone(kernel: ModelKernel, item: Item): boolean {
  const { fwmark } = item.service as { fwmark: number }
  if (item.operation === 'addService') return kernel.services.has(fwmark)
  if (item.operation === 'removeService') return !kernel.services.has(fwmark)
  return kernel.schedulerOf(fwmark) === 'wrr' || (kernel.flagsOf(fwmark) & FLAG_2) !== 0
}

/** What is not as it was said. */
export function liesOf(
  kernel: ModelKernel,
  items: readonly Item[],
  { applied, failures, done }: BatchResult,
): string[] {
  const outcomes = new Map(failures.map(({ index, error }) => [index, error.outcome]))
  const said = (index: number) => (index >= done ? 'not sent' : (outcomes.get(index) ?? 'applied'))
  const lies = items.flatMap((item, index) => {
    const is = isDone(kernel, item)
    return said(index) === 'unknown' || (said(index) === 'applied') === is ? [] : [`${index} ${said(index)}: ${is}`]
  })
  return applied + failures.length === done ? lies : [...lies, `${applied} + ${failures.length} are not ${done}`]
}

export class Rig {
  readonly kernel: ModelKernel
  readonly queue: CallQueue
  readonly #controller = new AbortController()

  constructor(
    fault: (number: number) => Fault | undefined,
    { sockets = 30, timeoutMs = 400 }: { sockets?: number; timeoutMs?: number } = {},
  ) {
    const outside = { abort: () => this.#controller.abort(), close: () => void this.queue.close() }
    this.kernel = new ModelKernel(fault, outside, sockets)
    const session = new binding.IpvsSession({ sockets: this.kernel.kernel.sockets })
    this.queue = new CallQueue(session, { timeoutMs, writers: rowWriters, explain: explainServiceErrno })
  }

  /** How it ended, well or not. */
  async batch(items: readonly Item[], asGenerator: boolean, options: BatchOptions = {}): Promise<BatchResult> {
    for (const { operation, service } of items) {
      if (operation === 'removeService') this.kernel.addOld((service as { fwmark: number }).fwmark)
    }
    const source = parseSource(asGenerator ? items.values() : items, 'operations')
    const { signal } = this.#controller
    const context = { operation: 'batch', target: '', netns: undefined }
    return runBatch(this.queue, source, parseBatchOptions({ signal, ...options }), context).catch((error: unknown) => {
      if (error instanceof IpvsError && error.batch !== undefined) return error.batch
      throw error
    })
  }

  /** Adds a service. */
  async write(mark: number): Promise<'applied' | Outcome> {
    const service: ServiceRow = { family: 2, fwmark: mark, scheduler: 'rr' }
    const context = { operation: 'addService', target: String(mark) }
    const written = this.queue.write({ code: operationCode('addService'), service }, context, undefined)
    return written.then(
      () => 'applied',
      (error: unknown) => {
        if (error instanceof IpvsError) return error.outcome
        throw error
      },
    )
  }

  async end(): Promise<void> {
    await this.queue.close()
    this.kernel.kernel.serve()
    this.kernel.kernel.stop()
  }
}

/** Runs all of them, several at a time: most wait for a time-out. */
export async function all<Value>(values: readonly Value[], run: (value: Value) => Promise<void>): Promise<void> {
  const left = values.values()
  const worker = async () => {
    for (const value of left) await run(value)
  }
  await Promise.all(Array.from({ length: 12 }, worker))
}
