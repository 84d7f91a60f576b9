// Decides about all servers of one service.
import { agentWord, drainAt, scaleOf, slowStartAt, verdictOf, type Decision, type ReasonCode } from './decision.ts'
import type { Health, Override, Remaining, ServerId } from './inputs.ts'
import { overrideOf, serverId } from './overrides.ts'
import type { SiteServer, SiteService } from '../site/site.ts'

export interface ServiceInput {
  readonly health: Health
  readonly overrides: readonly Override[]
  readonly remaining: ReadonlyMap<ServerId, Remaining>
  /** Servers that were in the table with a weight when the daemon started: up until proven down. */
  readonly adopted: ReadonlySet<ServerId>
  readonly now: number
}

export interface ServiceDecision {
  readonly service: SiteService
  /** In the order of the file. */
  readonly servers: readonly Decision[]
  /** The sorry server gets the traffic. */
  readonly sorry: boolean
  /** The director should give its addresses away. */
  readonly withdraw: boolean
  readonly alarms: readonly string[]
  /** The next time at which this changes by time alone. */
  readonly wakeAt: number | undefined
}

/** A server before groups, the minimum and weights are looked at. */
interface Candidate {
  readonly server: SiteServer
  readonly id: ServerId
  readonly code: ReasonCode
  readonly reason: string
  readonly place: Decision['place']
  /** An operator's word: neither groups nor the minimum change it. */
  readonly fixed: boolean
}

const hashes = new Set(['mh', 'sh'])

