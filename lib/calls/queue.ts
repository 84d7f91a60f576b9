// All operations of a handle, in the order in which its methods were called. What is called in one tick goes to the
// native side at the end of that tick (in a microtask); neighbouring writes go in one call, so that they share datagrams.
import { Batch } from '../batch/batch.ts'
import type { BatchOperation } from '../batch/operation.ts'
import type { ParsedBatchOptions, Source } from '../batch/options.ts'
import type { Call, NativeIpvsSession, Reply } from '../binding/addon.ts'
import { closedError, invalidArgument, type BatchResult } from '../values/errors.ts'
import { failureError, type FailureContext } from './failure.ts'
import { namespaceStatusOf, type NamespaceStatus } from './namespace.ts'
import { Pending } from './pending-call.ts'
import type { RowWriters } from '../binding/records.ts'
import type { RequestContext } from '../services/writes.ts'
import {
  ConditionalStep,
  ReadStep,
  WriteStep,
  askRows,
  type Ask,
  type Channel,
  type Read,
  type Step,
  type Write,
} from './requests.ts'

/** Most writes in one native call: bounds what is settled at once, and what one `timeoutMs` has to do for. */
const MOST_WRITES = 4096

function assertDone(context: FailureContext, { failures: [failure] }: Reply, reason: unknown): void {
  if (failure !== undefined) throw failureError(context, failure, reason)
}

export interface PipelineOptions {
  /** For each call, from when it is made; for the parts of a batch, from when those before them are done. */
  readonly timeoutMs: number
  readonly writers: RowWriters
}

export class Pipeline implements Channel {
  readonly session: NativeIpvsSession
  readonly writers: RowWriters
  readonly #timeoutMs: number
  #steps: Step[] = [] // not started yet
  #tick: WriteStep | undefined // takes the writes of this tick, as long as it is the newest of them
  readonly #batches = new Set<Batch>()
  #progress = 0
  #running = false
  #calls = 0
  #closing: Promise<void> | undefined

  constructor(session: NativeIpvsSession, { timeoutMs, writers }: PipelineOptions) {
    this.session = session
    this.writers = writers
    this.#timeoutMs = timeoutMs
  }

  get closed(): boolean {
    return this.#closing !== undefined
  }

  get progress(): number {
    return this.#progress
  }

  nextCall(waited = 0): Call {
    return { id: ++this.#calls, timeoutMs: Math.max(Math.ceil(this.#timeoutMs - waited), 0) }
  }

  /**
   * Carries out a write. Aborted before the end of the tick, it is not sent. Aborted later, a write that has the native
   * call for itself is stopped; one that shares it rejects at once, outcome unknown, while the others go on.
   */
  write(write: Write, context: FailureContext, signal: AbortSignal | undefined): Promise<void> {
    const pending = this.#pending<void>(context, signal)
    if (pending.settled) return pending.promise
    try {
      this.#writeStep().add(write, pending)
    } catch (error) {
      pending.reject(invalidArgument(context, error))
    }
    return pending.promise
  }

  /** Answers the rows of the reply. */
  async read(read: Read, context: FailureContext, signal: AbortSignal | undefined): Promise<ArrayBuffer> {
    const { rows } = await this.#ask(askRows(read), context, signal)
    return rows ?? new ArrayBuffer(0)
  }

  /** All services with their destinations. */
  snapshot(consistent: boolean, context: FailureContext, signal: AbortSignal | undefined): Promise<Reply> {
    return this.#ask(({ session }, call) => session.snapshot(call, consistent), context, signal)
  }

  #ask(ask: Ask, context: FailureContext, signal: AbortSignal | undefined): Promise<Reply> {
    const pending = this.#pending<Reply>({ ...context, reads: true }, signal)
    if (!pending.settled) this.#add(new ReadStep(this, ask, pending))
    return pending.promise
  }

  /** A write that depends on what is there: `complete` makes it from the rows of `read`. */
  writeAfterRead(
    read: Read,
    complete: (rows: ArrayBuffer) => Write,
    context: FailureContext,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const pending = this.#pending<void>(context, signal)
    if (!pending.settled) this.#add(new ConditionalStep(this, read, complete, pending))
    return pending.promise
  }

  /** Starts in the order of the calls; later ones do not wait for its end. */
  batch(source: Source, options: ParsedBatchOptions, context: RequestContext): Promise<BatchResult<BatchOperation>> {
    const batch = new Batch(this, source, options, context)
    this.#batches.add(batch)
    const forget = () => this.#batches.delete(batch)
    batch.promise.then(forget, forget)
    if (this.closed) batch.close()
    else this.#add(batch)
    return batch.promise
  }

  /** Opens the sockets, so that problems show early. */
  open(context: FailureContext, signal: AbortSignal | undefined): Promise<void> {
    return this.#aside((call) => this.session.open(call), assertDone, context, signal)
  }

  namespaceStatus(context: FailureContext, signal: AbortSignal | undefined): Promise<NamespaceStatus> {
    return this.#aside((call) => this.session.followPath(call), namespaceStatusOf, context, signal)
  }

  // Beside the steps: these need not wait for one another.
  async #aside<Result>(
    start: (call: Call) => Promise<Reply>,
    take: (context: FailureContext, reply: Reply, reason: unknown) => Result,
    context: FailureContext,
    signal: AbortSignal | undefined,
  ): Promise<Result> {
    const pending = this.#pending<Result>({ ...context, reads: true }, signal)
    if (pending.settled) return pending.promise
    const call = this.nextCall()
    pending.onAbort = () => this.session.abort(call.id)
    const reply = await start(call)
    try {
      pending.resolve(take(pending.context, reply, pending.reason))
    } catch (error) {
      pending.reject(error)
    }
    return pending.promise
  }

  /** Rejects what was not sent yet and everything from now on; what the kernel is doing ends first. Idempotent. */
  close(): Promise<void> {
    if (this.#closing === undefined) {
      this.#closing = this.session.close()
      for (const step of this.#steps) step.close()
      this.#steps = []
      for (const batch of this.#batches) batch.close()
    }
    return this.#closing
  }

  #pending<Result>(context: FailureContext, signal: AbortSignal | undefined): Pending<Result> {
    const pending = new Pending<Result>(context, signal)
    if (this.closed) pending.reject(closedError(context))
    return pending
  }

  #writeStep(): WriteStep {
    const last = this.#steps.at(-1)
    if (last !== undefined && last === this.#tick && this.#tick.length < MOST_WRITES) return this.#tick
    const step = new WriteStep(this)
    this.#add(step)
    this.#tick = step
    // Steps may wait longer than a tick. What comes then has a time of its own, and so a step of its own.
    queueMicrotask(() => {
      if (this.#tick === step) this.#tick = undefined
    })
    return step
  }

  #add(step: Step): void {
    this.#steps.push(step)
    if (this.#running) return
    this.#running = true
    queueMicrotask(() => void this.#run())
  }

  async #run(): Promise<void> {
    while (this.#steps.length > 0) {
      const steps = this.#steps
      this.#steps = []
      for (const step of steps) {
        const wait = this.closed ? step.close() : step.start()
        if (wait !== undefined) await this.#inTime(wait)
      }
    }
    this.#running = false
  }

  async #inTime(wait: Promise<void>): Promise<void> {
    const began = performance.now()
    await wait
    const now = performance.now()
    if (now - began < this.#timeoutMs) this.#progress = now
  }
}
