// A server by the operator's word or its health, before groups, the minimum and weights are looked at.
import {
  agentWord,
  drainAt,
  MOVE_EVERY_MS,
  MOVE_GAP_MS,
  movesClients,
  verdictOf,
  type Decision,
  type ReasonCode,
} from './decision.ts'
import type { Health, Memory, Override, Remaining, ServerHealth, ServerId, ServerNote } from './inputs.ts'
import { overrideOf, serverId } from './overrides.ts'
import type { SiteServer, SiteService } from '../site/site.ts'

export interface ServiceInput {
  readonly health: Health
  readonly overrides: readonly Override[]
  readonly memory: Memory
  readonly remaining: ReadonlyMap<ServerId, Remaining>
  /** Servers that were in the table with a weight when the daemon started: up until proven down. */
  readonly adopted: ReadonlySet<ServerId>
  readonly now: number
}

export interface Candidate {
  readonly server: SiteServer
  readonly id: ServerId
  readonly code: ReasonCode
  readonly reason: string
  readonly place: Decision['place']
  /** An operator's word: neither groups nor the minimum change it. */
  readonly fixed: boolean
  /** What to remember of a drain. */
  readonly note: ServerNote
  readonly alarm: string | undefined
}

const hashes = new Set(['mh', 'sh'])

/** Weight 0 is no place to keep a server: `mh` and `sh` without fallback refuse the clients of such a server. */
export function refusesAtZero({ scheduler, schedulerFlags }: SiteService): boolean {
  return hashes.has(scheduler) && !schedulerFlags.some((flag) => flag.endsWith('-fallback'))
}

/** Why a server of a service cannot be drained; `undefined`: it can. */
export function drainRefusal(service: SiteService): string | undefined {
  if (!refusesAtZero(service)) return undefined
  return `${service.scheduler} without fallback refuses the clients of a server with weight 0; set fallback: true, or disable the server`
}

/** Where a server without new connections is. */
export function placeAtZero(service: SiteService): Decision['place'] {
  return refusesAtZero(service) ? 'absent' : 'draining'
}

const failedPlace = (service: SiteService): Decision['place'] =>
  service.onFailure === 'remove' ? 'absent' : placeAtZero(service)

const words = (text: string | undefined): string => (text === undefined || text === '' ? '' : `: ${text}`)

type Found = Pick<Candidate, 'place' | 'code' | 'reason'> & { readonly note?: ServerNote }

const dead = (service: SiteService, health: ServerHealth | undefined): Found => ({
  place: failedPlace(service),
  code: 'down',
  reason: `its checks fail${words(health?.reason)}`,
})

function byHealth(
  service: SiteService,
  server: SiteServer,
  health: ServerHealth | undefined,
  isAdopted: boolean,
  zero: string | undefined,
): Found {
  const verdict = verdictOf(service, server, health)
  // Before the agent: what it said last does not keep a dead server in the table.
  if (verdict === 'down') return dead(service, health)
  const agent = agentWord(health?.agent)
  const said = words(health?.agent?.reason)
  if (agent === 'drain') {
    const word = health?.agent?.state === 'drain' ? 'drain' : '0 %'
    return { place: placeAtZero(service), code: 'agent', reason: `its agent says ${word}${said}` }
  }
  if (agent === 'down') {
    return { place: failedPlace(service), code: 'agent', reason: `its agent says ${health?.agent?.state}${said}` }
  }
  if (verdict === 'unchecked') return { place: 'traffic', code: 'unchecked', reason: 'it has no checks' }
  if (verdict === 'up') return { place: 'traffic', code: 'up', reason: health?.reason || 'its checks succeed' }
  if (isAdopted) {
    const reason = 'it had traffic when the director started; not checked yet'
    return { place: 'traffic', code: 'adopted', reason }
  }
  // Connections of a server with weight 0 would end with its destination.
  if (zero === undefined) return { place: 'absent', code: 'unknown', reason: 'not checked yet' }
  return { place: placeAtZero(service), code: 'unknown', reason: `not checked yet; it had weight 0 before (${zero})` }
}

/** The wake function gets each time at which the answer changes. */
type Wake = (at: number) => void

interface DrainState {
  readonly note: ServerNote
  readonly remaining: Remaining | undefined
  /** It is dead and leaves the table, or was not in it: nobody is to be moved. */
  readonly leaves: boolean
  readonly now: number
}

