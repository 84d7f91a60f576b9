// Requests of a queue: one or two native calls each.
import type { Call, NativeIpvsSession } from '../binding/addon.ts'
import type { FoundRows, Reply } from '../binding/replies.ts'
import { IpvsError, closedError, invalidArgument } from '../values/errors.ts'
import { failureError, unexpectedError, valuesOf } from './failure.ts'
import type { Explain } from './context.ts'
import { triplesOf, type OperationTriple } from './operation-triples.ts'
import type { PendingCall } from './pending-call.ts'
import type { RowWriters } from '../binding/records.ts'
import type { DaemonRow, DestinationRow, ServiceRow, TimeoutsRow } from '../binding/record-types.ts'
import type { RowBlock } from '../binding/row-writer.ts'

/** The native session and its settings, as requests need them. */
export interface Channel {
  readonly session: Pick<NativeIpvsSession, 'execute' | 'read' | 'snapshot' | 'abort'>
  readonly writers: RowWriters
  /** Explains an errno. */
  readonly explain: Explain
  readonly closed: boolean
  /** Time (`performance.now()`) at which a blocking request last ended within its timeout. */
  readonly progress: number
  /** A new call id, with the timeout of the handle minus `waited` milliseconds. */
  nextCall(waited?: number): Call
}

export interface QueuedRequest {
  /** Starts the native call. Returns a promise if later requests must wait. */
  start(): Promise<void> | undefined
  /** Rejects the request before its start: the handle is closed. */
  close(): void
}

/** A write: the code of the operation, and its rows. */
export interface Write {
  readonly code: number
  readonly service?: ServiceRow | undefined
  readonly destination?: DestinationRow | undefined
  readonly timeouts?: TimeoutsRow | undefined
  readonly daemon?: DaemonRow | undefined
}

export interface Read {
  readonly code: number
  readonly key?: ServiceRow | undefined
  /** Repeats a listing until two passes agree. */
  readonly consistent?: boolean | undefined
}

/** A write that may depend on a read: then `write` needs the rows that the read returned. */
export interface PreparedWrite {
  readonly read: Read | undefined
  readonly write: (rows?: ArrayBuffer) => Write
}

/** Writes in one native call. */
export class WriteRequest implements QueuedRequest {
  readonly #channel: Channel
  readonly #since: number
  readonly #services: RowBlock<ServiceRow>
  readonly #destinations: RowBlock<DestinationRow>
  #timeouts: RowBlock<TimeoutsRow> | undefined // rare, like daemons
  #daemons: RowBlock<DaemonRow> | undefined
  readonly #entries: { readonly triple: OperationTriple; readonly pending: PendingCall<void> }[] = []

  constructor(channel: Channel, since: number = performance.now()) {
    this.#channel = channel
    this.#since = since
    this.#services = channel.writers.services.block()
    this.#destinations = channel.writers.destinations.block()
  }

  get length(): number {
    return this.#entries.length
  }

  /** Throws `InvalidInput` if a value does not fit its row. */
  add(write: Write, pending: PendingCall<void>): void {
    const row = this.#append(write)
    const destination = write.destination === undefined ? 0 : this.#destinations.append(write.destination)
    this.#entries.push({ triple: { code: write.code, row, destination }, pending })
  }

  #append({ service, timeouts, daemon }: Write): number {
    if (service !== undefined) return this.#services.append(service)
    const { writers } = this.#channel
    if (timeouts !== undefined) return (this.#timeouts ??= writers.timeouts.block()).append(timeouts)
    if (daemon !== undefined) return (this.#daemons ??= writers.daemons.block()).append(daemon)
    return 0
  }

  start(): undefined {
    const live = this.#entries.filter(({ pending }) => !pending.settled) // aborted before anything was sent
    if (live.length > 0)
      void this.#run(
        live.map(({ triple }) => triple),
        live.map(({ pending }) => pending),
      )
  }

