// What the kernel has when the daemon starts: servers with traffic stay in the table until a check says that they are down.
import { stateEntries, type CurrentState } from 'ipvs/state'
import type { Desired } from '../desired/desired.ts'
import { destinationKeys } from '../desired/entries.ts'
import type { ServerId } from '../desired/inputs.ts'
import type { Site } from '../site/site.ts'

/** The servers of the site that get new connections in the kernel. `marks`: of the services. */
export function adoptedServers(site: Site, marks: ReadonlyMap<string, number>, current: CurrentState): Set<ServerId> {
  const weighted = new Set<string>()
  for (const entry of stateEntries(current)) {
    if (entry.kind === 'destination' && (entry.destination.weight ?? 1) > 0) weighted.add(entry.key)
  }
  const adopted = new Set<ServerId>()
  for (const service of site.services) {
    for (const [id, keys] of destinationKeys(service, marks.get(service.name))) {
      if (keys.some((key) => weighted.has(key))) adopted.add(id)
    }
  }
  return adopted
}

/**
 * The servers whose traffic does not depend on a verdict: they keep it if their health becomes unknown. Not those that have it
 * because too few are healthy, or because an operator says so: nothing is known of their health.
 */
export function provenServers({ services }: Desired): Set<ServerId> {
  const decisions = services.flatMap(({ servers }) => servers)
  const proven = decisions.filter(
    ({ place, code }) => place === 'traffic' && code !== 'fail-open' && code !== 'forced-up',
  )
  return new Set(proven.map(({ id }) => id))
}