function drained(
  service: SiteService,
  override: Override,
  { note, remaining, leaves, now }: DrainState,
  wake: Wake,
): Found {
  const { since, drain = {} } = override
  const by = ` by ${override.who}${words(override.why)}`
  const moves = movesClients(service, override) && !leaves
  // Out of the table for a moment, it still has its connections.
  const isUnseen = moves && note.moved?.drain === since && remaining?.absent === true
  const point = drainAt(service, override, isUnseen ? undefined : remaining, now)
  const empty = point.empty || note.drained === since
  if (empty || point.over) {
    if (!point.over && point.deadline > now) wake(point.deadline) // its text changes
    const end = drain.then ?? service.drain.then
    // Persistent clients that moved would come back to a destination with weight 0.
    const place = end === 'remove' || (moves && empty) ? 'absent' : 'draining'
    const text = point.over ? point.text : 'no connections were left'
    return { place, code: 'drained', reason: `drained${by}: ${text}`, ...(empty && { note: { drained: since } }) }
  }
  wake(point.deadline)
  const reason = `draining${by}; ${point.text}`
  if (!moves) return { place: 'draining', code: 'draining', reason }
  const moved = note.moved?.drain === since ? note.moved : { drain: since, at: now }
  const phase = (((now - moved.at) % MOVE_EVERY_MS) + MOVE_EVERY_MS) % MOVE_EVERY_MS // the clock may go back
  const isOut = phase < MOVE_GAP_MS
  wake(now - phase + (isOut ? MOVE_GAP_MS : MOVE_EVERY_MS))
  if (!isOut) return { place: 'draining', code: 'draining', reason, note: { moved } }
  return { place: 'absent', code: 'moving', reason: `${reason}; out of the table for a moment`, note: { moved } }
}

function overridden(service: SiteService, override: Override, state: DrainState, wake: Wake): Found {
  const by = ` by ${override.who}${words(override.why)}`
  if (override.kind === 'forceUp') return { place: 'traffic', code: 'forced-up', reason: `forced up${by}` }
  if (override.kind === 'disable') return { place: 'absent', code: 'disabled', reason: `disabled${by}` }
  return drained(service, override, state, wake)
}

/**
 * A drained server with weight 0 leaves the table if it is dead: persistent clients would stay on it. One that is not checked yet
 * does not come into it. `kept`: it was there.
 */
function withoutUse(
  service: SiteService,
  found: Found,
  verdict: ReturnType<typeof verdictOf>,
  health: ServerHealth | undefined,
  kept: boolean,
): Found {
  if (found.place !== 'draining') return found
  if (verdict === 'down') {
    const { place, reason } = dead(service, health)
    return { ...found, place, reason: `${found.reason}; ${reason}` }
  }
  if (verdict !== 'unknown' || kept) return found
  return { ...found, place: 'absent', reason: `${found.reason}; not checked yet` }
}

/** What becomes of a server by itself. */
export function candidateOf(service: SiteService, server: SiteServer, input: ServiceInput, wake: Wake): Candidate {
  const { health, overrides, memory, adopted, now } = input
  const id = serverId(service.name, server.name)
  const note = memory.notes?.[id] ?? {}
  const override = overrideOf(overrides, service.name, server.name, now)
  const rest = { server, id, note: {}, alarm: undefined }
  const healthy = (): Candidate => ({
    ...rest,
    ...byHealth(service, server, health.get(id), adopted.has(id), note.zero),
    fixed: false,
  })
  if (override === undefined) return healthy()
  if (override.until !== undefined) wake(override.until)
  const refusal = override.kind === 'drain' ? drainRefusal(service) : undefined
  if (refusal === undefined) {
    const verdict = verdictOf(service, server, health.get(id))
    const kept = adopted.has(id) || note.zero !== undefined || note.moved?.drain === override.since
    const leaves = verdict === 'down' ? failedPlace(service) === 'absent' : verdict === 'unknown' && !kept
    const found = overridden(service, override, { note, remaining: input.remaining.get(id), leaves, now }, wake)
    return { ...rest, ...withoutUse(service, found, verdict, health.get(id), kept), fixed: true }
  }
  const text = `the drain by ${override.who} is refused: ${refusal}`
  const candidate = healthy()
  return { ...candidate, reason: `${candidate.reason}; ${text}`, alarm: `${id}: ${text}` }
}
