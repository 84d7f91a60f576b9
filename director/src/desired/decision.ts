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
  | 'moving'
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

/** With a slow start or an agent, weights in the kernel are this many times those of the file: a weight of 1 needs room. */
export const SLOW_START_SCALE = 100

/** The largest weight that the kernel takes. */
export const MOST_WEIGHT = 2_147_483_647

/** With `stickiness: move` a destination is out of the table for this long. Clients that connect meanwhile go elsewhere. */
export const MOVE_GAP_MS = 1000

/** From one such moment to the next, while it drains: the kernel keeps clients that did not connect in the one before. */
export const MOVE_EVERY_MS = 5000

/** A slow start has this many steps: the table is not written at every moment. */
export const SLOW_START_STEPS = 20

export interface SlowStartPoint {
  readonly factor: number
  /** Start of the next step; `undefined` when it is over. */
  readonly next: number | undefined
}

const done: SlowStartPoint = { factor: 1, next: undefined }

// Shares of new connections follow the weights. Not so: rr, lc and dh ignore them, sh has 256 slots for the sum of all, and for
// fo and ovf a weight is a rank and a limit.
const proportional = new Set(['wrr', 'wlc', 'sed', 'nq', 'mh', 'lblc', 'lblcr', 'twos'])

/** Whether a part of its weight gives a server a part of the new connections. */
export const isProportional = ({ scheduler }: SiteService): boolean => proportional.has(scheduler)

/** Whether the checks of a server include its agent. */
export const hasAgent = (service: SiteService, server: SiteServer): boolean =>
  (server.checks ?? service.checks).checks.some(({ kind }) => kind === 'agent')

/** The factor at a time: `from` at the start, growing by equal steps. */
export function slowStartAt(service: SiteService, since: number | undefined, now: number): SlowStartPoint {
  const { slowStart } = service
  if (slowStart === undefined || !isProportional(service) || since === undefined || slowStart.forMs <= 0) return done
  const length = slowStart.forMs / SLOW_START_STEPS
  const step = Math.floor(Math.max(0, now - since) / length)
  if (step >= SLOW_START_STEPS) return done
  const factor = slowStart.from + ((1 - slowStart.from) * step) / SLOW_START_STEPS
  return { factor, next: Math.ceil(since + (step + 1) * length) }
}

/** How many times the weights of the file those in the kernel are: equal for all servers of a service. */
export function scaleOf(service: SiteService): number {
  if (!isProportional(service)) return 1
  const varies = service.slowStart !== undefined || service.servers.some((server) => hasAgent(service, server))
  return varies ? SLOW_START_SCALE : 1
}

/** How far a drain is. */
export interface DrainPoint {
  /** Nothing that it waits for is left. */
  readonly empty: boolean
  /** `empty`, or its deadline has come. */
  readonly over: boolean
  readonly deadline: number
  readonly text: string
}

/** Whether a drain sends persistent clients elsewhere. */
export function movesClients(service: SiteService, { drain = {} }: Override): boolean {
  return service.persistence !== undefined && (drain.stickiness ?? service.drain.stickiness) === 'move'
}

const counted = (count: number, one: string, more: string): string => `${count} ${count === 1 ? one : more}`

/**
 * How far a drain is, and what it waits for: connections, and persistent clients unless these move.
 *
 * @param remaining - `undefined`: not counted.
 */
export function drainAt(
  service: SiteService,
  override: Override,
  remaining: Remaining | undefined,
  now: number,
): DrainPoint {
  const deadline = override.since + (override.drain?.waitMs ?? service.drain.waitMs)
  const { connections = Infinity, templates = Infinity } = remaining ?? {}
  const clients = movesClients(service, override) ? 0 : templates
  const empty = connections === 0 && clients === 0
  if (empty) return { empty, over: true, deadline, text: 'no connections are left' }
  if (now >= deadline) return { empty, over: true, deadline, text: 'its time is over' }
  if (remaining === undefined) return { empty, over: false, deadline, text: 'its connections are not counted yet' }
  const waits = [
    ...(connections > 0 ? [counted(connections, 'connection', 'connections')] : []),
    ...(clients > 0 ? [counted(clients, 'persistent client', 'persistent clients')] : []),
  ]
  const isUdp = service.virtuals.every(({ protocol }) => protocol === 'udp')
  const hint = isUdp ? ' (of UDP: until their time-out)' : ''
  return { empty, over: false, deadline, text: `waits for ${waits.join(' and ')}${hint}` }
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

/** What an agent says against traffic. A weight of 0 % is a drain, as in HAProxy. */
export function agentWord(agent: AgentReport | undefined): 'drain' | 'down' | undefined {
  if (agent?.state === 'maintenance' || agent?.state === 'down') return 'down'
  return agent?.state === 'drain' || agent?.weight === 0 ? 'drain' : undefined
}
