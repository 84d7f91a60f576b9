// The reads of `Ipvs`: the native call of each, and the conversion of its rows.
import {
  daemonReader,
  destinationReader,
  infoReader,
  operationCode,
  serviceReader,
  timeoutsReader,
} from '../binding/records.ts'
import { checked } from '../calls/context.ts'
import type { Handle } from '../calls/handle.ts'
import { parseCallOptions, parseListOptions, type CallOptions, type ListOptions } from '../calls/options.ts'
import { LazyTable, type Table } from '../values/table.ts'
import { listedDestination } from './destination.ts'
import type { ListedDestination } from './destination-types.ts'
import { infoOf, type Info } from './info.ts'
import type { ServiceKey } from './service-key.ts'
import { listedService, type ListedService } from './service.ts'
import { snapshotTable, type ServiceSnapshot, type SnapshotOptions } from './snapshot.ts'
import { listedSyncDaemon, type ListedSyncDaemon } from './sync-daemon.ts'
import { listedTimeouts, type Timeouts } from './timeouts.ts'
import { serviceOf } from './writes.ts'

export async function info(handle: Handle, options: CallOptions): Promise<Info> {
  const rows = await handle.read('info', 'IPVS', options)
  return infoOf(infoReader.rows(rows).at(0))
}

export async function getService(handle: Handle, key: ServiceKey, options: CallOptions): Promise<ListedService> {
  const context = handle.context('getService')
  const [identity, signal] = checked(context, () => [serviceOf(context, key), parseCallOptions(options)])
  const read = { code: operationCode('getService'), key: identity.row }
  const rows = await handle.queue.read(read, context, signal)
  return listedService(serviceReader.rows(rows).at(0))
}

/** `operation`: the method's name, for errors. */
export async function services(handle: Handle, operation: string, options: ListOptions): Promise<Table<ListedService>> {
  const context = handle.context(operation, 'all services')
  const { consistent, signal } = checked(context, () => parseListOptions(options))
  const read = { code: operationCode('listServices'), consistent }
  const rows = serviceReader.rows(await handle.queue.read(read, context, signal))
  return new LazyTable(rows.length, (index) => listedService(rows.at(index)))
}

/** `operation`: the method's name, for errors. */
export async function destinations(
  handle: Handle,
  operation: string,
  key: ServiceKey,
  options: ListOptions,
): Promise<Table<ListedDestination>> {
  const context = handle.context(operation)
  const [identity, { consistent, signal }] = checked(context, () => [
    serviceOf(context, key),
    parseListOptions(options),
  ])
  const read = { code: operationCode('listDestinations'), key: identity.row, consistent }
  const rows = destinationReader.rows(await handle.queue.read(read, context, signal))
  return new LazyTable(rows.length, (index) => listedDestination(rows.at(index), identity))
}

/** `operation`: the method's name, for errors. */
export async function snapshot(
  handle: Handle,
  operation: string,
  options: SnapshotOptions,
): Promise<Table<ServiceSnapshot>> {
  const context = handle.context(operation, 'all services')
  const { consistent, signal } = checked(context, () => parseListOptions(options))
  return snapshotTable(await handle.queue.snapshot(consistent, context, signal))
}

export async function timeouts(handle: Handle, options: CallOptions): Promise<Timeouts> {
  return listedTimeouts(timeoutsReader.rows(await handle.read('getTimeouts', 'timeouts', options)).at(0))
}

export async function syncDaemons(handle: Handle, options: CallOptions): Promise<ListedSyncDaemon[]> {
  const rows = daemonReader.rows(await handle.read('listSyncDaemons', 'daemons', options))
  return Array.from({ length: rows.length }, (_, index) => listedSyncDaemon(rows.at(index)))
}
