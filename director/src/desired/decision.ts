// What becomes of one server of one service, and why.
import type { AgentReport, Override, Remaining, ServerHealth, ServerId } from './inputs.ts'
import type { SiteServer, SiteService } from '../site/site.ts'

/** Why a server has its weight, for programs. */
export type ReasonCode =
  | 'up'
  | 'adopted'
  | 'unchecked'
  | 'slow-start'
  | 'forced-up'
  | 'fail-open'
  | 'configured-zero'
  | 'standby'
  | 'sorry-instead'
  | 'unknown'
  | 'down'
  | 'agent'
  | 'draining'
  | 'drained'
  | 'disabled'

export interface Decision {
  readonly id: ServerId
  readonly server: SiteServer
  /** `traffic`: gets new connections. `draining`: in the table with weight 0. `absent`: not in the table. */
  readonly place: 'traffic' | 'draining' | 'absent'
  /** In the kernel: configured x scale x slowStart x agent. */
  readonly weight: number
  readonly factors: {
    readonly configured: number
    readonly scale: number
    readonly slowStart: number
    readonly agent: number
  }
  readonly code: ReasonCode
  /** One sentence. */
  readonly reason: string
}

/** With a slow start, weights in the kernel are this many times those of the file, so that a weight of 1 has room. */
export const SLOW_START_SCALE = 100

/** A slow start has this many steps: the table is not written at every moment. */
export const SLOW_START_STEPS = 20

export interface SlowStartPoint {
  readonly factor: number
  /** Start of the next step; `undefined` when it is over. */
  readonly next: number | undefined
}

const done: SlowStartPoint = { factor: 1, next: undefined }

/** The factor at a time: `from` at the start, growing by equal steps. */
export function slowStartAt(service: SiteService, since: number | undefined, now: number): SlowStartPoint {
  const { slowStart } = service
  if (slowStart === undefined || since === undefined || slowStart.forMs <= 0) return done
  const length = slowStart.forMs / SLOW_START_STEPS
  const step = Math.floor(Math.max(0, now - since) / length)
  if (step >= SLOW_START_STEPS) return done
  const factor = slowStart.from + ((1 - slowStart.from) * step) / SLOW_START_STEPS
  return { factor, next: Math.ceil(since + (step + 1) * length) }
}

export const scaleOf = ({ slowStart }: SiteService): number => (slowStart === undefined ? 1 : SLOW_START_SCALE)

/** How far a drain is. `over`: nothing is left, or its deadline has come. */
export interface DrainPoint {
  readonly over: boolean
  readonly deadline: number
  readonly text: string
}

const counted = (count: number, one: string, more: string): string => `${count} ${count === 1 ? one : more}`

export function drainAt(
  service: SiteService,
  { since, drain = {} }: Override,
  remaining: Remaining | undefined,
  now: number,
): DrainPoint {
  const deadline = since + (drain.waitMs ?? service.drain.waitMs)
  if (now >= deadline) return { over: true, deadline, text: 'its time is over' }
  if (remaining === undefined) return { over: false, deadline, text: 'its connections are not counted yet' }
  const { connections, templates } = remaining
  if (connections === 0 && templates === 0) return { over: true, deadline, text: 'no connections are left' }
  const waits = [
    ...(connections > 0 ? [counted(connections, 'connection', 'connections')] : []),
    ...(templates > 0 ? [counted(templates, 'persistent client', 'persistent clients')] : []),
  ]
  return { over: false, deadline, text: `waits for ${waits.join(' and ')}` }
}

/** Whether the health of a server lets it have traffic; `undefined`: not known. */
export function verdictOf(
  service: SiteService,
  server: SiteServer,
  health: ServerHealth | undefined,
): 'up' | 'down' | 'unchecked' | 'unknown' {
  const { checks } = server.checks ?? service.checks
  if (checks.length === 0) return 'unchecked'
  return health?.state ?? 'unknown'
}

/** What an agent says beyond its weight; `undefined`: nothing against traffic. */
export function agentWord(agent: AgentReport | undefined): 'drain' | 'down' | undefined {
  if (agent?.state === 'drain') return 'drain'
  return agent?.state === 'maintenance' || agent?.state === 'down' ? 'down' : undefined
}
