// The loop: reads the kernel, compares it with what is wanted, applies the difference. It is woken by changes and by time, and
// never depends on having seen a change: each round starts from the kernel.
import { isDeepStrictEqual } from 'node:util'
import { applyChanges, diffStateAsync, normalizeState, readState, withRepair } from 'ipvs/state'
import type { ApplyResult, Changes, CurrentState, Readers, State, Writers } from 'ipvs/state'
import type { FirewallMarks } from 'ipvs'
import type { EventKind, Events } from './events.ts'
import { removable, serviceKeys } from './owned.ts'

/** Open handles of the director's table and rules. */
export interface Kernel {
  readonly ipvs: Readers['ipvs'] & Writers['ipvs']
  readonly marks: NonNullable<Readers['marks']> & NonNullable<Writers['marks']> & Pick<FirewallMarks, 'status'>
}

/** What the kernel should have. */
export interface Wanted {
  readonly state: State
  /** Differences on what is ours that somebody else made. */
  readonly drift: 'repair' | 'report'
  /** The next time at which the state changes by time alone. */
  readonly wakeAt: number | undefined
  /** Keeps what was decided. Called before the changes are applied, not for a plan; nothing is applied if it rejects. */
  readonly commit: () => Promise<void>
}

export interface LoopOptions {
  readonly kernel: Kernel
  readonly events: Events
  /** Decides, with what the kernel has. Changes nothing by itself. If it rejects, nothing is applied. */
  readonly decide: (current: CurrentState, now: number) => Promise<Wanted>
  /** Keys of services that are ours. */
  readonly owned: readonly string[]
  /** Keeps the keys. Called before a service is added and after services were removed; nothing is applied if it rejects. */
  readonly keepOwned: (keys: readonly string[]) => Promise<void>
  /** Called after each round. */
  readonly onRound?: (round: Round) => void
  /** Milliseconds between rounds without a reason. Default 5000. */
  readonly lookMs?: number
  readonly clock?: () => number
}

/** The outcome of one round. */
export interface Round {
  readonly at: number
  readonly changes: Changes | undefined
  readonly result: ApplyResult | undefined
  /** The round failed as a whole. */
  readonly error: Error | undefined
}

/** The changes of a round that failed, or why it failed as a whole. Empty: all is as wanted. */
export function failuresOf({ result, error }: Round): readonly string[] {
  if (error !== undefined) return [error.message]
  return result?.failures.map(({ message }) => message) ?? []
}

/** What the kernel should have, and the way there. */
export interface Difference {
  readonly wanted: Wanted
  /** Normalised. */
  readonly state: State
  readonly changes: Changes
}

interface Waiting {
  readonly resolve: (round: Round) => void
  readonly reject: (error: Error) => void
}

const DEFAULT_LOOK_MS = 5000
const FIRST_RETRY_MS = 500
const LONGEST_RETRY_MS = 10_000

export class Loop {
  readonly #options: LoopOptions
  readonly #clock: () => number
  #owned: ReadonlySet<string>
  #last: State | undefined // the state that the kernel had after the last round, if it went well
  #failures = 0
  /** What was told and still holds: each failure, and drift that is only reported, is told once. */
  #told: ReadonlySet<string> = new Set()
  #running: Promise<void> | undefined
  #again = false
  #timer: NodeJS.Timeout | undefined
  #stopped = false
  #round: Round | undefined
  readonly #waiting: Waiting[] = []
  readonly #abort = new AbortController()

  constructor(options: LoopOptions) {
    this.#options = options
    this.#clock = options.clock ?? Date.now
    this.#owned = new Set(options.owned)
  }

  /** The last round; `undefined` before the first one ended. */
  get lastRound(): Round | undefined {
    return this.#round
  }

  get owned(): ReadonlySet<string> {
    return this.#owned
  }

