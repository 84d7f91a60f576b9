// Where the daemon gets health from. Probes run in other threads; here only their results are known.
import type { Health, ServerId } from '../desired/inputs.ts'
import type { Site } from '../site/site.ts'

export interface HealthSource {
  /** Of all servers with checks. */
  readonly health: Health
  /** Every check has had a result: the first round is over. */
  readonly settled: boolean
  /** Checks the servers of this site from now on. Servers that stay keep their state. */
  use(site: Site): void
  /** A slow start from now, of servers that are up: an override of theirs has ended. */
  restartSlowStart(ids: readonly ServerId[]): void
  close(): Promise<void>
}
