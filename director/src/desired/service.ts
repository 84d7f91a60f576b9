// Decides about all servers of one service.
import { candidateOf, placeAtZero, type Candidate, type ServiceInput } from './candidate.ts'
import { hasAgent, isProportional, MOST_WEIGHT, scaleOf, slowStartAt, type Decision } from './decision.ts'
import type { ServerId, ServerNote } from './inputs.ts'
import { lastEnd } from './overrides.ts'
import type { SiteServer, SiteService } from '../site/site.ts'

export type { ServiceInput } from './candidate.ts'

export interface ServiceDecision {
  readonly service: SiteService
  /** In the order of the file. */
  readonly servers: readonly Decision[]
  /** The sorry server gets the traffic. */
  readonly sorry: boolean
  /** Fewer servers than `minimumHealthy` are healthy. */
  readonly low: boolean
  /** The director should give its addresses away. */
  readonly withdraw: boolean
  readonly alarms: readonly string[]
  /** The next time at which this changes by time alone. */
  readonly wakeAt: number | undefined
  /** To be kept in memory. */
  readonly notes: readonly (readonly [ServerId, ServerNote])[]
}

interface Weighed {
  readonly decision: Decision
  readonly note: ServerNote
}

const weightOf = (list: readonly Candidate[]): number => list.reduce((sum, { server }) => sum + server.weight, 0)

const ROUNDING = 1e-9 // a share of 7 % of 100 is a little more than 7

class ServiceRound {
  readonly #service: SiteService
  readonly #input: ServiceInput
  #wakeAt = Infinity

  constructor(service: SiteService, input: ServiceInput) {
    this.#service = service
    this.#input = input
  }

