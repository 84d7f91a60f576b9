// The daemon: site, health, overrides and kernel come together here. It decides in rounds of the loop.
import { desired, type Desired } from '../desired/desired.ts'
import { explainServer } from '../desired/explain.ts'
import type { Health, ServerId } from '../desired/inputs.ts'
import { marksOf } from '../desired/marks.ts'
import type { CurrentState } from 'ipvs/state'
import { adoptedServers, provenServers } from './adopt.ts'
import { tellAlarms, tellHealth, tellLoaded } from './announce.ts'
import { servicesStatus } from './describe.ts'
import type { Events } from './events.ts'
import type { HealthSource } from './health-source.ts'
import { foreignMarks, type OpenKernel } from './kernel.ts'
import { Loop, failuresOf, type Round, type Wanted } from './loop.ts'
import { EventCounts, metricsText } from './metrics.ts'
import { notify, watchdogInterval, type Notification } from './notify.ts'
import { addOrder, endOrder, targetsOf } from './orders.ts'
import { remainingOf } from './remaining.ts'
import { ControlError } from './control-error.ts'
import type { Controls } from './server.ts'
import { SiteRefused, type LoadedSite, type SiteFile } from './site-file.ts'
import type { OrderAnswer, OverrideRequest, ReloadAnswer, Status } from './status.ts'
import type { Store } from './store.ts'
import { trafficOf } from './traffic.ts'

export interface DirectorOptions {
  readonly version: string
  readonly kernel: OpenKernel
  readonly events: Events
  readonly store: Store
  readonly siteFile: SiteFile
  readonly loaded: LoadedSite
  /** Makes the source of health; `changed` is called after each change. */
  readonly health: (changed: () => void) => HealthSource
}

/** Longest time for the first result of every check. */
const SETTLE_MS = 60_000

export class Director implements Controls {
  readonly events: Events
  readonly #options: DirectorOptions
  readonly #health: HealthSource
  readonly #loop: Loop
  readonly #startedAt = Date.now()
  #loaded: LoadedSite
  #loadedAt = Date.now()
  #refused: readonly string[]
  /** Of the round that runs. */
  #decided: Desired | undefined
  /** Of the last round that ended. */
  #desired: Desired | undefined
  #adopted: ReadonlySet<ServerId> | undefined
  #foreign: ReadonlySet<number> | undefined
  #known: Health = new Map()
  #alarms: readonly string[] = []
  /** False for a single round: changes of health do not start one. */
  #following = false
  #ready = false
  #kept: string | undefined
  #unsent: string | undefined
  #watchdog: NodeJS.Timeout | undefined
  #reloading: Promise<unknown> = Promise.resolve()
  readonly #counts = new EventCounts()

