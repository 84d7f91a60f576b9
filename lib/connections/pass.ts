// One pass over the connection table: a native reader with a thread and a descriptor of its own, for as long as it takes.
import {
  binding,
  type ConnectionBlock,
  type ConnectionPassOptions,
  type Failure,
  type NativeConnectionReader,
  type Reply,
} from '../binding/addon.ts'
import { CONNECTION_BYTES } from './connection.ts'
import { IpvsError, about, abortedError, closedError } from '../values/errors.ts'
import { errnoName, failureError } from '../calls/failure.ts'
import type { FailureContext } from '../calls/context.ts'
import { sessionIn, type Namespace } from '../calls/namespace.ts'
import { explainErrno } from '../services/service-errno.ts'
import { onAbort } from '../values/signals.ts'

const FILE = '/proc/net/ip_vs_conn'
// Reading makes progress or fails: nothing here waits for an answer.
const TIMEOUT_MS = 0x7fffffff

function passError(context: FailureContext, failure: Failure, reason: unknown): IpvsError {
  const { cause, errno, message } = failure
  if (cause === 'malformed') {
    const problem = `${FILE} has a line that is not understood, ${message}.`
    return new IpvsError('ERR_IPVS_KERNEL', problem, { ...about(context), kernelMessage: message })
  }
  // With an attribute it is about the namespace, without one about the file.
  if (cause === 'local' && failure.attribute === undefined) {
    const name = errnoName(errno)
    if (name === 'ENOENT') return failureError(context, { ...failure, cause: 'unavailable' }, explainErrno)
    return new IpvsError('ERR_IPVS_KERNEL', `${FILE} cannot be read (${name}).`, { ...about(context), errno })
  }
  return failureError({ ...context, reads: true }, failure, explainErrno, reason)
}

/** A block as a reader fills it. */
export interface FilledBlock extends ConnectionBlock {
  /** There is nothing after it. */
  readonly done: boolean
}

/** Close it always: that ends its thread and closes its descriptor. */
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

  /** The next rows: `least`, unless there are no more, and at most `most`. */
  async block(most: number, least: number): Promise<FilledBlock> {
    const reply = await this.run((id) => this.#native.pull({ id, timeoutMs: TIMEOUT_MS }, most, least))
    const { rows = new ArrayBuffer(0), destinations: engines } = reply
    const [done] = new Uint32Array(reply.counts ?? new ArrayBuffer(0))
    return { rows, length: rows.byteLength / CONNECTION_BYTES, done: done === 1, ...(engines && { engines }) }
  }

  async statistics(): Promise<Reply> {
    return this.run((id) => this.#native.statistics({ id, timeoutMs: TIMEOUT_MS }))
  }

  async group(blocks: readonly ConnectionBlock[], fields: number, most: number): Promise<Reply> {
    return this.run((id) => this.#native.group({ id, timeoutMs: TIMEOUT_MS }, blocks, fields, most))
  }

  async compare(earlier: readonly ConnectionBlock[], later: readonly ConnectionBlock[]): Promise<Reply> {
    return this.run((id) => this.#native.compare({ id, timeoutMs: TIMEOUT_MS }, earlier, later))
  }

  /** One native call, ended early by the signal. */
  async run(call: (id: number) => Promise<Reply>): Promise<Reply> {
    this.assertGoing()
    const id = ++this.#calls
    const unlisten = this.#signal && onAbort(this.#signal, () => this.#native.abort(id))
    try {
      const reply = await call(id)
      const failure = reply.failures[0]
      if (failure !== undefined) throw passError(this.#context, failure, this.#signal?.reason)
      this.assertGoing()
      return reply
    } finally {
      unlisten?.()
    }
  }

  assertGoing(): void {
    if (this.#closed) throw closedError(this.#context)
    if (this.#signal?.aborted) throw abortedError(this.#context, this.#signal.reason, 'not-applied')
  }

  /** Idempotent. A call that runs ends first, which takes no longer than about 100 ms, and fails. */
  async close(): Promise<void> {
    this.#closed = true
    return this.#native.close()
  }
}
