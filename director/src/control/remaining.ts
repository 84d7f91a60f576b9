// What is left on draining servers, from the kernel's counters.
import type { Ipvs } from 'ipvs'
import { stateEntries } from 'ipvs/state'
import { destinationKeys } from '../desired/entries.ts'
import type { Override, Remaining, ServerId } from '../desired/inputs.ts'
import { holds, overrideOf } from '../desired/overrides.ts'
import type { Site } from '../site/site.ts'

/** Connections and templates of each destination, by the key that `stateEntries` gives it; `open`: it gets new ones. */
async function remainingByKey(ipvs: Pick<Ipvs, 'snapshot'>): Promise<Map<string, Remaining | 'open'>> {
  const remaining = new Map<string, Remaining | 'open'>()
  for (const { destinations, ...service } of await ipvs.snapshot()) {
    const keys = stateEntries({ services: [{ service, destinations }] }).slice(1)
    for (const [index, each] of destinations.entries()) {
      const key = (keys[index] as { key: string }).key
      const connections = each.activeConnections + each.inactiveConnections
      remaining.set(key, each.weight > 0 ? 'open' : { connections, templates: each.persistentConnections })
    }
  }
  return remaining
}

export interface RemainingInput {
  readonly site: Site
  readonly marks: ReadonlyMap<string, number>
  readonly overrides: readonly Override[]
  readonly ipvs: Pick<Ipvs, 'snapshot'>
  readonly now: number
}

/**
 * Counted only while something drains, and only for servers that do and have weight 0 in the kernel: a server that still gets new
 * connections may have none at one moment and be needed at the next.
 */
export async function remainingOf({
  site,
  marks,
  overrides,
  ipvs,
  now,
}: RemainingInput): Promise<Map<ServerId, Remaining>> {
  const remaining = new Map<ServerId, Remaining>()
  if (!overrides.some((each) => each.kind === 'drain' && holds(each, now))) return remaining
  const counts = await remainingByKey(ipvs)
  for (const service of site.services) {
    for (const [id, keys] of destinationKeys(service, marks.get(service.name))) {
      const name = id.slice(service.name.length + 1)
      if (overrideOf(overrides, service.name, name, now)?.kind !== 'drain') continue
      const found = keys.map((key) => counts.get(key)).filter((each) => each !== undefined)
      if (!found.every((each) => each !== 'open')) continue
      const sum = (of: (each: Remaining) => number): number => found.reduce((total, each) => total + of(each), 0)
      remaining.set(id, {
        ...(found.length === 0 && { absent: true }),
        connections: sum((each) => each.connections),
        templates: sum((each) => each.templates),
      })
    }
  }
  return remaining
}