  constructor(options: DirectorOptions) {
    this.#options = options
    this.events = options.events
    this.events.listen((event) => this.#counts.count(event))
    this.#loaded = options.loaded
    this.#refused = options.loaded.refused
    this.#loop = new Loop({
      kernel: options.kernel,
      events: options.events,
      owned: options.store.kept.owned,
      keepOwned: (owned) => options.store.update(() => ({ owned })),
      decide: (current, now) => this.#decide(current, now),
      onRound: (round) => this.#afterRound(round),
    })
    this.#health = options.health(() => this.#healthChanged())
  }

  /** Begins to check, without applying anything. True: every check has had a result; false: some had none in time. */
  async settle(limitMs: number = SETTLE_MS): Promise<boolean> {
    this.#health.use(this.#loaded.site)
    const end = Date.now() + limitMs
    while (!this.#health.settled && Date.now() < end) await new Promise((resolve) => setTimeout(resolve, 50))
    return this.#health.settled
  }

  /** One round, with all servers as they are known now. */
  round(): Promise<Round> {
    return this.#loop.wake()
  }

  /** Applies the site for the first time, and goes on until `stop`. Resolves after the first round. */
  async start(): Promise<Round> {
    const { siteFile } = this.#options
    this.#following = true
    this.events.add(Date.now(), 'info', 'started', `site ${siteFile.file}`)
    tellLoaded(this.events, this.#loaded)
    this.#health.use(this.#loaded.site)
    siteFile.watch(
      () => this.requestReload(),
      (problem) => this.events.add(Date.now(), 'warning', 'file-error', problem),
    )
    const interval = watchdogInterval()
    if (interval !== undefined) this.#watchdog = setInterval(() => this.#feedWatchdog(interval), interval)
    return this.#loop.wake()
  }

  /** Stops deciding and probing. The kernel's table stays as it is. */
  async stop(): Promise<void> {
    this.#notify('STOPPING=1')
    clearInterval(this.#watchdog)
    this.#options.siteFile.close()
    await this.#loop.stop()
    await this.#health.close()
    this.events.add(Date.now(), 'info', 'stopped', 'the table stays as it is')
  }

  status(): Status {
    const { version, siteFile, store } = this.#options
    const { lastRound } = this.#loop
    const facts = { health: this.#health.health, overrides: store.kept.overrides, now: Date.now() }
    return {
      version,
      startedAt: this.#startedAt,
      site: { file: siteFile.file, loadedAt: this.#loadedAt, refused: this.#refused },
      ready: this.#ready,
      lastRound:
        lastRound === undefined
          ? undefined
          : {
              at: lastRound.at,
              changes: lastRound.changes?.length ?? 0,
              failures: failuresOf(lastRound),
            },
      services: this.#desired === undefined ? [] : servicesStatus(this.#desired, facts),
      alarms: this.#alarms,
    }
  }

  /** Reads the kernel's counters. They are left out if it cannot be read. */
  async metrics(): Promise<string> {
    const snapshot = await this.#options.kernel.ipvs.snapshot().catch(() => undefined)
    const { services = [], marks = new Map<string, number>() } = this.#desired ?? {}
    const traffic = snapshot === undefined ? undefined : trafficOf(services, marks, snapshot)
    return metricsText({ status: this.status(), traffic, events: this.#counts.all })
  }

  async plan(): Promise<readonly string[]> {
    const { changes } = await this.#loop.plan()
    return [...changes.lines()]
  }

  /** One at a time: a later request sees the newer file. */
  reload(): Promise<ReloadAnswer> {
    const done = this.#reloading.then(() => this.#reload())
    this.#reloading = done.catch(() => {})
    return done
  }

  /** The same for signals and changed files: nobody waits for the answer, so an error is told. */
  requestReload(): void {
    this.reload().catch((error: Error) => {
      this.events.add(Date.now(), 'error', 'site-refused', `the site cannot be read again: ${error.message}`)
    })
  }

  async #reload(): Promise<ReloadAnswer> {
    if (this.#ready) this.#notify('RELOADING=1')
    try {
      const loaded = await this.#options.siteFile.read()
      if (loaded.text === this.#loaded.text && this.#refused.length === 0) return { problems: [], failures: [] }
      this.#loaded = loaded
      this.#loadedAt = Date.now()
      this.#refused = []
      this.#foreign = undefined
      tellLoaded(this.events, loaded)
      this.#health.use(loaded.site)
      return { problems: [], failures: failuresOf(await this.#loop.wake()) }
    } catch (error) {
      if (!(error instanceof SiteRefused)) throw error
      this.#refused = error.problems
      this.events.add(Date.now(), 'error', 'site-refused', `the last good site stays in use:\n${error.message}`)
      return { problems: error.problems, failures: [] }
    } finally {
      if (this.#ready) this.#notify('READY=1')
    }
  }

  async override(request: OverrideRequest): Promise<OrderAnswer> {
    const told = await addOrder(this.#options.store, this.events, this.#loaded.site, request)
    return { told, failures: failuresOf(await this.#loop.wake()) }
  }

  async endOverride(target: string, who: string): Promise<OrderAnswer> {
    const told = await endOrder(this.#options.store, this.events, target, who)
    this.#health.restartSlowStart(targetsOf(this.#loaded.site, target))
    return { told, failures: failuresOf(await this.#loop.wake()) }
  }

  explain(service: string, server: string): readonly string[] {
    const found = this.#desired?.services.find((each) => each.service.name === service)
    const { overrides } = this.#options.store.kept
    const lines = found === undefined ? undefined : explainServer(found, server, overrides, Date.now())
    if (lines === undefined) throw new ControlError(404, `the site has no server ${service}/${server}`)
    return lines
  }

  async #decide(current: CurrentState, now: number): Promise<Wanted> {
    const { kernel, store } = this.#options
    const { site } = this.#loaded
    const { overrides, memory } = store.kept
    this.#foreign ??= await foreignMarks(kernel.marks)
    const marks = marksOf(site, memory, this.#foreign)
    this.#adopted ??= adoptedServers(site, marks, current)
    const { health } = this.#health
    const remaining = await remainingOf({ site, marks, overrides, ipvs: kernel.ipvs, now })
    const input = {
      site,
      health,
      overrides,
      memory,
      remaining,
      adopted: this.#adopted,
      foreignMarks: this.#foreign,
      now,
    }
    const decided = desired(input)
    const commit = async (): Promise<void> => {
      if (JSON.stringify(decided.memory) !== JSON.stringify(memory))
        await store.update(() => ({ memory: decided.memory }))
      this.#decided = decided
    }
    return { state: decided.state, drift: site.drift, wakeAt: decided.wakeAt, commit }
  }

  #afterRound(round: Round): void {
    if (this.#decided !== undefined) {
      tellAlarms(this.events, this.#alarms, this.#decided.alarms)
      this.#alarms = this.#decided.alarms
      this.#desired = this.#decided
    }
    if (failuresOf(round).length > 0) return
    // A server whose health becomes unknown again, because a prober ended, stays where it is.
    if (this.#desired !== undefined) this.#adopted = provenServers(this.#desired)
    void this.#keepSite()
    if (this.#ready || !this.#health.settled) return
    this.#ready = true
    this.#notify('READY=1', `STATUS=${this.#loaded.site.services.length} services`)
  }

  /** A site that was applied is a good one. */
  async #keepSite(): Promise<void> {
    const loaded = this.#loaded
    if (this.#kept === loaded.text) return
    try {
      await this.#options.siteFile.keep(loaded)
      this.#kept = loaded.text
    } catch (error) {
      const text = `the copy of the site cannot be written: ${(error as Error).message}`
      this.events.add(Date.now(), 'error', 'file-error', text)
    }
  }

  #healthChanged(): void {
    const { health } = this.#health
    tellHealth(this.events, this.#known, health)
    this.#known = new Map(health)
    if (this.#following) void this.#loop.wake().catch(() => {}) // the loop has ended
  }

  /** A message that systemd does not get is told once. */
  #notify(...notifications: readonly Notification[]): void {
    const problem = notify(...notifications)
    if (problem !== undefined && problem !== this.#unsent) {
      this.events.add(Date.now(), 'warning', 'notify', `systemd was not told: ${problem}`)
    }
    this.#unsent = problem
  }

  #feedWatchdog(interval: number): void {
    const last = this.#loop.lastRound
    if (last !== undefined && Date.now() - last.at < Math.max(2 * interval, 15_000)) this.#notify('WATCHDOG=1')
  }
}