  decide(): ServiceDecision {
    const service = this.#service
    const candidates = service.servers.map((server) => candidateOf(service, server, this.#input, this.#wake))
    const alarms = candidates.flatMap(({ alarm }) => alarm ?? [])
    const eligible = candidates.filter(({ place, server }) => place === 'traffic' && server.weight > 0)
    const low = this.#isLow(candidates, eligible)
    const { share, below } = service.minimumHealthy
    let chosen: readonly Candidate[] = this.#grouped(candidates, eligible)
    let sorry = eligible.length === 0 && service.sorry !== undefined
    if (low && share > 0) {
      alarms.push(
        `${service.name}: less than ${Math.round(share * 100)} % of the servers' weight is healthy (${below})`,
      )
      if (below === 'keep') {
        chosen = candidates.map((each) => this.#failOpen(each))
        sorry = false
      } else if (below === 'sorry' && service.sorry !== undefined) {
        chosen = candidates.map((each) => this.#instead(each))
        sorry = true
      }
    }
    const weighed = chosen.map((each) => this.#weighed(each))
    if (!weighed.some(({ decision }) => decision.weight > 0) && !sorry)
      alarms.push(`${service.name}: no server has traffic`)
    return {
      service,
      servers: weighed.map(({ decision }) => decision),
      sorry,
      low,
      withdraw: low && below === 'withdraw' && share > 0,
      alarms,
      wakeAt: this.#wakeAt === Infinity ? undefined : this.#wakeAt,
      notes: weighed
        .filter(({ note }) => Object.keys(note).length > 0)
        .map(({ decision, note }) => [decision.id, note] as const),
    }
  }

  readonly #wake = (at: number | undefined): void => {
    if (at !== undefined && at > this.#input.now && at < this.#wakeAt) this.#wakeAt = at
  }

  /** Less than the minimum of the weight that operators left in service is healthy. Undecided: as before. */
  #isLow(candidates: readonly Candidate[], eligible: readonly Candidate[]): boolean {
    const { name, minimumHealthy } = this.#service
    const meant = weightOf(candidates.filter(({ fixed, place }) => !fixed || place === 'traffic'))
    const least = meant * minimumHealthy.share - ROUNDING
    const healthy = weightOf(eligible)
    if (healthy >= least) return false
    // Nobody has traffic for sure, and some are down: to keep these is better than to wait for the unknown ones.
    const failed = candidates.filter(({ code, fixed }) => code !== 'unknown' && !fixed)
    if (minimumHealthy.below === 'keep' && healthy === 0 && weightOf(failed) > 0) return true
    const unknown = weightOf(candidates.filter(({ code }) => code === 'unknown'))
    return healthy + unknown < least || (this.#input.memory.low?.includes(name) ?? false)
  }

  /** Servers of the first group with a healthy server have the traffic; healthy ones of other groups stand by. */
  #grouped(candidates: readonly Candidate[], eligible: readonly Candidate[]): readonly Candidate[] {
    const first = Math.min(...eligible.filter(({ server }) => server.weight > 0).map(({ server }) => server.priority))
    if (first === Infinity) return candidates
    return candidates.map((each) => {
      const stays = each.fixed || each.code === 'adopted' // adopted: as before the restart, until it is checked
      if (each.place !== 'traffic' || each.server.priority <= first || stays) return each
      const reason = `stands by: servers with priority ${first} are healthy`
      return { ...each, place: placeAtZero(this.#service), code: 'standby', reason }
    })
  }

  #failOpen(candidate: Candidate): Candidate {
    if (candidate.fixed || candidate.place === 'traffic' || candidate.code === 'unknown') return candidate
    const reason = `${candidate.reason}; kept, because too few servers are healthy`
    return { ...candidate, place: 'traffic', code: 'fail-open', reason }
  }

  #instead(candidate: Candidate): Candidate {
    if (candidate.fixed || candidate.place !== 'traffic') return candidate
    const reason = 'too few servers are healthy: the sorry server has the traffic'
    return { ...candidate, place: placeAtZero(this.#service), code: 'sorry-instead', reason }
  }

  #weighed({ server, id, place, code, reason, note }: Candidate): Weighed {
    const service = this.#service
    const slow = slowStartAt(service, this.#slowStartSince(server, id, code), this.#input.now)
    const agent = this.#agentWeight(server, id)
    const factors = { configured: server.weight, scale: scaleOf(service), slowStart: slow.factor, agent: agent ?? 1 }
    const zero: Decision = { id, server, place, weight: 0, factors, code, reason }
    const noted = (more: ServerNote): ServerNote => ({
      ...more,
      ...(agent !== undefined && { agentWeight: agent }),
      ...note,
    })
    if (place === 'absent') return { decision: zero, note: noted({}) }
    if (place === 'draining') {
      const before = this.#input.memory.notes?.[id]?.zero
      return { decision: zero, note: noted({ zero: code === 'unknown' ? (before ?? code) : code }) }
    }
    if (server.weight === 0) {
      const changed = { code: 'configured-zero', reason: 'the file says weight 0' } as const
      const at = placeAtZero(service)
      const decision = { ...zero, ...changed, place: at }
      return { decision, note: noted(at === 'draining' ? { zero: 'configured-zero' } : {}) }
    }
    this.#wake(slow.next)
    const { configured, scale, slowStart } = factors
    const product = Math.round(configured * scale * slowStart * factors.agent)
    const weight = Math.min(MOST_WEIGHT, Math.max(1, product))
    if (slow.next === undefined) {
      const useless = service.slowStart !== undefined && !isProportional(service) && code !== 'fail-open'
      const hint = useless ? `; no slow start: ${service.scheduler} does not share connections by weight` : ''
      return { decision: { ...zero, weight, reason: reason + hint }, note: noted({}) }
    }
    const since = this.#slowStartSince(server, id, code)
    const share = `${Math.round(slow.factor * 100)} % of its weight`
    return {
      decision: { ...zero, weight, code: 'slow-start', reason: `${reason}; slow start at ${share}` },
      note: noted(since === undefined ? {} : { slowStartSince: since }),
    }
  }

  /** The newest start: of health, of the end of an override, or remembered from before a restart. */
  #slowStartSince(server: SiteServer, id: ServerId, code: Decision['code']): number | undefined {
    if (code === 'fail-open') return undefined
    const { health, overrides, memory, now } = this.#input
    const kept = memory.notes?.[id]?.slowStartSince
    if (code === 'adopted') return kept // it had traffic all the time
    const ended = lastEnd(overrides, this.#service.name, server.name, now)
    const starts = [health.get(id)?.slowStartSince, ended, kept].filter((start) => start !== undefined)
    return starts.length === 0 ? undefined : Math.max(...starts)
  }

  /** What the agent says, or said before a restart; `undefined`: nothing. */
  #agentWeight(server: SiteServer, id: ServerId): number | undefined {
    const agent = this.#input.health.get(id)?.agent
    if (agent !== undefined) return agent.weight
    return hasAgent(this.#service, server) ? this.#input.memory.notes?.[id]?.agentWeight : undefined
  }
}

export function decideService(service: SiteService, input: ServiceInput): ServiceDecision {
  return new ServiceRound(service, input).decide()
}
