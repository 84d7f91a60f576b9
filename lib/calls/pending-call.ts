// A pending call: its promise and its AbortSignal.
import type { Call } from '../binding/addon.ts'
import type { Reply } from '../binding/replies.ts'
import { abortedError } from '../values/errors.ts'
import type { FailureContext } from './context.ts'
import { onAbort } from '../values/signals.ts'

/** A promise that settles once, with the result, a failure or the abort, whichever is first. */
export class PendingCall<Result> {
  readonly promise: Promise<Result>
  readonly context: FailureContext
  /** Called on abort. Initially rejects as not applied, because nothing was sent; replaced during a native call. */
  onAbort: () => void = () => this.abort('not-applied')

  #settled = false
  #resolve!: (result: Result) => void
  #reject!: (error: unknown) => void
  readonly #signal: AbortSignal | undefined
  readonly #unlisten: (() => void) | undefined

  constructor(context: FailureContext, signal: AbortSignal | undefined) {
    this.context = context
    this.#signal = signal
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    if (signal?.aborted) this.abort('not-applied')
    else if (signal !== undefined) this.#unlisten = onAbort(signal, () => this.onAbort())
  }

  get settled(): boolean {
    return this.#settled
  }

  get aborted(): boolean {
    return this.#signal?.aborted === true
  }

  /** Reason of the signal; `undefined` if it is not aborted. */
  get reason(): unknown {
    return this.aborted ? this.#signal?.reason : undefined
  }

  /** Runs one native call of `session`, which the signal aborts. */
  async run<Values>(
    session: { abort(id: number): void },
    call: Call,
    start: (call: Call) => Promise<Reply<Values>>,
  ): Promise<Reply<Values>> {
    const { onAbort: whenIdle } = this
    this.onAbort = () => session.abort(call.id)
    const reply = await start(call)
    this.onAbort = whenIdle
    return reply
  }

  /** Runs one native call and settles with the result of `take`. */
  async settleBy<Values>(
    session: { abort(id: number): void },
    call: Call,
    start: (call: Call) => Promise<Reply<Values>>,
    take: (reply: Reply<Values>) => Result,
  ): Promise<Result> {
    if (this.#settled) return this.promise
    try {
      this.resolve(take(await this.run(session, call, start)))
    } catch (error) {
      this.reject(error)
    }
    return this.promise
  }

  resolve(result: Result): void {
    if (this.#settle()) this.#resolve(result)
  }

  reject(error: unknown): void {
    if (this.#settle()) this.#reject(error)
  }

  abort(outcome: 'not-applied' | 'unknown'): void {
    this.reject(abortedError(this.context, this.reason, this.context.reads ? 'not-applied' : outcome))
  }

  #settle(): boolean {
    if (this.#settled) return false
    this.#settled = true
    this.#unlisten?.()
    return true
  }
}
