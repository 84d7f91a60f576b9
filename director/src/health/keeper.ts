// The health of all servers of a site: subscribes to targets, takes their reports, puts the brake on. It has no clock.
import type { Health, HealthState, ServerHealth, ServerId } from '../desired/inputs.ts'
import type { Check, Site } from '../site/site.ts'
import { type BrakeOutcome, type BrakeState, brakeStep, heldHealth, releasedBrake } from './brake.ts'
import { checkLabel } from './labels.ts'
import { initialHealth, restartSlowStart, serverHealth } from './server-health.ts'
import { type DataPath, type Subscription, type Subscriptions, subscriptionsOf } from './subscriptions.ts'
import type { Target, TargetReport } from './targets.ts'

export type HealthEvent =
  | { readonly type: 'server'; readonly id: ServerId; readonly state: HealthState; readonly reason: string }
  /** Removals are held, or no longer. */
  | { readonly type: 'brake'; readonly on: boolean; readonly alarm: string }

/** One check of a server, for status and metrics. */
export interface CheckView {
  readonly label: string
  readonly check: Check
  readonly report: TargetReport | undefined
}

export interface KeeperOptions {
  /** Gets all targets after each change of the site: {@link Workers.setTargets}. */
  readonly setTargets: (targets: Iterable<Target>) => void
  /** Default: probes with `via: service` have nowhere to go, and no result. */
  readonly dataPath?: DataPath
}

const noSite: Site = { services: [], brake: undefined, drift: 'repair', control: undefined }

export class HealthKeeper {
  readonly #options: KeeperOptions
  readonly #dataPath: DataPath
  readonly #reports = new Map<string, TargetReport>()
  #site = noSite
  #subscriptions: Subscriptions
  #servers = new Map<ServerId, ServerHealth>()
  #brake: BrakeState = releasedBrake
  #alarm = ''
  #controlAnswered: number | undefined
  #health: Health | undefined

  constructor(options: KeeperOptions) {
    this.#options = options
    this.#dataPath = options.dataPath ?? (() => undefined)
    this.#subscriptions = subscriptionsOf(noSite, this.#dataPath)
  }

  /** What `desired()` takes. The same object until something changes. A held server is up, with the reason. */
  get health(): Health {
    this.#health ??= new Map(
      [...this.#servers].map(([id, health]) => [id, this.#held(id) ? heldHealth(health) : health]),
    )
    return this.#health
  }

  /** Whether each target has had a result: the first round of checks is over. */
  get checked(): boolean {
    return this.#subscriptions.targets.size === this.#reports.size
  }

  /** Why removals are held; empty: they are not. */
  get alarm(): string {
    return this.#alarm
  }

  /** The checks of a server; empty when it is not known. */
  checksOf(id: ServerId): CheckView[] {
    const subscription = this.#subscriptions.servers.get(id)
    if (subscription === undefined) return []
    return subscription.rule.checks.map((check, index) => ({
      label: checkLabel(check),
      check,
      report: this.#reportAt(subscription, index),
    }))
  }

  /**
   * Takes a site with all its servers. Servers that were there keep their health, checks that were there their reports.
   * `adopted`: the kernel has them with a weight; it matters for servers that are new here.
   */
  setSite(site: Site, adopted: ReadonlySet<ServerId>, now: number): HealthEvent[] {
    this.#site = site
    this.#subscriptions = subscriptionsOf(site, this.#dataPath)
    this.#health = undefined
    const before = this.#servers
    const { servers, targets } = this.#subscriptions
    this.#servers = new Map(
      [...servers.values()].map(({ id, rule }) => [id, before.get(id) ?? initialHealth(rule, adopted.has(id), now)]),
    )
    for (const key of this.#reports.keys()) if (!targets.has(key)) this.#reports.delete(key)
    this.#options.setTargets(targets.values())
    const gone = [...before.keys()].filter((id) => !servers.has(id))
    return this.#update(servers.keys(), gone, now)
  }

  /** Takes reports of workers, for targets in any order. */
  accept(reports: readonly TargetReport[], now: number): HealthEvent[] {
    const touched = new Set<ServerId>()
    const { targets, subscribers, control } = this.#subscriptions
    for (const report of reports) {
      if (!targets.has(report.key)) continue
      this.#reports.set(report.key, report)
      if (report.key === control && report.verdict === 'success') this.#controlAnswered = report.at
      for (const id of subscribers.get(report.key) ?? []) touched.add(id)
    }
    return this.#update(touched, [], now)
  }

  /** Time passes: call it once a second, for a brake that ends by time. */
  tick(now: number): HealthEvent[] {
    return this.#update([], [], now)
  }

  /** A slow start from now, when an override of the server has ended. */
  restartSlowStart(id: ServerId, now: number): void {
    const health = this.#servers.get(id)
    if (health === undefined) return
    this.#servers.set(id, restartSlowStart(health, now))
    this.#health = undefined
  }

  #update(ids: Iterable<ServerId>, removed: readonly ServerId[], now: number): HealthEvent[] {
    const events: HealthEvent[] = []
    const wentDown: ServerId[] = []
    const gone = [...removed]
    for (const id of ids) {
      const [before, after] = this.#renew(id, now)
      if (before === undefined || after === undefined || before.state === after.state) continue
      events.push({ type: 'server', id, state: after.state, reason: after.reason })
      if (before.state === 'up' && after.state === 'down') wentDown.push(id)
      if (before.state === 'down') gone.push(id)
    }
    return [...events, ...this.#brakeEvents(wentDown, gone, now)]
  }

  #renew(id: ServerId, now: number): [before?: ServerHealth, after?: ServerHealth] {
    const before = this.#servers.get(id)
    const subscription = this.#subscriptions.servers.get(id)
    if (before === undefined || subscription === undefined) return []
    const { rule } = subscription
    const reportOf = (check: Check): TargetReport | undefined =>
      this.#reportAt(subscription, rule.checks.indexOf(check))
    const found = serverHealth(before, rule, reportOf, now)
    // A held server never lost its traffic: it has nothing to warm up for.
    const after = found.state === 'up' && this.#held(id) ? { ...found, slowStartSince: before.slowStartSince } : found
    if (after !== before) {
      this.#servers.set(id, after)
      this.#health = undefined
    }
    return [before, after]
  }

  #brakeEvents(wentDown: readonly ServerId[], gone: readonly ServerId[], now: number): HealthEvent[] {
    const { names: servers, control } = this.#subscriptions
    const [controlAnswered, hasControl] = [this.#controlAnswered, control !== undefined]
    const input = { now, servers, wentDown, gone, controlAnswered, hasControl }
    const outcome: BrakeOutcome = brakeStep(this.#brake, this.#site.brake, input)
    if (!sameIds(outcome.state.held, this.#brake.held)) this.#health = undefined
    this.#brake = outcome.state
    const on = outcome.state.since !== undefined
    this.#alarm = on ? outcome.alarm : ''
    return outcome.event === undefined ? [] : [{ type: 'brake', on, alarm: outcome.alarm }]
  }

  #held(id: ServerId): boolean {
    return this.#brake.held.has(id)
  }

  #reportAt(subscription: Subscription, index: number): TargetReport | undefined {
    const key = subscription.keys[index]
    return key === undefined ? undefined : this.#reports.get(key)
  }
}

function sameIds(one: ReadonlySet<ServerId>, other: ReadonlySet<ServerId>): boolean {
  return one.size === other.size && [...one].every((id) => other.has(id))
}
