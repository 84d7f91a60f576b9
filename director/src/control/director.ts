// The daemon: site, health, overrides and kernel come together here. It decides in rounds of the loop.
import { drainRefusal } from '../desired/candidate.ts'
import { desired, type Desired } from '../desired/desired.ts'
import { explainServer } from '../desired/explain.ts'
import type { Health, Override, ServerId } from '../desired/inputs.ts'
import { marksOf } from '../desired/marks.ts'
import { holds, serverId, withOverride, withoutOverride } from '../desired/overrides.ts'
import type { CurrentState } from 'ipvs/state'
import { adoptedServers, provenServers } from './adopt.ts'
import { tellAlarms, tellHealth, tellLoaded } from './announce.ts'
import { servicesStatus } from './describe.ts'
import type { Events } from './events.ts'
import type { HealthSource } from './health-source.ts'
import { foreignMarks, type OpenKernel } from './kernel.ts'
import { Loop, type Round, type Wanted } from './loop.ts'
import { notify, watchdogInterval } from './notify.ts'
import { remainingOf } from './remaining.ts'
import { ControlError, type Controls } from './server.ts'
import { SiteRefused, type LoadedSite, type SiteFile } from './site-file.ts'
import type { OverrideRequest, Status } from './status.ts'
import type { Store } from './store.ts'

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

export class Director implements Controls {
  readonly events: Events
  readonly #options: DirectorOptions
  readonly #health: HealthSource
  readonly #loop: Loop
  readonly #startedAt = Date.now()
  #loaded: LoadedSite
  #loadedAt = Date.now()
  #refused: readonly string[]
  #desired: Desired | undefined
  #adopted: ReadonlySet<ServerId> | undefined
  #foreign: ReadonlySet<number> | undefined
  #known: Health = new Map()
  #alarms: readonly string[] = []
  /** False for a single round: changes of health do not start one. */
  #following = false
  #ready = false
  #kept: string | undefined
  #watchdog: NodeJS.Timeout | undefined
  #reloading: Promise<unknown> = Promise.resolve()