  close(): void {
    for (const { pending } of this.#entries) pending.reject(closedError(pending.context))
  }

  async #run(operations: readonly OperationTriple[], pending: PendingCall<void>[]): Promise<void> {
    const { session } = this.#channel
    const call = this.#channel.nextCall(performance.now() - this.#since)
    for (const item of pending) {
      // A single write can be stopped; a write that shares the call can only be abandoned.
      item.onAbort = pending.length === 1 ? () => session.abort(call.id) : () => item.abort('unknown')
    }
    try {
      const reply = await session.execute(
        call,
        triplesOf(operations).words(operations.length),
        this.#services.bytes(),
        this.#destinations.bytes(),
        this.#timeouts?.bytes(),
        this.#daemons?.bytes(),
      )
      for (const failure of reply.failures) {
        const { index, rest } = failure
        for (const item of pending.slice(index, rest === true ? undefined : index + 1)) {
          item.reject(failureError(item.context, failure, this.#channel.explain, item.reason))
        }
      }
      for (const item of pending) item.resolve()
    } catch (error) {
      for (const item of pending) item.reject(unexpectedError(item.context, error))
    }
  }
}

/** The native call of a read. */
export type NativeRead<Values> = (channel: Channel, call: Call) => Promise<Reply<Values>>

/** Reads the rows of one record. */
export function readRows({ code, key, consistent = true }: Read): NativeRead<FoundRows> {
  return ({ session, writers }, call) => {
    return session.read(call, code, key === undefined ? undefined : writers.services.encode(key), consistent)
  }
}

// Returns the values of a read, or rejects `pending` and returns undefined. A read changes nothing, even for a write's `pending`.
async function find<Values, Result>(
  channel: Channel,
  nativeRead: NativeRead<Values>,
  pending: PendingCall<Result>,
  since: number,
): Promise<Values | undefined> {
  const call = channel.nextCall(performance.now() - since)
  const context = { ...pending.context, reads: true }
  try {
    const reply = await pending.run(channel.session, call, (sent) => nativeRead(channel, sent))
    return valuesOf(reply, (failure) => failureError(context, failure, channel.explain, pending.reason))
  } catch (error) {
    pending.reject(error instanceof IpvsError ? error : unexpectedError(context, error))
  }
  return undefined
}

/** One read. */
export class ReadRequest<Values> implements QueuedRequest {
  readonly #channel: Channel
  readonly #nativeRead: NativeRead<Values>
  readonly #pending: PendingCall<Values>
  readonly #since = performance.now()

  constructor(channel: Channel, nativeRead: NativeRead<Values>, pending: PendingCall<Values>) {
    this.#channel = channel
    this.#nativeRead = nativeRead
    this.#pending = pending
  }

  start(): undefined {
    if (!this.#pending.settled) void this.#run()
  }

  close(): void {
    this.#pending.reject(closedError(this.#pending.context))
  }

  async #run(): Promise<void> {
    const found = await find(this.#channel, this.#nativeRead, this.#pending, this.#since)
    if (found !== undefined) this.#pending.resolve(found)
  }
}

/** A read and a write that depends on it. Later requests wait for the read, which keeps their order. */
export class DependentWriteRequest implements QueuedRequest {
  readonly #channel: Channel
  readonly #read: Read
  readonly #complete: (rows: ArrayBuffer) => Write
  readonly #pending: PendingCall<void>
  readonly #since = performance.now() // for both calls

  constructor(channel: Channel, read: Read, complete: (rows: ArrayBuffer) => Write, pending: PendingCall<void>) {
    this.#channel = channel
    this.#read = read
    this.#complete = complete
    this.#pending = pending
  }

  start(): Promise<void> | undefined {
    return this.#pending.settled ? undefined : this.#run()
  }

  close(): void {
    this.#pending.reject(closedError(this.#pending.context))
  }

  async #run(): Promise<void> {
    const pending = this.#pending
    const found = await find(this.#channel, readRows(this.#read), pending, this.#since)
    if (found === undefined) return
    if (this.#channel.closed) return this.close()
    if (pending.aborted) return pending.abort('not-applied')
    try {
      const write = new WriteRequest(this.#channel, this.#since)
      write.add(this.#complete(found.rows), pending)
      write.start()
    } catch (error) {
      pending.reject(invalidArgument(pending.context, error))
    }
  }
}
