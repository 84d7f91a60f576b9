// What the kernel counts, by the names of the site.
import type { ServiceSnapshot } from 'ipvs'
import { stateEntries } from 'ipvs/state'
import { destinationKeys } from '../desired/entries.ts'
import type { ServerId } from '../desired/inputs.ts'
import type { ServiceDecision } from '../desired/service.ts'

/** Sums over the entries of a service or server in the kernel: several addresses, both families of a mark. */
export interface Traffic {
  active: number
  inactive: number
  persistent: number
  connections: bigint
  inPackets: bigint
  outPackets: bigint
  inBytes: bigint
  outBytes: bigint
}

type Counted = ServiceSnapshot['destinations'][number]

const none = (): Traffic => ({
  active: 0,
  inactive: 0,
  persistent: 0,
  connections: 0n,
  inPackets: 0n,
  outPackets: 0n,
  inBytes: 0n,
  outBytes: 0n,
})

function add(
  sum: Traffic,
  { activeConnections, inactiveConnections, persistentConnections, statistics }: Counted,
): void {
  sum.active += activeConnections
  sum.inactive += inactiveConnections
  sum.persistent += persistentConnections
  sum.connections += statistics.connections
  sum.inPackets += statistics.inPackets
  sum.outPackets += statistics.outPackets
  sum.inBytes += statistics.inBytes
  sum.outBytes += statistics.outBytes
}

/** By the key of a destination. */
function countedByKey(snapshot: readonly ServiceSnapshot[]): ReadonlyMap<string, Counted> {
  const found = new Map<string, Counted>()
  for (const { destinations, ...service } of snapshot) {
    const [, ...entries] = stateEntries({ services: [{ service, destinations }] })
    for (const [index, { key }] of entries.entries()) found.set(key, destinations[index] as Counted)
  }
  return found
}

/** By server; a server that is not in the table has no entry. */
export function trafficOf(
  services: readonly ServiceDecision[],
  marks: ReadonlyMap<string, number>,
  snapshot: readonly ServiceSnapshot[],
): ReadonlyMap<ServerId, Traffic> {
  const counted = countedByKey(snapshot)
  const result = new Map<ServerId, Traffic>()
  for (const { service } of services) {
    for (const [id, keys] of destinationKeys(service, marks.get(service.name))) {
      const found = keys.map((key) => counted.get(key)).filter((each) => each !== undefined)
      if (found.length === 0) continue
      const sum = none()
      for (const each of found) add(sum, each)
      result.set(id, sum)
    }
  }
  return result
}
