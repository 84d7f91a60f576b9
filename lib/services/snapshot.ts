// Snapshots: all services with their destinations.
import type { FoundTable } from '../binding/replies.ts'
import { listedDestination } from './destination.ts'
import type { ListedDestination } from './destination-types.ts'
import type { ListOptions } from '../calls/options.ts'
import { destinationReader, serviceReader } from '../binding/records.ts'
import { listedService, type ListedService } from './service.ts'
import { LazyTable, type Table } from '../values/table.ts'

/** A service with its destinations. Valid input for `addService`, which ignores `destinations`: add them separately. */
export type ServiceSnapshot = ListedService & {
  /** Destinations in kernel order, newest first. */
  readonly destinations: readonly ListedDestination[]
}

/** Options of `snapshot`. */
export interface SnapshotOptions extends ListOptions {
  /**
   * `true`, the default: reads everything repeatedly until two consecutive passes have the same services with the same
   * destinations, at most eight times; then rejects with `ERR_IPVS_CONFLICT`. One gap remains: a program that makes the same
   * changes during both passes, such as adding and removing one service in a loop, can hide an entry from both.
   * `false`: one pass, which may miss unchanged entries when another program removes some meanwhile.
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

// Index of the first destination of each service, and the total count as last element.
function startsOf(counts: Uint32Array): Uint32Array {
  const starts = new Uint32Array(counts.length + 1)
  for (let index = 0; index < counts.length; index++) {
    starts[index + 1] = (starts[index] as number) + (counts[index] as number)
  }
  return starts
}
