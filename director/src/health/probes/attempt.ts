// One attempt of a probe: phases with limits, transcript, and exactly one result.
import type { PhaseLimits } from '../../site/site.ts'
import type { AgentLine } from './agent-line.ts'
import { ProbeVoid, errorWords, isAnswer, isOurs, printable } from './errors.ts'
import type { Phase, ProbeResult, Verdict } from './probe.ts'

const maximumLines = 64

const missing: Readonly<Record<Phase, string>> = {
  connect: 'no connection',
  tls: 'no TLS handshake',
  firstByte: 'no answer',
  body: 'no complete answer',
}

/** What `run` calls: returns the words of a success, throws anything else. */
export type Body = (attempt: Attempt) => Promise<string> | string

/**
 * Runs a probe's body. The result is settled by its end, by a limit, by the signal, or by {@link Attempt.fail}; then
 * everything given to {@link Attempt.atEnd} is closed, and a body that still waits is left to the garbage collector.
 */
export function run(limits: PhaseLimits, signal: AbortSignal, body: Body): Promise<ProbeResult> {
  const attempt = new Attempt(limits, signal)
  if (!attempt.ended) void attempt.follow(body)
  return attempt.result
}

export class Attempt {
  readonly result: Promise<ProbeResult>
  /** When the certificate ends: milliseconds since 1970. */
  certificateEnds: number | undefined
  agent: AgentLine | undefined
  readonly #limits: PhaseLimits
  readonly #signal: AbortSignal
  readonly #startedAt = performance.now()
  readonly #phases: Partial<Record<Phase, number>> = {}
  readonly #closers: (() => void)[] = []
  readonly #lines: string[] = []
  #resolve: ((result: ProbeResult) => void) | undefined
  #phase: Phase | undefined
  #phaseAt = 0
  #timer: NodeJS.Timeout | undefined

  constructor(limits: PhaseLimits, signal: AbortSignal) {
    this.#limits = limits
    this.#signal = signal
    this.result = new Promise((resolve) => (this.#resolve = resolve))
    if (signal.aborted) this.#stopped()
    else signal.addEventListener('abort', this.#stopped, { once: true })
  }

  get ended(): boolean {
    return this.#resolve === undefined
  }

  async follow(body: Body): Promise<void> {
    try {
      this.#settle('success', await body(this), true)
    } catch (error) {
      this.fail(error)
    }
  }

  /** Ends the phase before, and begins this one with its limit. */
  enter(phase: Phase): void {
    if (this.ended || this.#phase === phase) return
    const now = performance.now()
    this.#leave(now)
    this.#phase = phase
    this.#phaseAt = now
    const limit = phase === 'body' ? Infinity : this.#limits[phase]
    const left = Math.max(0, this.#startedAt + this.#limits.total - now)
    clearTimeout(this.#timer)
    this.#timer = setTimeout(this.#outOfTime, Math.ceil(Math.min(limit, left)), phase, limit <= left + 1)
  }

  /** Called once, when the result is there. */
  atEnd(close: () => void): void {
    if (this.ended) close()
    else this.#closers.push(close)
  }

  /** Milliseconds until the total limit. */
  get remaining(): number {
    return Math.max(0, this.#startedAt + this.#limits.total - performance.now())
  }

  /** `>` sent, `<` received, `*` anything else. */
  log(mark: '>' | '<' | '*', text: string | Uint8Array): void {
    if (this.#lines.length >= maximumLines) return
    const shown = typeof text === 'string' ? text : Buffer.from(text.subarray(0, 256)).toString('latin1')
    this.#lines.push(`${mark} ${printable(shown)}`)
  }

  /** Ends with a failure, or void when this host is at fault. */
  fail(error: unknown): void {
    this.#settle(isOurs(error) ? 'void' : 'failure', errorWords(error), isAnswer(error))
  }

  readonly #stopped = (): void => this.fail(new ProbeVoid('stopped'))

  /** What came while this thread was late is read first, and ends the phase or the attempt. */
  readonly #outOfTime = (phase: Phase, ownLimit: boolean): void => {
    setImmediate(() => {
      if (this.#phase === phase) this.#tooLate(phase, ownLimit)
    })
  }

  #tooLate(phase: Phase, ownLimit: boolean): void {
    const limit = ownLimit && phase !== 'body' ? this.#limits[phase] : this.#limits.total
    const words = `${missing[phase]} within ${String(limit)} ms (${ownLimit ? phase : `total, in ${phase}`})`
    this.#settle('failure', words, false)
  }

  #settle(verdict: Verdict, words: string, answered: boolean): void {
    const resolve = this.#resolve
    if (resolve === undefined) return
    this.#resolve = undefined
    clearTimeout(this.#timer)
    this.#signal.removeEventListener('abort', this.#stopped)
    this.#leave(performance.now())
    // The TLS socket before its TCP socket: in the other order Node.js 20 crashes.
    for (const close of this.#closers.toReversed()) close()
    const { certificateEnds, agent } = this
    const transcript = [...this.#lines, `* ${verdict}: ${words}`]
    resolve({ verdict, words, answered, phases: this.#phases, certificateEnds, agent, transcript })
  }

  #leave(now: number): void {
    if (this.#phase !== undefined) this.#phases[this.#phase] = now - this.#phaseAt
    this.#phase = undefined
  }
}
