// The main thread's side of the worker threads that probe: sends targets as differences, gathers reports, sees to it that
// each worker lives.
import { Worker } from 'node:worker_threads'
import type { Check } from '../site/site.ts'
import type { FromWorker, ToWorker } from './messages.ts'
import type { ProbeResult, ProbeTarget } from './probes/probe.ts'
import type { ProberBatch } from './prober.ts'
import type { Target, TargetReport } from './targets.ts'

export interface WorkersOptions {
  /** Default 1. */
  readonly count?: number
  /** The worker's module. Default: worker.js beside this file. */
  readonly url?: URL
  /** Reports and counts of one worker, when something changes, at most four times a second, else once a second. */
  readonly onBatch: (batch: ProberBatch) => void
  /** A worker fell silent, speaks again, died or was started again: nothing for the table, much for the log. */
  readonly onEvent?: (event: WorkerEvent) => void
}

export interface WorkerEvent {
  readonly type: 'silent' | 'speaking' | 'died'
  /** 0 for the first. */
  readonly worker: number
  readonly words: string
}

/** Silent: no message for this time. */
const silentMs = 2000
const lookMs = 500
const firstRestartMs = 100
const longestRestartMs = 5000
/** A worker that lived this long is started again at once. */
const steadyMs = 30_000

interface Slot {
  readonly index: number
  readonly targets: Map<string, Target>
  worker: Worker | undefined
  startedAt: number
  heardAt: number
  silent: boolean
  restartMs: number
  restart: NodeJS.Timeout | undefined
}

interface Waiting {
  readonly slot: Slot
  readonly resolve: (result: ProbeResult) => void
}

/** The threads that probe. Close it before the process ends. */
export class Workers {
  readonly #options: WorkersOptions
  readonly #slots: Slot[]
  readonly #reports = new Map<string, TargetReport>()
  readonly #waiting = new Map<number, Waiting>()
  readonly #look: NodeJS.Timeout
  #nextId = 0
  #closed = false

