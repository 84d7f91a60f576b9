// Schedules the probes of one worker thread. It never has two probes of one target in flight, stays below a cap of all,
// and takes no verdict while it was late itself.
import { Counters, type KindCounts } from './counters.ts'
import { Heap } from './heap.ts'
import { Lag } from './lag.ts'
import { mergeAgentLines } from './probes/agent-line.ts'
import { errorWords } from './probes/errors.ts'
import type { Probe, ProbeResult, Verdict } from './probes/probe.ts'
import type { Target, TargetReport } from './targets.ts'
import { type TargetState, afterVerdict, nextDelay, unknownTarget } from './verdicts.ts'

/** Targets that come together begin this far apart, within one interval. */
const startGapMs = 5
/** Share of a delay by which probes wander, so that they never run in step. */
const jitter = 0.1
/** Probes due within this time run together. */
const granularityMs = 5
/** A command is a process: it counts as this many probes. */
const commandSlots = 8

export interface ProberOptions {
  /** Makes its sockets itself. */
  readonly probe: Probe
  /** How many probes may be in flight. */
  readonly cap: number
  /** 0 to below 1. */
  readonly random?: () => number
}

/** What happened since the last {@link Prober.take}. */
export interface ProberBatch {
  readonly reports: readonly TargetReport[]
  readonly kinds: Readonly<Record<string, KindCounts>>
  /** Turns left out because the probe before was late or the cap was reached. */
  readonly skipped: number
  /** Results that were not taken because this thread was late. */
  readonly late: number
  /** The longest delay of the event loop, in milliseconds. */
  readonly lagMs: number
  readonly targets: number
  readonly inFlight: number
  readonly waiting: number
}

interface Entry {
  readonly spec: Target
  readonly slots: number
  state: TargetState
  last: TargetReport | undefined
  agent: TargetReport['agent']
  /** When it should run next, on the clock of `performance.now()`. */
  due: number
  firstTurn: boolean
  running: AbortController | undefined
  removed: boolean
}

interface Turn {
  readonly at: number
  readonly entry: Entry
}

export class Prober {
  readonly #options: ProberOptions
  readonly #random: () => number
  readonly #entries = new Map<string, Entry>()
  readonly #turns = new Heap<Turn>()
  readonly #lag = new Lag()
  readonly #counters = new Counters()
  readonly #changed = new Set<Entry>()
  readonly #running = new Set<Promise<void>>()
  #waiting: Entry[] = []
  #slots = 0
  #skipped = 0
  #late = 0
  #timer: NodeJS.Timeout | undefined
  #timerAt = Infinity

  constructor(options: ProberOptions) {
    this.#options = options
    this.#random = options.random ?? Math.random
  }