  constructor(options: DirectorOptions) {
    this.#options = options
    this.events = options.events
    this.#loaded = options.loaded
    this.#refused = options.loaded.refused
    this.#loop = new Loop({
      kernel: options.kernel,
      events: options.events,
      owned: options.store.kept.owned,
      keepOwned: (owned) => options.store.update({ owned }),
      decide: (current, now) => this.#decide(current, now),
      onRound: (round) => this.#afterRound(round),
    })
    this.#health = options.health(() => this.#healthChanged())
  }

  /** Begins to check, without applying anything. Resolves when every server has a verdict. */
  async settle(): Promise<void> {
    this.#health.use(this.#loaded.site)
    while (!this.#health.settled) await new Promise((resolve) => setTimeout(resolve, 50))
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
    siteFile.watch(() => void this.reload())
    const interval = watchdogInterval()
    if (interval !== undefined) this.#watchdog = setInterval(() => this.#feedWatchdog(interval), interval)
    return this.#loop.wake()
  }

  /** Stops deciding and probing. The kernel's table stays as it is. */
  async stop(): Promise<void> {
    notify('STOPPING=1')
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
    const failures = lastRound?.result?.failures.map(({ message }) => message) ?? []
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
              failures: lastRound.error === undefined ? failures : [lastRound.error.message],
            },
      services: this.#desired === undefined ? [] : servicesStatus(this.#desired, facts),
      alarms: this.#alarms,
    }
  }

  async plan(): Promise<readonly string[]> {
    const { changes } = await this.#loop.plan()
    return [...changes.lines()]
  }

  /** One at a time: a later request sees the newer file. */
  reload(): Promise<readonly string[]> {
    const done = this.#reloading.then(() => this.#reload())
    this.#reloading = done.catch(() => {})
    return done
  }

  async #reload(): Promise<readonly string[]> {
    notify('RELOADING=1')
    try {
      const loaded = await this.#options.siteFile.read()
      if (loaded.text === this.#loaded.text && this.#refused.length === 0) return []
      this.#loaded = loaded
      this.#loadedAt = Date.now()
      this.#refused = []
      this.#foreign = undefined
      tellLoaded(this.events, loaded)
      this.#health.use(loaded.site)
      await this.#loop.wake()
      return []
    } catch (error) {
      if (!(error instanceof SiteRefused)) throw error
      this.#refused = error.problems
      this.events.add(Date.now(), 'error', 'site-refused', `the last good site stays in use:\n${error.message}`)
      return error.problems
    } finally {
      notify('READY=1')
    }
  }

  async override(request: OverrideRequest): Promise<readonly string[]> {
    const { kind, target, who, why, until, stickiness, waitMs, afterwards } = request
    this.#checkTarget(target)
    if (kind === 'drain') this.#checkDrain(target, stickiness)
    const since = Date.now()
    const drain = {
      ...(stickiness === undefined ? {} : { stickiness }),
      ...(waitMs === undefined ? {} : { waitMs }),
      // oxlint-disable-next-line unicorn/no-thenable -- a text, as in the site file
      ...(afterwards === undefined ? {} : { then: afterwards }),
    }
    const added: Override = { kind, target, who, why, since, until, ...(kind === 'drain' ? { drain } : {}) }
    const { store } = this.#options
    await store.update({ overrides: withOverride(store.kept.overrides, added) })
    const told = `${target}: ${kind} by ${who}${why === '' ? '' : `: ${why}`}`
    this.events.add(since, 'info', 'override', told, target)
    await this.#loop.wake()
    return [told]
  }

  async endOverride(target: string, who: string): Promise<readonly string[]> {
    const { store } = this.#options
    const now = Date.now()
    const ended = store.kept.overrides.find((each) => each.target === target && holds(each, now))
    if (ended === undefined) throw new ControlError(404, `${target} has no override`)
    await store.update({ overrides: withoutOverride(store.kept.overrides, target, now) })
    const told = `${target}: ${ended.kind} ended by ${who}`
    this.events.add(now, 'info', 'override', told, target)
    this.#health.restartSlowStart(this.#idsOf(target))
    await this.#loop.wake()
    return [told]
  }

  explain(service: string, server: string): readonly string[] {
    const found = this.#desired?.services.find((each) => each.service.name === service)
    const { overrides } = this.#options.store.kept
    const lines = found === undefined ? undefined : explainServer(found, server, overrides, Date.now())
    if (lines === undefined) throw new ControlError(404, `the site has no server ${service}/${server}`)
    return lines
  }

  /** The servers that a target of an override names. */
  #idsOf(target: string): ServerId[] {
    const ids = this.#loaded.site.services.flatMap(({ name, servers }) =>
      servers.map((server) => ({ id: serverId(name, server.name), server: server.name })),
    )
    return ids.filter(({ id, server }) => id === target || server === target).map(({ id }) => id)
  }

  #checkTarget(target: string): void {
    if (this.#idsOf(target).length > 0) return
    const { services } = this.#loaded.site
    const names = [...new Set(services.flatMap(({ servers }) => servers.map(({ name }) => name)))]
    throw new ControlError(404, `the site has no server ${target}; there are ${names.slice(0, 20).join(', ')}`)
  }

  /** Refuses a drain that one of the target's services cannot have. */
  #checkDrain(target: string, stickiness: OverrideRequest['stickiness']): void {
    if (stickiness === 'move')
      throw new ControlError(409, 'stickiness: move is not supported yet; disable moves clients at once')
    const ids = new Set(this.#idsOf(target))
    for (const service of this.#loaded.site.services) {
      const refusal = drainRefusal(service)
      if (refusal === undefined || !service.servers.some(({ name }) => ids.has(serverId(service.name, name)))) continue
      throw new ControlError(409, `${service.name}: ${refusal}`)
    }
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
    if (JSON.stringify(decided.memory) !== JSON.stringify(memory)) await store.update({ memory: decided.memory })
    this.#desired = decided
    tellAlarms(this.events, this.#alarms, decided.alarms)
    this.#alarms = decided.alarms
    return { state: decided.state, drift: site.drift, wakeAt: decided.wakeAt }
  }

  #afterRound({ error, result }: Round): void {
    if (error !== undefined || (result?.failures.length ?? 0) > 0) return
    // A server whose health becomes unknown again, because a prober ended, stays where it is.
    if (this.#desired !== undefined) this.#adopted = provenServers(this.#desired)
    void this.#keepSite()
    if (this.#ready || !this.#health.settled) return
    this.#ready = true
    notify('READY=1', `STATUS=${this.#loaded.site.services.length} services`)
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

  #feedWatchdog(interval: number): void {
    const last = this.#loop.lastRound
    if (last !== undefined && Date.now() - last.at < Math.max(2 * interval, 15_000)) notify('WATCHDOG=1')
  }
}
