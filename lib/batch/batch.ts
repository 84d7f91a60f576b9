// Batches: many operations in few datagrams. Items are written into rows, with pauses for the event loop, while the session's thread sends the
// preceding blocks. Native code packs plain items of arrays, many at once; all other items are prepared one at a time.
import { setImmediate } from 'node:timers/promises'
import { BatchBlock } from './block.ts'
import { prepareItem, type BatchOperation } from './operation.ts'
import { isPlainArray, type ParsedBatchOptions, type Source } from './options.ts'
import { OUTCOME_UNKNOWN, Settlement, type Ending } from './settlement.ts'
import type { Call } from '../binding/addon.ts'
import type { Reply } from '../binding/replies.ts'
import { IpvsError, invalidArgument, type BatchResult } from '../values/errors.ts'
import type { RequestContext } from '../calls/context.ts'
import { UNEXPECTED } from '../calls/failure.ts'
import { onAbort } from '../values/signals.ts'
import { Pauses } from '../values/pauses.ts'
import type { LongRequest } from '../calls/queue.ts'
import { readRows, type Channel, type PreparedWrite } from '../calls/requests.ts'

const FIRST_BLOCK = 128 // small, so that sending starts early
const LARGEST_BLOCK = 1024 // each block is twice as large as the one before, up to this

/** Blocks in native calls at the same time, so that native code never waits for the next block. */
const MOST_BLOCKS = 3

/** After a block in which most items could not be packed, skip packing for this many blocks: a failed attempt costs 50 %. */
const PAUSE = 7

type Block = BatchBlock<BatchOperation>

export class Batch implements LongRequest {
  readonly promise: Promise<BatchResult<BatchOperation>>
  #resolve!: (result: BatchResult<BatchOperation>) => void
  #reject!: (error: unknown) => void

  readonly #channel: Channel
  readonly #source: Source
  readonly #options: ParsedBatchOptions
  readonly #context: RequestContext // of the current item; one object shape for all, which is fast
  readonly #settlement: Settlement<BatchOperation>
  #block: Block
  readonly #spare: Block[] = []
  readonly #pauses = new Pauses()
  readonly #sent: Promise<void>[] = [] // unsettled blocks, oldest first
  readonly #calls = new Set<number>()
  readonly #ended = new Uint8Array(1) // shared with native code: no block is sent after one that ended early
  #capacity = FIRST_BLOCK
  #taken = 0
  readonly #since = performance.now()
  #waited = 0 // ms spent in requests before this batch that exceeded their time; counts for the first call
  #started = false
  #stopped = false // after a failure with stopOnError
  #interrupt: () => void = () => {} // stops waiting for the source

  constructor(channel: Channel, source: Source, options: ParsedBatchOptions, context: RequestContext) {
    this.#channel = channel
    this.#source = source
    this.#options = options
    this.#context = { ...context, scheduler: undefined, persistenceEngine: undefined }
    this.#settlement = new Settlement(context)
    this.#block = new BatchBlock(channel, LARGEST_BLOCK)
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
  }

  start(): undefined {
    this.#started = true
    this.#waited = performance.now() - Math.max(this.#since, this.#channel.progress)
    void this.#run()
  }

  /** Ends the batch. A running batch waits for its sent blocks, but not for its source. */
  close(): void {
    this.#end({ code: 'ERR_IPVS_CLOSED', problem: 'the handle is closed' })
    if (!this.#started) this.start()
  }

  get #over(): boolean {
    return this.#stopped || this.#settlement.ending !== undefined
  }

