// desired(): from the site, health, overrides and time to the state that the kernel should have. Pure: the same input gives the
// same output.
import type { MarkRule } from 'ipvs'
import type { State, StateService } from 'ipvs/state'
import { stateServices } from './entries.ts'
import type { Memory } from './inputs.ts'
import { allocatedMarks, ftpRules, markRules, marksOf } from './marks.ts'
import { decideService, type ServiceDecision, type ServiceInput } from './service.ts'
import type { Site, SiteServer } from '../site/site.ts'

export interface DesiredInput extends ServiceInput {
  readonly site: Site
  /** Marks that other programs use: they are not allocated. */
  readonly foreignMarks?: ReadonlySet<number>
  /** Servers from DNS or files, by the name of the service. */
  readonly discovered?: ReadonlyMap<string, readonly SiteServer[]>
}

export interface Desired {
  /** Services with destinations, mark and NAT rules: valid input of `diffState`. */
  readonly state: State
  /** To be kept. */
  readonly memory: Memory
  readonly services: readonly ServiceDecision[]
  /** The mark of each service that has one. */
  readonly marks: ReadonlyMap<string, number>
  readonly alarms: readonly string[]
  readonly withdraw: boolean
  /** The next time at which the state changes by time alone. */
  readonly wakeAt: number | undefined
}

function earliest(times: readonly (number | undefined)[]): number | undefined {
  const known = times.filter((time) => time !== undefined)
  return known.length === 0 ? undefined : Math.min(...known)
}

/** What the kernel should have now, and why. */
export function desired(input: DesiredInput): Desired {
  const { site, memory, discovered, foreignMarks = new Set<number>() } = input
  const marks = marksOf(site, memory, foreignMarks)
  const decisions = site.services.map((service) => {
    const named = new Set(service.servers.map(({ name }) => name))
    const found = (discovered?.get(service.name) ?? []).filter(({ name }) => !named.has(name))
    return decideService(found.length > 0 ? { ...service, servers: [...service.servers, ...found] } : service, input)
  })
  const rules: MarkRule[] = []
  const services: StateService[] = []
  for (const decision of decisions) {
    const { service } = decision
    const mark = marks.get(service.name)
    services.push(...stateServices(decision, mark))
    if (mark !== undefined) rules.push(...markRules(service, mark))
  }
  return {
    state: { services, marks: rules, nat: ftpRules(decisions.map(({ service }) => service)) },
    memory: {
      marks: allocatedMarks(site, marks),
      low: decisions.filter(({ low }) => low).map(({ service }) => service.name),
      notes: Object.fromEntries(decisions.flatMap(({ notes }) => notes)),
    },
    services: decisions,
    marks,
    alarms: decisions.flatMap(({ alarms }) => alarms),
    withdraw: decisions.some(({ withdraw }) => withdraw),
    wakeAt: earliest(decisions.map(({ wakeAt }) => wakeAt)),
  }
}