/** Weight 0 is no place to keep a server: `mh` and `sh` without fallback refuse the clients of such a server. */
export function refusesAtZero({ scheduler, schedulerFlags }: SiteService): boolean {
  return hashes.has(scheduler) && !schedulerFlags.some((flag) => flag.endsWith('-fallback'))
}

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
    const candidates = service.servers.map((server) => this.#candidate(server))
    const alarms: string[] = []
    const eligible = candidates.filter(({ place }) => place === 'traffic')
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
    if (!chosen.some(({ place }) => place === 'traffic') && !sorry)
      alarms.push(`${service.name}: no server has traffic`)
    return {
      service,
      servers: chosen.map((each) => this.#weighed(each)),
      sorry,
      withdraw: low && below === 'withdraw' && share > 0,
      alarms,
      wakeAt: this.#wakeAt === Infinity ? undefined : this.#wakeAt,
    }
  }

  #wake(at: number | undefined): void {
    if (at !== undefined && at > this.#input.now && at < this.#wakeAt) this.#wakeAt = at
  }

  #candidate(server: SiteServer): Candidate {
    const service = this.#service
    const { health, overrides, adopted, now } = this.#input
    const id = serverId(service.name, server.name)
    const found = health.get(id)
    const override = overrideOf(overrides, service.name, server.name, now)
    const make = (place: Decision['place'], code: ReasonCode, reason: string, fixed = false): Candidate => ({
      server,
      id,
      place,
      code,
      reason,
      fixed,
    })
    if (override !== undefined) {
      this.#wake(override.until)
      return this.#overridden(override, id, make)
    }
    const agent = agentWord(found?.agent)
    if (agent === 'drain') return make(this.#zero(), 'agent', `its agent says drain${words(found?.agent?.reason)}`)
    if (agent === 'down')
      return make(this.#failed(), 'agent', `its agent says ${found?.agent?.state}${words(found?.agent?.reason)}`)
    switch (verdictOf(service, server, found)) {
      case 'unchecked':
        return make('traffic', 'unchecked', 'it has no checks')
      case 'up':
        return make('traffic', 'up', found?.reason || 'its checks succeed')
      case 'down':
        return make(this.#failed(), 'down', `its checks fail${words(found?.reason)}`)
      default:
        if (adopted.has(id))
          return make('traffic', 'adopted', 'it had traffic when the director started; not checked yet')
        return make('absent', 'unknown', 'not checked yet')
    }
  }

  #overridden(
    override: Override,
    id: ServerId,
    make: (place: Decision['place'], code: ReasonCode, reason: string, fixed: boolean) => Candidate,
  ): Candidate {
    const by = ` by ${override.who}${words(override.why)}`
    switch (override.kind) {
      case 'forceUp':
        return make('traffic', 'forced-up', `forced up${by}`, true)
      case 'disable':
        return make('absent', 'disabled', `disabled${by}`, true)
      default: {
        const service = this.#service
        const drain = drainAt(service, override, this.#input.remaining.get(id), this.#input.now)
        if (!drain.over) {
          this.#wake(drain.deadline)
          return make('draining', 'draining', `draining${by}; ${drain.text}`, true)
        }
        const afterwards = override.drain?.then ?? service.drain.then
        const place = afterwards === 'remove' ? 'absent' : 'draining'
        return make(place, 'drained', `drained${by}: ${drain.text}`, true)
      }
    }
  }

  /** Where a server without new connections stays. */
  #zero(): Decision['place'] {
    return refusesAtZero(this.#service) ? 'absent' : 'draining'
  }

  #failed(): Decision['place'] {
    return this.#service.onFailure === 'remove' ? 'absent' : this.#zero()
  }

  /** Less than the minimum of the weight that operators left in service is healthy. */
  #isLow(candidates: readonly Candidate[], eligible: readonly Candidate[]): boolean {
    const weight = (list: readonly Candidate[]): number => list.reduce((sum, { server }) => sum + server.weight, 0)
    const meant = weight(candidates.filter(({ fixed, place }) => !fixed || place === 'traffic'))
    return meant > 0 && weight(eligible) < meant * this.#service.minimumHealthy.share
  }

  /** Servers of the first group with a healthy server have the traffic; healthy ones of other groups stand by. */
  #grouped(candidates: readonly Candidate[], eligible: readonly Candidate[]): readonly Candidate[] {
    const first = Math.min(...eligible.filter(({ server }) => server.weight > 0).map(({ server }) => server.priority))
    if (first === Infinity) return candidates
    return candidates.map((each) => {
      if (each.place !== 'traffic' || each.server.priority <= first || each.code === 'forced-up') return each
      const reason = `stands by: servers with priority ${first} are healthy`
      return { ...each, place: this.#zero(), code: 'standby', reason }
    })
  }

  #failOpen(candidate: Candidate): Candidate {
    if (candidate.fixed || candidate.place === 'traffic') return candidate
    const reason = `${candidate.reason}; kept, because too few servers are healthy`
    return { ...candidate, place: 'traffic', code: 'fail-open', reason }
  }

  #instead(candidate: Candidate): Candidate {
    if (candidate.fixed || candidate.place !== 'traffic') return candidate
    const reason = 'too few servers are healthy: the sorry server has the traffic'
    return { ...candidate, place: this.#zero(), code: 'sorry-instead', reason }
  }

  #weighed({ server, id, place, code, reason }: Candidate): Decision {
    const service = this.#service
    const found = this.#input.health.get(id)
    const slow = slowStartAt(service, code === 'fail-open' ? undefined : found?.slowStartSince, this.#input.now)
    const agent = found?.agent?.weight ?? 1
    const factors = { configured: server.weight, scale: scaleOf(service), slowStart: slow.factor, agent }
    if (place !== 'traffic') return { id, server, place, weight: 0, factors, code, reason }
    if (server.weight === 0) {
      return {
        id,
        server,
        place: 'draining',
        weight: 0,
        factors,
        code: 'configured-zero',
        reason: 'the file says weight 0',
      }
    }
    this.#wake(slow.next)
    const weight = Math.max(1, Math.round(factors.configured * factors.scale * factors.slowStart * factors.agent))
    if (slow.next === undefined) return { id, server, place, weight, factors, code, reason }
    const share = `${Math.round(slow.factor * 100)} % of its weight`
    return { id, server, place, weight, factors, code: 'slow-start', reason: `${reason}; slow start at ${share}` }
  }
}

const words = (text: string | undefined): string => (text === undefined || text === '' ? '' : `: ${text}`)

export function decideService(service: SiteService, input: ServiceInput): ServiceDecision {
  return new ServiceRound(service, input).decide()
}
