// A service and its servers as entries of the kernel's table.
import type { Destination, Service, ServiceKey } from 'ipvs'
import { stateEntries, type StateService } from 'ipvs/state'
import type { Decision } from './decision.ts'
import type { ServerId } from './inputs.ts'
import { serverId } from './overrides.ts'
import type { ServiceDecision } from './service.ts'
import type { SiteServer, SiteService, SorryServer, Virtual } from '../site/site.ts'

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

function destinationOf({ server, weight }: Pick<Decision, 'server' | 'weight'>, port: number): Destination {
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
  const port = portOf(key)
  const destinations = servers
    .filter(({ place, server }) => place !== 'absent' && reaches(family, server))
    .map((decision) => destinationOf(decision, port))
  // Servers of the other family do not help the clients of this one.
  const nobody = !destinations.some(({ weight = 1 }) => weight > 0)
  if ((sorry || nobody) && service.sorry !== undefined && reaches(family, service.sorry)) {
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

interface KernelKey {
  readonly key: ServiceKey
  readonly family: Family
}

/** The keys of a service in the kernel: one for each family of a mark service, one for each address otherwise. */
function kernelKeys({ virtuals }: SiteService, mark: number | undefined): KernelKey[] {
  if (mark === undefined) return virtuals.map((virtual) => ({ key: addressKey(virtual), family: virtual.family }))
  const families = [...new Set(virtuals.map(({ family }) => family))]
  return families.map((family) => ({ key: { fwmark: mark, family }, family }))
}

const portOf = (key: ServiceKey): number => ('fwmark' in key ? 0 : (key.port ?? 0))

/** The service's entries with the destinations that were decided. */
export function stateServices(decision: ServiceDecision, mark: number | undefined): StateService[] {
  return kernelKeys(decision.service, mark).map(({ key, family }) => stateService(decision, key, family))
}

/** Keys of the destinations of each server, as of `stateEntries`, whether they are in the table or not. */
export function destinationKeys(service: SiteService, mark: number | undefined): Map<ServerId, string[]> {
  const keys = new Map<ServerId, string[]>()
  for (const { key, family } of kernelKeys(service, mark)) {
    const servers = service.servers.filter((server: SiteServer) => reaches(family, server))
    const destinations = servers.map((server) => destinationOf({ server, weight: 1 }, portOf(key)))
    const entries = stateEntries({ services: [{ service: key, destinations }] }).slice(1)
    for (const [index, server] of servers.entries()) {
      const id = serverId(service.name, server.name)
      keys.set(id, [...(keys.get(id) ?? []), (entries[index] as { key: string }).key])
    }
  }
  return keys
}
