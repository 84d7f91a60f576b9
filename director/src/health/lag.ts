// How late the event loop of this thread is: a starved prober must not blame servers.

const tickMs = 20
/** A tick this late is ordinary. */
const slackMs = 5
/**
 * Late: this much within one probe, and half of its life, so that the server had less than half of its time. A busy machine is
 * always a little late: with a smaller share it never took out a server that is silent.
 */
const lateMs = 50
const lateShare = 0.5

export class Lag {
  #expected = performance.now() + tickMs
  #sum = 0
  #maximum = 0
  #timer: NodeJS.Timeout | undefined

  /** Only while something runs that can be disturbed: each tick wakes the thread. */
  start(): void {
    if (this.#timer !== undefined) return
    this.#expected = performance.now() + tickMs
    this.#timer = setTimeout(this.#tick, tickMs).unref()
  }

  stop(): void {
    this.#sum += this.#pending(performance.now())
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  /** Milliseconds of lateness so far, with a stall that still lasts. */
  total(now: number = performance.now()): number {
    return this.#sum + this.#pending(now)
  }

  /** Whether a probe that began at `startedAt`, when {@link total} was `before`, was disturbed by this thread's lateness. */
  disturbed(before: number, startedAt: number, now: number = performance.now()): boolean {
    return this.total(now) - before > Math.max(lateMs, (now - startedAt) * lateShare)
  }

  /** The longest single delay since the last call, in milliseconds. */
  takeMaximum(): number {
    const maximum = Math.max(this.#maximum, this.#pending(performance.now()))
    this.#maximum = 0
    return maximum
  }

  readonly #tick = (): void => {
    const now = performance.now()
    const late = this.#pending(now)
    this.#sum += late
    this.#maximum = Math.max(this.#maximum, late)
    this.#expected = now + tickMs
    this.#timer = setTimeout(this.#tick, tickMs).unref()
  }

  #pending(now: number): number {
    if (this.#timer === undefined) return 0
    return Math.max(0, now - this.#expected - slackMs)
  }
}