  #end(ending: Ending): void {
    this.#settlement.end(ending)
    this.#interrupt()
  }

  #abort(): void {
    this.#end({ code: 'ERR_IPVS_ABORTED', problem: 'aborted', cause: this.#options.signal?.reason })
    Atomics.store(this.#ended, 0, 1) // before the aborts: native code may start the next block at this moment
    for (const id of this.#calls) this.#channel.session.abort(id)
  }

  async #run(): Promise<void> {
    const { signal } = this.#options
    const unlisten = signal === undefined ? undefined : onAbort(signal, () => this.#abort())
    if (signal?.aborted) this.#abort()
    try {
      const { items, asynchronous } = this.#source
      if (asynchronous) await this.#takeAsync(items as AsyncIterable<unknown>)
      else if (isPlainArray(items)) await this.#takeArray(items)
      else await this.#takeSync(items as Iterable<unknown>)
    } catch (cause) {
      const problem = `reading the items failed after ${this.#taken} items`
      this.#end({ code: 'ERR_IPVS_INVALID_ARGUMENT', problem, attribute: this.#source.name, cause })
    }
    await this.#drain()
    if (!this.#over) this.#settlement.reach(this.#taken)
    unlisten?.()
    const { ending } = this.#settlement
    if (ending !== undefined) this.#reject(this.#settlement.error(ending))
    else this.#resolve(this.#settlement.result())
  }

  // Takes many items at a time, because no user code runs in between. A small batch is sent synchronously, so it goes out
  // before later calls.
  async #takeArray(items: readonly unknown[]): Promise<void> {
    let most = FIRST_BLOCK
    let pause = 0 // blocks for which packing is still skipped
    while (!this.#over && this.#taken < items.length) {
      const block = this.#block
      const start = this.#taken
      const chunk = this.#chunk(items, Math.min(most, this.#capacity))
      const packs = pause === 0
      const unusual = packs ? block.pack(chunk, start) : chunk.length
      if (unusual === 0) this.#taken += chunk.length
      for (let place = this.#taken - start; place < chunk.length && block === this.#block && !this.#over; place++) {
        const wait = this.#takeOne(packs ? block : undefined, place, chunk[place] as BatchOperation)
        if (wait !== undefined) await wait
      }
      pause = !packs ? pause - 1 : unusual * 2 > chunk.length ? PAUSE : 0
      // If the block was sent before the end of the chunk, the rest is packed again: then take smaller chunks.
      most = Math.min((this.#taken - start) * 2, LARGEST_BLOCK)
      await this.#send()
      if (this.#pauses.isDue(chunk.length)) await this.#pauses.take()
    }
  }

  // `packed`: the block that may contain the item at `place`.
  #takeOne(packed: Block | undefined, place: number, item: BatchOperation): Promise<void> | undefined {
    if (packed?.keep(place, this.#taken, item) !== true) return this.#take(item)
    return void this.#taken++
  }

  #chunk(items: readonly unknown[], most: number): BatchOperation[] {
    const chunk = items.slice(this.#taken, this.#taken + most)
    return (this.#source.convert === undefined ? chunk : Array.from(chunk, this.#source.convert)) as BatchOperation[]
  }

  #operationOf(item: unknown): BatchOperation {
    const { convert } = this.#source
    return (convert === undefined ? item : convert(item)) as BatchOperation
  }

  // Synchronous for a small batch, like #takeArray.
  async #takeSync(items: Iterable<unknown>): Promise<void> {
    if (this.#over) return
    for (const item of items) {
      const wait = this.#take(this.#operationOf(item))
      if (wait !== undefined) await wait
      if (this.#over) return
    }
    return this.#send()
  }

  async #takeAsync(items: AsyncIterable<unknown>): Promise<void> {
    const iterator = items[Symbol.asyncIterator]()
    while (!this.#over) {
      const next = iterator.next()
      if (this.#block.length > 0 && !(await soon(next))) await this.#send() // while the source waits
      const step = this.#over ? undefined : await this.#unlessInterrupted(next)
      if (step?.done === true) return this.#send()
      if (step !== undefined && !this.#over) await this.#take(this.#operationOf(step.value))
    }
    // Not awaited: the source itself may wait forever.
    iterator.return?.().catch(() => {})
  }

  // No race with one promise for the whole batch: it would keep a reaction per item.
  #unlessInterrupted<Value>(promise: Promise<Value>): Promise<Value | undefined> {
    return new Promise((resolve, reject) => {
      this.#interrupt = () => resolve(undefined)
      promise.then(resolve, reject)
    })
  }

  // Returns a promise if the next item must wait.
  #take(item: BatchOperation): Promise<void> | undefined {
    const index = this.#taken++
    const context = this.#context
    try {
      const prepared = prepareItem(context, item)
      if (!('write' in prepared)) this.#block.add(prepared, index, item)
      else if (prepared.read !== undefined) return this.#takeDependent({ ...context }, prepared, index, item)
      else this.#block.add(prepared.write(), index, item)
    } catch (error) {
      return this.#refuse(context, error, index, item)
    }
    if (this.#block.length >= this.#capacity) return this.#send()
    return this.#pauses.isDue() ? this.#pauses.take() : undefined
  }

  // A patch that needs the current service, after all preceding items.
  async #takeDependent(context: RequestContext, { read, write }: PreparedWrite, index: number, item: BatchOperation) {
    await this.#send()
    await this.#drain()
    if (this.#over || read === undefined) return
    const call = this.#nextCall()
    this.#calls.add(call.id)
    const { failures, rows } = await readRows(read)(this.#channel, call)
    this.#calls.delete(call.id)
    if (this.#over) return
    if (failures[0] !== undefined) {
      this.#settlement.fail(index, item, { ...context, reads: true }, failures[0])
      this.#check()
      return
    }
    try {
      this.#block.add(write(rows), index, item)
    } catch (error) {
      await this.#refuse(context, error, index, item)
    }
  }

  async #refuse(context: RequestContext, error: unknown, index: number, item: BatchOperation): Promise<void> {
    const refusal = invalidArgument(context, error)
    if (!(refusal instanceof IpvsError)) throw refusal
    if (this.#options.stopOnError) {
      await this.#send() // the preceding items first
      await this.#drain()
      if (this.#over) return
      this.#settlement.reach(index + 1)
    }
    this.#settlement.refuse(index, item, refusal)
    this.#check()
    if (this.#pauses.isDue()) await this.#pauses.take()
  }

  #check(): void {
    if (this.#options.stopOnError && this.#settlement.failed) this.#stopped = true
  }

  // Sends the block. Waits while the maximum number of blocks is in native calls.
  async #send(): Promise<void> {
    const most = this.#options.stopOnError ? 1 : MOST_BLOCKS
    while (this.#sent.length >= most) await this.#sent[0]
    if (this.#over || this.#block.length === 0) return
    if (this.#channel.closed) return this.#end({ code: 'ERR_IPVS_CLOSED', problem: 'the handle was closed' })
    const block = this.#block
    const call = { ...this.#nextCall(), ended: this.#ended, stopOnError: this.#options.stopOnError }
    const reply = block.send(this.#channel, call)
    this.#block = this.#spare.pop() ?? new BatchBlock(this.#channel, LARGEST_BLOCK)
    this.#capacity = Math.min(this.#capacity * 2, LARGEST_BLOCK)
    this.#calls.add(call.id)
    this.#sent.push(this.#settle(block, call.id, reply, this.#sent.at(-1)))
  }

  #nextCall(): Call {
    const call = this.#channel.nextCall(this.#waited)
    this.#waited = 0
    return { ...call, patient: true }
  }

  async #drain(): Promise<void> {
    while (this.#sent.length > 0) await this.#sent[0]
  }

  // Blocks settle in order, so that `done` counts a leading part of the batch.
  async #settle(block: Block, callId: number, reply: Promise<Reply>, before: Promise<void> | undefined): Promise<void> {
    const { failures } = await reply.catch((cause: unknown) => {
      this.#end({ code: 'ERR_IPVS_KERNEL', problem: UNEXPECTED, cause })
      return { failures: [OUTCOME_UNKNOWN] }
    })
    await before
    await this.#settlement.settle(block, failures)
    this.#check()
    this.#report()
    block.clear()
    this.#spare.push(block)
    this.#calls.delete(callId)
    void this.#sent.shift()
    if (this.#over) this.#interrupt()
  }

  #report(): void {
    const { onProgress } = this.#options
    try {
      onProgress?.({ done: this.#settlement.done, total: this.#source.total })
    } catch (cause) {
      const problem = 'onProgress threw an error'
      this.#end({ code: 'ERR_IPVS_INVALID_ARGUMENT', problem, attribute: 'options.onProgress', cause })
    }
  }
}

const settled = () => true
// True if the promise settles before the event loop continues.
function soon(promise: Promise<unknown>): Promise<boolean> {
  return Promise.race([promise.then(settled, settled), setImmediate(false)])
}
