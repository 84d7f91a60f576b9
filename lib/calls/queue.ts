// The queue of a handle: runs its operations in the order of the calls. The calls of a tick are passed to native code at the end
// of the tick (in a microtask); consecutive writes share a native call, and so datagrams.
import type { Call, NativeIpvsSession } from '../binding/addon.ts'
import type { FoundTable, Reply } from '../binding/replies.ts'
import { closedError, invalidArgument } from '../values/errors.ts'
import type { Explain, FailureContext } from './context.ts'
import { failureError, valuesOf } from './failure.ts'
import { namespaceStatusOf, type NamespaceStatus } from './namespace.ts'
import { PendingCall } from './pending-call.ts'
import type { RowWriters } from '../binding/records.ts'
import {
  DependentWriteRequest,
  ReadRequest,
  WriteRequest,
  readRows,
  type NativeRead,
  type Channel,
  type Read,
  type QueuedRequest,
  type Write,
} from './requests.ts'

/** Maximum number of writes in a native call: limits the work within one `timeoutMs`, and the promises settled at once. */
const MOST_WRITES = 4096

type TakeReply<Result> = (context: FailureContext, reply: Reply, explain: Explain, reason: unknown) => Result

const assertDone: TakeReply<void> = (context, reply, explain, reason) => {
  valuesOf(reply, (failure) => failureError(context, failure, explain, reason))
}

export interface QueueOptions {
  /** Limit of each call, from the call; of each block of a batch, from the end of the preceding block. */
  readonly timeoutMs: number
  readonly writers: RowWriters
  readonly explain: Explain
}

/** A request that continues while later requests run: a batch. */
export interface LongRequest extends QueuedRequest {
  readonly promise: Promise<unknown>
}

export class CallQueue implements Channel {
  readonly session: NativeIpvsSession
  readonly writers: RowWriters
  readonly explain: Explain
  readonly #timeoutMs: number
  #requests: QueuedRequest[] = [] // not started yet
  #tick: WriteRequest | undefined // takes the writes of this tick while it is the newest request
  readonly #long = new Set<LongRequest>() // not settled yet
  #progress = 0
  #running = false
  #calls = 0
  #closing: Promise<void> | undefined

  constructor(session: NativeIpvsSession, { timeoutMs, writers, explain }: QueueOptions) {
    this.session = session
    this.writers = writers
    this.explain = explain
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
   * Runs a write. If aborted before the end of the tick, it is not sent. If aborted later, a write alone in its native call is
   * stopped; a write that shares the call rejects at once with outcome unknown, and the other writes continue.
   */
  write(write: Write, context: FailureContext, signal: AbortSignal | undefined): Promise<void> {
    const pending = this.#pending<void>(context, signal)
    if (pending.settled) return pending.promise
    try {
      this.#writeRequest().add(write, pending)
    } catch (error) {
      pending.reject(invalidArgument(context, error))
    }
    return pending.promise
  }

  /** Returns the rows of the reply. */
  async read(read: Read, context: FailureContext, signal: AbortSignal | undefined): Promise<ArrayBuffer> {
    return (await this.#nativeRead(readRows(read), context, signal)).rows
  }

  /** All services with their destinations. */
  snapshot(consistent: boolean, context: FailureContext, signal: AbortSignal | undefined): Promise<FoundTable> {
    return this.#nativeRead(({ session }, call) => session.snapshot(call, consistent), context, signal)
  }

  #nativeRead<Values>(
    nativeRead: NativeRead<Values>,
    context: FailureContext,
    signal: AbortSignal | undefined,
  ): Promise<Values> {
    const pending = this.#pending<Values>({ ...context, reads: true }, signal)
    if (!pending.settled) this.#add(new ReadRequest(this, nativeRead, pending))
    return pending.promise
  }

  /** A write that depends on a read: `complete` creates it from the rows. */
  writeAfterRead(
    read: Read,
    complete: (rows: ArrayBuffer) => Write,
    context: FailureContext,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const pending = this.#pending<void>(context, signal)
    if (!pending.settled) this.#add(new DependentWriteRequest(this, read, complete, pending))
    return pending.promise
  }

  /** Starts a request in the order of the calls. Later requests do not wait for its end; `close` ends it. */
  addLong(request: LongRequest): void {
    this.#long.add(request)
    const forget = () => this.#long.delete(request)
    request.promise.then(forget, forget)
    if (this.closed) request.close()
    else this.#add(request)
  }

  /** Opens the sockets, to report problems early. */
  open(context: FailureContext, signal: AbortSignal | undefined): Promise<void> {
    return this.#aside((call) => this.session.open(call), assertDone, context, signal)
  }

  namespaceStatus(context: FailureContext, signal: AbortSignal | undefined): Promise<NamespaceStatus> {
    return this.#aside((call) => this.session.followPath(call), namespaceStatusOf, context, signal)
  }

  // Runs a native call outside the queue: it needs no order.
  async #aside<Result>(
    start: (call: Call) => Promise<Reply>,
    take: TakeReply<Result>,
    context: FailureContext,
    signal: AbortSignal | undefined,
  ): Promise<Result> {
    const pending = this.#pending<Result>({ ...context, reads: true }, signal)
    return pending.settleBy(this.session, this.nextCall(), start, (reply) => {
      return take(pending.context, reply, this.explain, pending.reason)
    })
  }

  /** Waits for the running call. Rejects queued and later calls. Idempotent. */
  close(): Promise<void> {
    if (this.#closing === undefined) {
      this.#closing = this.session.close()
      for (const request of this.#requests) request.close()
      this.#requests = []
      for (const request of this.#long) request.close()
    }
    return this.#closing
  }

  #pending<Result>(context: FailureContext, signal: AbortSignal | undefined): PendingCall<Result> {
    const pending = new PendingCall<Result>(context, signal)
    if (this.closed) pending.reject(closedError(context))
    return pending
  }

  #writeRequest(): WriteRequest {
    const last = this.#requests.at(-1)
    if (last !== undefined && last === this.#tick && this.#tick.length < MOST_WRITES) return this.#tick
    const request = new WriteRequest(this)
    this.#add(request)
    this.#tick = request
    // Requests may wait longer than a tick; a later call has its own timeoutMs, so it gets its own request.
    queueMicrotask(() => {
      if (this.#tick === request) this.#tick = undefined
    })
    return request
  }

  #add(request: QueuedRequest): void {
    this.#requests.push(request)
    if (this.#running) return
    this.#running = true
    queueMicrotask(() => void this.#run())
  }

  async #run(): Promise<void> {
    while (this.#requests.length > 0) {
      const requests = this.#requests
      this.#requests = []
      for (const request of requests) {
        const wait = this.closed ? request.close() : request.start()
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
