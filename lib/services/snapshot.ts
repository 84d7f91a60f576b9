// All services with their destinations, in one call.
import type { FoundTable } from '../binding/replies.ts'
import { listedDestination, type ListedDestination } from './destination.ts'
import type { ListOptions } from '../calls/options.ts'
import { destinationReader, serviceReader } from '../binding/records.ts'
import { listedService, type ListedService } from './service.ts'
import { LazyTable, type Table } from '../values/table.ts'

/** A service with its destinations. Use it as a key, or add it again: `addService` ignores its destinations, so add them after it. */
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

export function snapshotTable(found: FoundTable): Table<ServiceSnapshot> {
  const services = serviceReader.rows(found.services)
  const destinations = destinationReader.rows(found.destinations)
  const starts = startsOf(new Uint32Array(found.counts))
  const start = (index: number) => starts[index] as number
  const convert = (index: number) => {
    const service = listedService(services.at(index))
    const own: ListedDestination[] = []
    for (let next = start(index); next < start(index + 1); next++) {
      own.push(listedDestination(destinations.at(next), service))
    }
    return Object.assign(service, { destinations: own })
  }
  return new LazyTable(services.length, convert, (index) => 1 + start(index + 1) - start(index))
}

// Where the destinations of each service start, and where the last ones end.
function startsOf(counts: Uint32Array): Uint32Array {
  const starts = new Uint32Array(counts.length + 1)
  for (let index = 0; index < counts.length; index++) {
    starts[index + 1] = (starts[index] as number) + (counts[index] as number)
  }
  return starts
}
