// Health of all servers: the worker threads that probe, and what their reports mean. Nothing is probed here.
import { HealthKeeper, type HealthEvent } from '../health/keeper.ts'
import { Workers } from '../health/workers.ts'
import type { Health, ServerId } from '../desired/inputs.ts'
import type { Site } from '../site/site.ts'
import type { Events } from './events.ts'
import type { HealthSource } from './health-source.ts'

export interface ChecksOptions {
  readonly events: Events
  /** Called after the health of a server has changed. */
  readonly changed: () => void
}

const TICK_MS = 1000

export class Checks implements HealthSource {
  readonly #options: ChecksOptions
  readonly #keeper: HealthKeeper
  readonly #workers: Workers
  readonly #ticks: NodeJS.Timeout

  constructor(options: ChecksOptions) {
    this.#options = options
    this.#workers = new Workers({
      onBatch: ({ reports }) => this.#tell(() => this.#keeper.accept(reports, Date.now())),
      onEvent: ({ type, worker, words }) => {
        const level = type === 'speaking' ? 'info' : 'warning'
        options.events.add(Date.now(), level, 'prober', `worker ${worker} ${type}${words === '' ? '' : `: ${words}`}`)
      },
    })
    this.#keeper = new HealthKeeper({ setTargets: (targets) => this.#workers.setTargets(targets) })
    this.#ticks = setInterval(() => this.#tell(() => this.#keeper.tick(Date.now())), TICK_MS).unref()
  }

  get health(): Health {
    return this.#keeper.health
  }

  get settled(): boolean {
    return this.#keeper.checked
  }

  use(site: Site): void {
    // What the kernel had at the start is known by the loop, which keeps servers without a verdict.
    this.#keeper.setSite(site, new Set(), Date.now())
  }

  restartSlowStart(ids: readonly ServerId[]): void {
    for (const id of ids) this.#keeper.restartSlowStart(id, Date.now())
  }

  async close(): Promise<void> {
    clearInterval(this.#ticks)
    await this.#workers.close()
  }

  #tell(step: () => readonly HealthEvent[]): void {
    const before = this.#keeper.health
    for (const event of step()) {
      if (event.type !== 'brake') continue
      const [level, kind] = event.on ? (['error', 'alarm'] as const) : (['info', 'alarm-over'] as const)
      this.#options.events.add(Date.now(), level, kind, event.alarm)
    }
    if (this.#keeper.health !== before) this.#options.changed()
  }
}