  constructor(options: WorkersOptions) {
    this.#options = options
    this.#slots = Array.from({ length: options.count ?? 1 }, (_, index) => newSlot(index))
    for (const slot of this.#slots) this.#start(slot)
    this.#look = setInterval(this.#lookForSilence, lookMs).unref()
  }

  /** The last report of each target. A worker that is silent or dead leaves them as they are. */
  get reports(): ReadonlyMap<string, TargetReport> {
    return this.#reports
  }

  /** Whether every worker has been heard of within two seconds. While one has not, its reports are old news. */
  get speaking(): boolean {
    return this.#slots.every((slot) => !slot.silent && slot.worker !== undefined)
  }

  /** Makes `targets` the targets that are probed; sends the difference only. A target with the same key goes on undisturbed. */
  setTargets(targets: Iterable<Target>): void {
    const wanted = new Map([...targets].map((target) => [target.key, target]))
    for (const slot of this.#slots) {
      const remove = [...slot.targets.keys()].filter((key) => !wanted.has(key))
      for (const key of remove) {
        slot.targets.delete(key)
        this.#reports.delete(key)
      }
      const add = [...wanted.values()].filter(
        (target) => this.#slotOf(target) === slot && !slot.targets.has(target.key),
      )
      for (const target of add) slot.targets.set(target.key, target)
      if (add.length > 0 || remove.length > 0) send(slot, { type: 'targets', add, remove })
    }
  }

  /** Probes once, now, with a transcript. When the worker dies meanwhile, the result is void. */
  async probe(check: Check, target: ProbeTarget): Promise<ProbeResult> {
    const slot = this.#slots.find(({ worker }) => worker !== undefined)
    if (slot === undefined) return nothingKnown('no worker runs at the moment')
    const id = this.#nextId++
    return await new Promise((resolve) => {
      this.#waiting.set(id, { slot, resolve })
      send(slot, { type: 'once', id, check, target })
    })
  }

  /** Ends the workers. They close their sockets first; one that does not within two seconds is terminated. */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    clearInterval(this.#look)
    await Promise.all(this.#slots.map(async (slot) => await endWorker(slot)))
    for (const { resolve } of this.#waiting.values()) resolve(nothingKnown('stopped'))
    this.#waiting.clear()
  }

  /** By host, so that all probes of one host come from one worker. */
  #slotOf({ target }: Target): Slot | undefined {
    let hash = 0
    for (const character of target.address) hash = (hash * 31 + (character.codePointAt(0) ?? 0)) >>> 0
    return this.#slots[hash % this.#slots.length]
  }

  #start(slot: Slot): void {
    const worker = new Worker(this.#options.url ?? new URL('./worker.js', import.meta.url))
    slot.worker = worker
    slot.startedAt = performance.now()
    slot.heardAt = slot.startedAt
    let words = 'ended'
    worker.on('message', (message: FromWorker) => this.#hear(slot, message))
    worker.on('error', (error: Error) => (words = error.message))
    worker.on('exit', (status) => this.#died(slot, worker, `${words} (exit status ${String(status)})`))
    const add = [...slot.targets.values()].map((target) => this.#withKnown(target))
    if (add.length > 0) send(slot, { type: 'targets', add, remove: [] })
  }

  /** What the worker before found out goes to the new one. */
  #withKnown(target: Target): Target {
    const report = this.#reports.get(target.key)
    if (report === undefined) return target
    const { state, since, reason, agent } = report
    return { ...target, known: { state, since, reason, agent } }
  }

  #hear(slot: Slot, message: FromWorker): void {
    slot.heardAt = performance.now()
    if (slot.silent) {
      slot.silent = false
      this.#tell('speaking', slot, 'the worker speaks again')
    }
    if (message.type === 'once') {
      this.#waiting.get(message.id)?.resolve(message.result)
      this.#waiting.delete(message.id)
    } else if (message.type === 'batch' && !this.#closed) {
      this.#take(slot, message.batch)
    }
  }

  #take(slot: Slot, batch: ProberBatch): void {
    // A target that was removed while its report was on the way is not reported.
    const reports = batch.reports.filter(({ key }) => slot.targets.has(key))
    for (const report of reports) this.#reports.set(report.key, report)
    this.#options.onBatch({ ...batch, reports })
  }

  #died(slot: Slot, worker: Worker, words: string): void {
    if (slot.worker !== worker) return
    slot.worker = undefined
    for (const [id, { slot: waiting, resolve }] of this.#waiting) {
      if (waiting !== slot) continue
      this.#waiting.delete(id)
      resolve(nothingKnown(`the worker died: ${words}`))
    }
    if (this.#closed) return
    const steady = performance.now() - slot.startedAt > steadyMs
    slot.restartMs = steady ? firstRestartMs : Math.min(longestRestartMs, slot.restartMs * 2)
    this.#tell('died', slot, words)
    slot.restart = setTimeout(() => this.#start(slot), slot.restartMs)
  }

  /** A main thread that was late itself has not heard what lies in the queue: the messages come before the next look. */
  readonly #lookForSilence = (): void => {
    const now = performance.now()
    for (const slot of this.#slots) {
      if (slot.silent || slot.worker === undefined || now - slot.heardAt < silentMs) continue
      setImmediate(() => {
        if (slot.silent || performance.now() - slot.heardAt < silentMs) return
        slot.silent = true
        this.#tell('silent', slot, `the worker said nothing for ${String(silentMs)} ms: its states stay as they are`)
      })
    }
  }

  #tell(type: WorkerEvent['type'], slot: Slot, words: string): void {
    this.#options.onEvent?.({ type, worker: slot.index, words })
  }
}

function newSlot(index: number): Slot {
  const times = { startedAt: 0, heardAt: 0, restartMs: firstRestartMs / 2 }
  return { index, targets: new Map(), worker: undefined, silent: false, restart: undefined, ...times }
}

function send(slot: Slot, message: ToWorker): void {
  slot.worker?.postMessage(message)
}

async function endWorker(slot: Slot): Promise<void> {
  clearTimeout(slot.restart)
  const { worker } = slot
  if (worker === undefined) return
  const ended = new Promise((resolve) => worker.once('exit', resolve))
  send(slot, { type: 'stop' })
  const late = setTimeout(() => void worker.terminate(), silentMs)
  await ended
  clearTimeout(late)
}

function nothingKnown(words: string): ProbeResult {
  const rest = { answered: false, phases: {}, certificateEnds: undefined, agent: undefined, transcript: [`* ${words}`] }
  return { verdict: 'void', words, ...rest }
}
