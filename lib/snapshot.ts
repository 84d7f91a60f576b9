// All services with their destinations, in one call.
import type { Reply } from './binding.ts'
import { listedDestination, type ListedDestination } from './destination.ts'
import type { ListOptions } from './options.ts'
import { destinationReader, serviceReader } from './records.ts'
import { listedService, type ListedService } from './service.ts'
import { Slices } from './slices.ts'

/** A service with its destinations. Use it as a key; to add it again, take the destinations out and add them after it. */
export type ServiceSnapshot = ListedService & {
  /** Newest first, as the kernel has them. */
  readonly destinations: readonly ListedDestination[]
}

/** Options of `snapshot`. */
export interface SnapshotOptions extends ListOptions {
  /**
   * Default `true`: everything is read again until two passes in a row have the same services with the same destinations,
   * at most eight times, else the call rejects with `ERR_IPVS_CONFLICT`. That leaves one gap: others who make the very
   * same changes during both passes, adding and removing one service over and over, can hide another entry from both.
   * `false`: one pass. It can miss services and destinations that were there all the time, when others remove some.
   */
  readonly consistent?: boolean | undefined
}

/** Converts in slices of a few milliseconds, letting everything else happen between them. */
export async function convertSnapshot(reply: Reply): Promise<ServiceSnapshot[]> {
  const services = serviceReader.rows(reply.rows ?? new ArrayBuffer(0))
  const destinations = destinationReader.rows(reply.destinations ?? new ArrayBuffer(0))
  const counts = new Uint32Array(reply.counts ?? new ArrayBuffer(0))
  const slices = new Slices()
  const converted: ServiceSnapshot[] = []
  let next = 0
  for (const [index, count] of counts.entries()) {
    const service = listedService(services.at(index))
    const own: ListedDestination[] = []
    for (const end = next + count; next < end; next++) {
      own.push(listedDestination(destinations.at(next), service))
      if (slices.due()) await slices.next()
    }
    converted.push(Object.assign(service, { destinations: own }))
    if (slices.due()) await slices.next()
  }
  return converted
}
