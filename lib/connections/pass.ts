// One pass over the connection table, by a native reader with its own thread and file descriptor.
import {
  binding,
  type Call,
  type ConnectionBlock,
  type ConnectionPassOptions,
  type NativeConnectionReader,
} from '../binding/addon.ts'
import type { Failure, FoundChanges, FoundGroups, FoundStatistics, Reply } from '../binding/replies.ts'
import { CONNECTION_BYTES } from './connection.ts'
import { IpvsError, about, abortedError, closedError } from '../values/errors.ts'
import { errnoName, failureError, valuesOf } from '../calls/failure.ts'
import type { FailureContext } from '../calls/context.ts'
import { sessionIn, type Namespace } from '../calls/namespace.ts'
import { PendingCall } from '../calls/pending-call.ts'
import { explainServiceErrno } from '../services/service-errno.ts'

const FILE = '/proc/net/ip_vs_conn'
// No timeout: reading a file of /proc makes progress or fails.
const TIMEOUT_MS = 0x7fffffff

function passError(context: FailureContext, failure: Failure, reason: unknown): IpvsError {
  const { kind, errno, message } = failure
  if (kind === 'malformed') {
    const problem = `${FILE} has a line of unknown format, ${message}.`
    return new IpvsError('ERR_IPVS_KERNEL', problem, { ...about(context), kernelMessage: message })
  }
  // A local failure with `attribute` came from entering the namespace, else from opening the file.
  if (kind === 'local' && failure.attribute === undefined) {
    const name = errnoName(errno)
    if (name === 'ENOENT') return failureError(context, { ...failure, kind: 'unavailable' }, explainServiceErrno)
    return new IpvsError('ERR_IPVS_KERNEL', `${FILE} cannot be read (${name}).`, { ...about(context), errno })
  }
  return failureError({ ...context, reads: true }, failure, explainServiceErrno, reason)
}

/** A block of rows from the reader. */
export interface FilledBlock extends ConnectionBlock {
  /** True for the last block. */
  readonly done: boolean
}

/** Must be closed, which ends its thread and closes its descriptor. */
export class ConnectionPass {
  readonly #native: NativeConnectionReader
  readonly #context: FailureContext
  readonly #signal: AbortSignal | undefined
  #calls = 0
  #closed = false

  constructor(
    context: FailureContext,
    options: ConnectionPassOptions,
    signal: AbortSignal | undefined,
    netns?: Namespace,
  ) {
    this.#native = new binding.ConnectionReader(sessionIn(netns), options)
    this.#context = context
    this.#signal = signal
  }

  /** Reads the next `least` to `most` rows; fewer at the end of the table. */
  async block(most: number, least: number): Promise<FilledBlock> {
    const { rows, engines, done } = await this.run((call) => this.#native.pull(call, most, least))
    return { rows, length: rows.byteLength / CONNECTION_BYTES, done, ...(engines && { engines }) }
  }

  async statistics(): Promise<FoundStatistics> {
    return this.run((call) => this.#native.statistics(call))
  }

  async group(blocks: readonly ConnectionBlock[], fields: number, most: number): Promise<FoundGroups> {
    return this.run((call) => this.#native.group(call, blocks, fields, most))
  }

  async compare(earlier: readonly ConnectionBlock[], later: readonly ConnectionBlock[]): Promise<FoundChanges> {
    return this.run((call) => this.#native.compare(call, earlier, later))
  }

  /** One native call, ended early by the signal. */
  async run<Values>(start: (call: Call) => Promise<Reply<Values>>): Promise<Values> {
    this.assertGoing()
    const pending = new PendingCall<Values>(this.#context, this.#signal)
    return pending.settleBy(this.#native, { id: ++this.#calls, timeoutMs: TIMEOUT_MS }, start, (reply) => {
      const values = valuesOf(reply, (failure) => passError(this.#context, failure, pending.reason))
      this.assertGoing()
      return values
    })
  }

  assertGoing(): void {
    if (this.#closed) throw closedError(this.#context)
    if (this.#signal?.aborted) throw abortedError(this.#context, this.#signal.reason, 'not-applied')
  }

  /** Closes the reader. A running call fails, within about 100 ms. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true
    return this.#native.close()
  }
}