  /** Adds and removes targets. A key that is there already keeps its state. */
  change(add: readonly Target[], remove: readonly string[]): void {
    for (const key of remove) this.#remove(key)
    const now = performance.now()
    const fresh = add.filter(({ key }) => !this.#entries.has(key))
    for (const spec of fresh) {
      const spread = Math.min(spec.check.intervalMs, fresh.length * startGapMs)
      this.#add(spec, now + this.#random() * spread)
    }
    this.#arm()
  }

  /** Whether something has changed since the last {@link take}. */
  get hasReports(): boolean {
    return this.#changed.size > 0
  }

  /** What has changed and what was counted since the last call. */
  take(): ProberBatch {
    const reports: TargetReport[] = []
    for (const { last } of this.#changed) if (last !== undefined) reports.push(last)
    this.#changed.clear()
    const [skipped, late] = [this.#skipped, this.#late]
    this.#skipped = 0
    this.#late = 0
    const flow = { targets: this.#entries.size, inFlight: this.#running.size, waiting: this.#waiting.length }
    return { reports, kinds: this.#counters.take(), skipped, late, lagMs: this.#lag.takeMaximum(), ...flow }
  }

  /** Stops all probes; ends when their sockets are closed. */
  async close(): Promise<void> {
    clearTimeout(this.#timer)
    this.#lag.stop()
    for (const key of this.#entries.keys()) this.#remove(key)
    this.#waiting = []
    await Promise.all(this.#running)
  }

  #add(spec: Target, due: number): void {
    const { known } = spec
    const state = known === undefined ? unknownTarget(Date.now()) : { ...known, against: 0 }
    const slots = Math.min(spec.check.kind === 'command' ? commandSlots : 1, this.#options.cap)
    const agent = known?.agent
    const rest = { last: undefined, firstTurn: true, running: undefined, removed: false }
    const entry: Entry = { spec, slots, state, agent, due, ...rest }
    this.#entries.set(spec.key, entry)
    this.#turns.push({ at: due, entry })
  }

  #remove(key: string): void {
    const entry = this.#entries.get(key)
    if (entry === undefined) return
    this.#entries.delete(key)
    this.#changed.delete(entry)
    entry.removed = true
    entry.running?.abort()
  }

  #arm(): void {
    const next = this.#turns.peek()
    if (next === undefined || next.at >= this.#timerAt) return
    clearTimeout(this.#timer)
    this.#timerAt = next.at
    this.#timer = setTimeout(this.#turn, Math.max(1, next.at - performance.now()))
  }

  readonly #turn = (): void => {
    this.#timerAt = Infinity
    const until = performance.now() + granularityMs
    for (let next = this.#turns.peek(); next !== undefined && next.at <= until; next = this.#turns.peek()) {
      this.#turns.pop()
      if (!next.entry.removed) this.#waiting.push(next.entry)
    }
    this.#pump()
    this.#arm()
  }

  #pump(): void {
    let taken = 0
    for (const entry of this.#waiting) {
      if (!entry.removed && this.#slots + entry.slots > this.#options.cap) break
      taken += 1
      if (!entry.removed) this.#start(entry)
    }
    if (taken > 0) this.#waiting.splice(0, taken)
  }

  #start(entry: Entry): void {
    this.#lag.start()
    const controller = new AbortController()
    entry.running = controller
    this.#slots += entry.slots
    const done = this.#attempt(entry, controller.signal).finally(() => {
      entry.running = undefined
      this.#slots -= entry.slots
      this.#running.delete(done)
      this.#pump()
      if (this.#running.size === 0) this.#lag.stop()
    })
    this.#running.add(done)
  }

  async #attempt(entry: Entry, signal: AbortSignal): Promise<void> {
    const { check, target } = entry.spec
    const startedAt = performance.now()
    const lagBefore = this.#lag.total(startedAt)
    const result = await safely(this.#options.probe(check, target, undefined, signal))
    if (entry.removed) return
    this.#judge(entry, result, result.verdict === 'failure' && this.#disturbed(result, lagBefore, startedAt))
    this.#schedule(entry)
  }

  /** A refusal counts however late it is read. */
  #disturbed(result: ProbeResult, lagBefore: number, startedAt: number): boolean {
    return !result.answered && this.#lag.disturbed(lagBefore, startedAt)
  }

  #judge(entry: Entry, result: ProbeResult, late: boolean): void {
    const { check, key } = entry.spec
    const verdict: Verdict = late ? 'void' : result.verdict
    const words = late ? `not counted, the prober was late: ${result.words}` : result.words
    if (late) this.#late += 1
    this.#counters.count(check.kind, { ...result, verdict })
    const at = Date.now()
    entry.state = afterVerdict(entry.state, verdict, words, check, at)
    if (result.agent !== undefined && verdict !== 'void') entry.agent = mergeAgentLines(entry.agent, result.agent)
    const { state, since, reason } = entry.state
    const certificateEnds = result.certificateEnds ?? entry.last?.certificateEnds
    const report = { key, state, since, reason, verdict, words, at, certificateEnds, agent: entry.agent }
    if (entry.last === undefined || entry.spec.everyResult || differ(entry.last, report)) this.#changed.add(entry)
    entry.last = report
  }

  #schedule(entry: Entry): void {
    const delay = nextDelay(entry.state, entry.spec.check)
    const now = performance.now()
    // The second turn falls anywhere within the delay: targets that began together drift apart at once.
    const wander = entry.firstTurn ? this.#random() : 1 + (this.#random() - 0.5) * jitter
    entry.firstTurn = false
    entry.due += delay * wander
    if (entry.due < now) {
      this.#skipped += Math.floor((now - entry.due) / delay)
      entry.due = now + this.#random() * delay * jitter
    }
    this.#turns.push({ at: entry.due, entry })
    this.#arm()
  }
}

function differ(one: TargetReport, other: TargetReport): boolean {
  return (
    one.state !== other.state ||
    one.verdict !== other.verdict ||
    one.words !== other.words ||
    one.reason !== other.reason ||
    one.certificateEnds !== other.certificateEnds ||
    JSON.stringify(one.agent) !== JSON.stringify(other.agent)
  )
}

/** A probe that rejects all the same is a bug of ours: no verdict. */
async function safely(probe: Promise<ProbeResult>): Promise<ProbeResult> {
  try {
    return await probe
  } catch (error) {
    const words = `the probe itself failed: ${errorWords(error)}`
    const nothing = { certificateEnds: undefined, agent: undefined, transcript: [] }
    return { verdict: 'void', words, answered: false, phases: {}, ...nothing }
  }
}
