// One scenario with one fault: what was promised, what the kernel holds, how long it took, what it left behind.
import { setTimeout as sleep } from 'node:timers/promises'
import { FirewallMarks, Ipvs } from 'ipvs'
import type { Control, Counts, Fault } from './control.ts'
import { TIMEOUT_MS, outcomeOf, type Clean, type Ended, type Handles, type Scenario } from './scenario.ts'
import { resources, sameLines, type Lines, type Resources, type World } from './world.ts'

/** What a read-back may take beyond `timeoutMs`, as documented. */
const READ_BACK_MS = 1000
/** What a machine may need besides, or an emulator, which is 10 to 20 times slower. */
const SLACK_MS = Number(process.env['FAULTS_SLACK_MS'] ?? 2500)
const HANG_MS = 30_000

export type Trouble = 'lie' | 'hang' | 'leak' | 'unhandled' | 'unusable'

export interface Attempt {
  readonly outcome: string
  readonly injected: number
  /** Of the slowest promise, beyond what is documented; negative: it was faster. */
  readonly overtimeMs: number
  readonly troubles: readonly { readonly trouble: Trouble; readonly text: string }[]
}

export class Hang extends Error {}

const unhandled: unknown[] = []
process.on('unhandledRejection', (reason) => unhandled.push(reason))

class Clock {
  overtimeMs = -Infinity

  async time<Value>(calls: number, promise: Promise<Value>): Promise<Value> {
    const start = performance.now()
    const stop = new AbortController()
    const hang = sleep(HANG_MS, undefined, { signal: stop.signal }).then(() => {
      throw new Hang(`not settled within ${HANG_MS} ms`)
    })
    hang.catch(() => {})
    try {
      return await Promise.race([promise, hang])
    } finally {
      stop.abort()
      const bound = calls * TIMEOUT_MS + READ_BACK_MS
      this.overtimeMs = Math.max(this.overtimeMs, performance.now() - start - bound)
    }
  }
}

const PATIENT_MS = 60_000

const openers = {
  ipvs: (netns: string, timeoutMs: number) => Ipvs.open({ netns, timeoutMs }),
  marks: (netns: string, timeoutMs: number) => FirewallMarks.open({ netns, timeoutMs }),
}

async function ended(promise: Promise<unknown>): Promise<Ended> {
  try {
    return { value: await promise }
  } catch (error) {
    if (error instanceof Hang) throw error
    return { error }
  }
}

interface Trial {
  readonly ended: Ended
  readonly counts: Counts
  readonly injected: number
  readonly clock: Clock
  readonly handles: Partial<Handles>
}

async function tryOnce(world: World, control: Control, scenario: Scenario, fault?: Fault): Promise<Trial> {
  const clock = new Clock()
  const timeoutMs = fault === undefined ? PATIENT_MS : TIMEOUT_MS
  const handles: Partial<Record<keyof Handles, Ipvs | FirewallMarks>> = {}
  control.arm(fault)
  try {
    const end = await ended(
      (async () => {
        for (const name of scenario.handles)
          handles[name] = await clock.time<Ipvs | FirewallMarks>(1, openers[name](world.path, timeoutMs))
        return clock.time(
          scenario.calls,
          scenario.run(handles as unknown as Handles, () => control.injected() > 0),
        )
      })(),
    )
    return { ended: end, ...control.disarm(), clock, handles: handles as Partial<Handles> }
  } finally {
    control.disarm()
  }
}

// Once the fault is over, the same handles work.
async function usable({ ipvs, marks }: Partial<Handles>): Promise<string | undefined> {
  try {
    await ipvs?.info()
    await marks?.list()
    return undefined
  } catch (error) {
    return `the handle does not work after the fault: ${String(error)}`
  }
}

async function closeAll({ ipvs, marks }: Partial<Handles>, clock: Clock): Promise<void> {
  if (ipvs !== undefined) await clock.time(0, ipvs.close())
  if (marks !== undefined) await clock.time(0, marks.close())
}

const leftText = (now: Resources, before: Resources) =>
  `${now.descriptors - before.descriptors} descriptors and ${now.threads - before.threads} threads more than before`

export class Attempts {
  readonly #world: World
  readonly #control: Control
  readonly #scenario: Scenario
  readonly #clean: Clean
  readonly counts: Counts
  #now: Lines

  private constructor(world: World, control: Control, scenario: Scenario, clean: Clean, counts: Counts) {
    this.#world = world
    this.#control = control
    this.#scenario = scenario
    this.#clean = clean
    this.counts = counts
    this.#now = clean.after
  }

  /** Runs a scenario without a fault, which says what to expect. */
  static async start(world: World, control: Control, scenario: Scenario): Promise<Attempts> {
    await world.clear()
    await scenario.prepare(world)
    const before = await world.look()
    const { ended: end, counts, handles, clock } = await tryOnce(world, control, scenario)
    if ('error' in end) throw end.error
    await closeAll(handles, clock)
    const clean = { before, after: await world.look(), value: end.value }
    const untrue = scenario.judge(end, clean.after, clean)
    if (untrue !== undefined) throw new Error(`${scenario.name}, without a fault: ${untrue}`)
    return new Attempts(world, control, scenario, clean, counts)
  }

  async run(fault: Fault): Promise<Attempt> {
    await this.#prepare()
    const before = resources()
    const trial = await tryOnce(this.#world, this.#control, this.#scenario, fault)
    const troubles: { trouble: Trouble; text: string }[] = []
    const add = (trouble: Trouble, text: string | undefined) => text !== undefined && troubles.push({ trouble, text })
    const now = (this.#now = await this.#world.look())
    add('lie', this.#judge(trial, now))
    add('unusable', await usable(trial.handles))
    await closeAll(trial.handles, trial.clock)
    const left = await this.#world.left(before)
    const leaked = left.descriptors > before.descriptors || left.threads > before.threads
    add('leak', leaked ? leftText(left, before) : undefined)
    const { overtimeMs } = trial.clock
    add('hang', overtimeMs > SLACK_MS ? `${Math.round(overtimeMs)} ms more than documented` : undefined)
    for (const reason of unhandled.splice(0)) add('unhandled', String(reason))
    return { outcome: outcomeOf(trial.ended), injected: trial.injected, overtimeMs, troubles }
  }

  #judge({ ended: end, handles }: Trial, now: ReadonlySet<string>): string | undefined {
    const opened = this.#scenario.handles.every((name) => handles[name] !== undefined)
    if (opened) return this.#scenario.judge(end, now, this.#clean)
    if (outcomeOf(end) !== 'not-applied') return `opening ended with ${outcomeOf(end)}`
    return sameLines(now, this.#clean.before) ? undefined : 'opening failed, but the table is another one'
  }

  async #prepare(): Promise<void> {
    if (sameLines(this.#now, this.#clean.before)) return
    if (this.#scenario.overwrites === true && (await this.#isPrepared())) return
    await this.#world.clear()
    if (!(await this.#isPrepared())) throw new Error('preparing again gave another table')
  }

  async #isPrepared(): Promise<boolean> {
    await this.#scenario.prepare(this.#world)
    return sameLines(await this.#world.look(), this.#clean.before)
  }
}