  /** Starts a round now, or right after the running one. Resolves with a round that began after the call. */
  wake(): Promise<Round> {
    if (this.#stopped) return Promise.reject(new Error('the loop has ended'))
    const settled = new Promise<Round>((resolve, reject) => this.#waiting.push({ resolve, reject }))
    if (this.#running === undefined) this.#start()
    else this.#again = true
    return settled
  }

  /** Ends the loop after the running round, whose remaining changes are not sent. The table stays as it is. */
  async stop(): Promise<void> {
    this.#stopped = true
    clearTimeout(this.#timer)
    this.#abort.abort(new Error('the director is stopping'))
    await this.#running
    for (const { reject } of this.#waiting.splice(0)) reject(new Error('the loop has ended'))
  }

  #start(): void {
    clearTimeout(this.#timer)
    this.#again = false
    this.#running = this.#runToEnd(this.#waiting.splice(0))
  }

  async #runToEnd(waiting: readonly Waiting[]): Promise<void> {
    const { round, wakeAt } = await this.#runRound()
    this.#running = undefined
    if (!this.#stopped) this.#schedule(wakeAt)
    for (const { resolve } of waiting) resolve(round)
  }

  async #runRound(): Promise<{ round: Round; wakeAt: number | undefined }> {
    const at = this.#clock()
    let wakeAt: number | undefined
    let round: Round
    try {
      const { wanted, ...done } = await this.#reconcile(at)
      wakeAt = wanted.wakeAt
      round = { at, ...done, error: undefined }
    } catch (error) {
      round = { at, changes: undefined, result: undefined, error: error as Error }
    }
    this.#round = round
    const failed = failuresOf(round).length > 0
    this.#report(round, failed)
    this.#failures = failed ? this.#failures + 1 : 0
    if (failed) this.#last = undefined
    this.#options.onRound?.(round)
    return { round, wakeAt }
  }

  #schedule(wakeAt: number | undefined): void {
    if (this.#again) return this.#start()
    const look = this.#options.lookMs ?? DEFAULT_LOOK_MS
    // Full jitter, so that two directors with the same trouble do not act in step.
    const retry = Math.random() * Math.min(FIRST_RETRY_MS * 2 ** this.#failures, LONGEST_RETRY_MS)
    const wait = this.#failures > 0 ? retry : Math.min(look, (wakeAt ?? Infinity) - this.#clock())
    this.#timer = setTimeout(() => this.#start(), Math.max(1, wait))
  }

  /** The changes that a round would apply now. Applies nothing. */
  async plan(): Promise<Difference> {
    return this.#compare(this.#clock())
  }

  async #compare(now: number): Promise<Difference> {
    const { kernel, decide } = this.#options
    const current = await readState({ ipvs: kernel.ipvs, marks: kernel.marks })
    const wanted = await decide(current, now)
    const state = normalizeState(wanted.state)
    const found = await diffStateAsync(current, state, { prune: removable(this.#owned) })
    return { wanted, state, changes: await withRepair(found, state, kernel.marks) }
  }

  async #reconcile(now: number): Promise<{ wanted: Wanted; changes: Changes; result: ApplyResult | undefined }> {
    const { kernel } = this.#options
    const { wanted, state, changes } = await this.#compare(now)
    await wanted.commit()
    const drifted = changes.length > 0 && this.#last !== undefined && isDeepStrictEqual(this.#last, state)
    const reported = drifted && wanted.drift === 'report'
    if (drifted) {
      const what = reported ? 'only reported' : 'repairing'
      const text = `somebody else changed what is ours (${what}):\n${changes.toString()}`
      this.#tell(now, 'warning', 'drift', [text])
      if (!reported) this.#told = new Set()
    }
    if (changes.length === 0 || reported) {
      if (changes.length === 0) await this.#keep(serviceKeys(state))
      this.#last = state
      return { wanted, changes, result: undefined }
    }
    // First the record, then the change: what a crash leaves behind is known to be ours.
    const keys = serviceKeys(state)
    await this.#keep([...new Set([...this.#owned, ...keys])])
    const result = await applyChanges(changes, { ...kernel, signal: this.#abort.signal })
    if (result.failures.length === 0) {
      await this.#keep(keys)
      this.#last = state
    }
    return { wanted, changes, result }
  }

  async #keep(keys: readonly string[]): Promise<void> {
    if (keys.length === this.#owned.size && keys.every((key) => this.#owned.has(key))) return
    await this.#options.keepOwned(keys)
    this.#owned = new Set(keys)
  }

  /** Tells what was not told in the round before. */
  #tell(at: number, level: 'warning' | 'error', kind: EventKind, texts: readonly string[]): void {
    for (const text of texts) if (!this.#told.has(text)) this.#options.events.add(at, level, kind, text)
    this.#told = new Set(texts)
  }

  #report(round: Round, failed: boolean): void {
    const { at, result, changes, error } = round
    const { events } = this.#options
    if (error !== undefined) {
      // Stopping ends the round that runs.
      if (!this.#stopped) this.#tell(at, 'error', 'kernel-error', failuresOf(round))
      return
    }
    if (this.#failures > 0 && !failed) events.add(at, 'info', 'kernel-recovered', 'all changes are applied')
    if (changes?.length === 0) this.#told = new Set()
    if (result === undefined || changes === undefined) return
    if (result.applied > 0) {
      const failedIndexes = new Set(result.failures.map(({ index }) => index))
      const lines = [...changes.lines()].filter((_, index) => !failedIndexes.has(index))
      events.add(at, 'info', 'applied', lines.join('\n'))
    }
    this.#tell(at, 'error', 'apply-failed', failuresOf(round))
  }
}
