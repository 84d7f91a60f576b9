// desired(): from the site, health, overrides and time to the state that the kernel should have. Pure: the same input gives the
// same output.
import type { Destination, MarkRule, NatRule, Service, ServiceKey } from 'ipvs'
import type { State, StateService } from 'ipvs/state'
import type { Decision } from './decision.ts'
import type { Memory } from './inputs.ts'
import { allocatedMarks, ftpRules, markRules, marksOf } from './marks.ts'
import { decideService, type ServiceDecision, type ServiceInput } from './service.ts'
import type { Site, SiteServer, SiteService, SorryServer, Virtual } from '../site/site.ts'

export interface DesiredInput extends ServiceInput {
  readonly site: Site
  readonly memory: Memory
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

type Family = 'ipv4' | 'ipv6'

function settingsOf({
  scheduler,
  schedulerFlags,
  persistence,
  onePacket,
}: SiteService): Omit<Service, keyof ServiceKey> {
  return {
    scheduler,
    ...(schedulerFlags.length > 0 ? { schedulerFlags } : {}),
    ...(onePacket ? { onePacket } : {}),
    ...(persistence?.engine === undefined ? {} : { persistenceEngine: persistence.engine }),
    ...(persistence === undefined
      ? {}
      : {
          persistence: {
            timeoutSeconds: persistence.timeoutSeconds,
            ...(persistence.netmask === undefined ? {} : { netmask: persistence.netmask }),
          },
        }),
  }
}

function destinationOf({ server, weight }: Decision, port: number): Destination {
  const { address, forwarding, upperThreshold, lowerThreshold, tunnel } = server
  return {
    address,
    port: server.port ?? port,
    forwarding,
    weight,
    ...(upperThreshold > 0 ? { upperThreshold } : {}),
    ...(lowerThreshold > 0 ? { lowerThreshold } : {}),
    ...(tunnel === undefined ? {} : { tunnel: tunnel as NonNullable<Destination['tunnel']> }),
  }
}

const sorryDestination = ({ address, port, forwarding }: SorryServer, servicePort: number): Destination => ({
  address,
  port: port ?? servicePort,
  forwarding,
  weight: 1,
})

/** Only a tunnel leads to a server of another family. */
const reaches = (family: Family, target: { family: Family; forwarding: string }): boolean =>
  target.family === family || target.forwarding === 'tunnel'

function stateService({ service, servers, sorry }: ServiceDecision, key: ServiceKey, family: Family): StateService {
  const port = 'fwmark' in key ? 0 : (key.port ?? 0)
  const destinations = servers
    .filter(({ place, server }) => place !== 'absent' && reaches(family, server))
    .map((decision) => destinationOf(decision, port))
  if (sorry && service.sorry !== undefined && reaches(family, service.sorry)) {
    destinations.push(sorryDestination(service.sorry, port))
  }
  // Two names may have one address: the kernel has one destination for it, with the larger weight.
  const unique = new Map<string, Destination>()
  for (const each of destinations) {
    const id = `${each.address} ${each.port}`
    const other = unique.get(id)
    if (other === undefined || (other.weight ?? 0) < (each.weight ?? 0)) unique.set(id, each)
  }
  return { service: { ...key, ...settingsOf(service) }, destinations: [...unique.values()] }
}

function addressKey({ address, protocol, ports }: Virtual): ServiceKey {
  const port = ports === 'all' ? 0 : (ports[0]?.from ?? 0)
  return { address, protocol, port }
}

/** The service's entries in the kernel: one for each family of a mark service, one for each address otherwise. */
function stateServices(decision: ServiceDecision, mark: number | undefined): StateService[] {
  const { virtuals } = decision.service
  if (mark === undefined) return virtuals.map((virtual) => stateService(decision, addressKey(virtual), virtual.family))
  const families = [...new Set(virtuals.map(({ family }) => family))]
  return families.map((family) => stateService(decision, { fwmark: mark, family }, family))
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
    const found = discovered?.get(service.name) ?? []
    return decideService(found.length > 0 ? { ...service, servers: [...service.servers, ...found] } : service, input)
  })
  const rules: MarkRule[] = []
  const nat: NatRule[] = []
  const services: StateService[] = []
  for (const decision of decisions) {
    const { service } = decision
    const mark = marks.get(service.name)
    services.push(...stateServices(decision, mark))
    if (mark !== undefined) rules.push(...markRules(service, mark))
    nat.push(...ftpRules(service))
  }
  return {
    state: { services, marks: rules, nat },
    memory: { ...memory, marks: allocatedMarks(site, marks) },
    services: decisions,
    marks,
    alarms: decisions.flatMap(({ alarms }) => alarms),
    withdraw: decisions.some(({ withdraw }) => withdraw),
    wakeAt: earliest(decisions.map(({ wakeAt }) => wakeAt)),
  }
}
