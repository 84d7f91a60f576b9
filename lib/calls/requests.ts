// The steps of a queue: each is one native call, or two.
import type { Call, NativeIpvsSession, Reply } from '../binding/addon.ts'
import { IpvsError, MAYBE_APPLIED, about, closedError, invalidArgument } from '../values/errors.ts'
import { failureError } from './failure.ts'
import type { Explain, FailureContext } from './context.ts'
import type { PendingCall } from './pending-call.ts'
import type { RowWriters } from '../binding/records.ts'
import type { DaemonRow, DestinationRow, ServiceRow, TimeoutsRow } from '../binding/record-types.ts'
import type { RowBlock } from '../binding/row-writer.ts'

/** The native side as steps need it. */
export interface Channel {
  readonly session: Pick<NativeIpvsSession, 'execute' | 'read' | 'snapshot' | 'abort'>
  readonly writers: RowWriters
  /** What a refused errno means. */
  readonly explain: Explain
  readonly closed: boolean
  /** When a step that others wait for last ended in time, by `performance.now()`. */
  readonly progress: number
  /** A new call number with the time that calls have, less the milliseconds that this one waited. */
  nextCall(waited?: number): Call
}

export interface QueuedRequest {
  /** Starts the native call. Answers a promise when the steps after it have to wait. */
  start(): Promise<void> | undefined
  /** Ends the step before it started: the handle is closed. */
  close(): void
}

/** A write: the code of the operation and its rows: a service, perhaps with a destination, or settings. */
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

// Not a failure that the native side reported: a mistake of ours, after which nothing is sure.
function unexpected(context: FailureContext, cause: unknown): IpvsError {
  const outcome = context.reads ? 'not-applied' : 'unknown'
  const problem = `the native side failed unexpectedly.${context.reads ? '' : ` ${MAYBE_APPLIED}`}`
  return new IpvsError('ERR_IPVS_KERNEL', problem, { ...about(context), outcome, cause })
}

/** Writes that go into one call. */
export class WriteRequest implements QueuedRequest {
  readonly #channel: Channel
  readonly #since: number
  readonly #services: RowBlock<ServiceRow>
  readonly #destinations: RowBlock<DestinationRow>
  #timeouts: RowBlock<TimeoutsRow> | undefined // rare, like daemons
  #daemons: RowBlock<DaemonRow> | undefined
  readonly #entries: { readonly triple: readonly number[]; readonly pending: PendingCall<void> }[] = []

  constructor(channel: Channel, since: number = performance.now()) {
    this.#channel = channel
    this.#since = since
    this.#services = channel.writers.services.block()
    this.#destinations = channel.writers.destinations.block()
  }

  get length(): number {
    return this.#entries.length
  }

  /** Throws `InvalidInput` when a value does not fit its row. */
  add(write: Write, pending: PendingCall<void>): void {
    const { code, destination } = write
    const first = this.#appendFirst(write)
    const second = destination === undefined ? 0 : this.#destinations.append(destination)
    this.#entries.push({ triple: [code, first, second], pending })
  }

  #appendFirst({ service, timeouts, daemon }: Write): number {
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
        live.flatMap(({ triple }) => triple),
        live.map(({ pending }) => pending),
      )
  }

  close(): void {
    for (const { pending } of this.#entries) pending.reject(closedError(pending.context))
  }

  async #run(triples: number[], pending: PendingCall<void>[]): Promise<void> {
    const { session } = this.#channel
    const call = this.#channel.nextCall(performance.now() - this.#since)
    for (const item of pending) {
      // A call that is alone can really be stopped; one that shares its call can only be let go.
      item.onAbort = pending.length === 1 ? () => session.abort(call.id) : () => item.abort('unknown')
    }
    try {
      const reply = await session.execute(
        call,
        Uint32Array.from(triples),
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
      for (const item of pending) item.reject(unexpected(item.context, error))
    }
  }
}

/** The native call of a read. */
export type Ask = (channel: Channel, call: Call) => Promise<Reply>

/** Asks for the rows of one record. */
export function readRows({ code, key, consistent = true }: Read): Ask {
  return ({ session, writers }, call) => {
    return session.read(call, code, key === undefined ? undefined : writers.services.encode(key), consistent)
  }
}

// Answers the reply, or settles `pending` and answers nothing. Nothing was changed, whatever `pending` is about.
async function replyTo<Result>(
  channel: Channel,
  ask: Ask,
  pending: PendingCall<Result>,
  since: number,
): Promise<Reply | undefined> {
  const call = channel.nextCall(performance.now() - since)
  const context = { ...pending.context, reads: true }
  pending.onAbort = () => channel.session.abort(call.id)
  try {
    const reply = await ask(channel, call)
    const [failure] = reply.failures
    if (failure === undefined) return reply
    pending.reject(failureError(context, failure, channel.explain, pending.reason))
  } catch (error) {
    pending.reject(unexpected(context, error))
  }
  return undefined
}

/** One read. */
export class ReadRequest implements QueuedRequest {
  readonly #channel: Channel
  readonly #ask: Ask
  readonly #pending: PendingCall<Reply>
  readonly #since = performance.now()

  constructor(channel: Channel, ask: Ask, pending: PendingCall<Reply>) {
    this.#channel = channel
    this.#ask = ask
    this.#pending = pending
  }

  start(): undefined {
    if (!this.#pending.settled) void this.#run()
  }

  close(): void {
    this.#pending.reject(closedError(this.#pending.context))
  }

  async #run(): Promise<void> {
    const reply = await replyTo(this.#channel, this.#ask, this.#pending, this.#since)
    if (reply !== undefined) this.#pending.resolve(reply)
  }
}

/** A read and a write that depends on it. Later steps wait for the read, so that the order stays. */
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
    const reply = await replyTo(this.#channel, readRows(this.#read), pending, this.#since)
    if (reply === undefined) return
    if (this.#channel.closed) return this.close()
    if (pending.aborted) return pending.abort('not-applied')
    try {
      const write = new WriteRequest(this.#channel, this.#since)
      write.add(this.#complete(reply.rows ?? new ArrayBuffer(0)), pending)
      write.start()
    } catch (error) {
      pending.reject(invalidArgument(pending.context, error))
    }
  }
}
