// What a handle can tell: everything about services and destinations that changes nothing.
import { Connections } from './connections/connections.ts'
import { listedDestination, type ListedDestination } from './services/destination.ts'
import type { Handle } from './ipvs-handle.ts'
import { infoOf, type Info } from './services/info.ts'
import type { NamespaceStatus } from './calls/namespace.ts'
import { parseCallOptions, parseListOptions, type CallOptions, type ListOptions } from './calls/options.ts'
import {
  daemonReader,
  destinationReader,
  infoReader,
  operationCode,
  serviceReader,
  timeoutsReader,
} from './binding/records.ts'
import { serviceOf } from './services/writes.ts'
import { checked } from './calls/context.ts'
import type { ServiceKey } from './services/service-key.ts'
import { listedService, type ListedService } from './services/service.ts'
import { snapshotTable, type ServiceSnapshot, type SnapshotOptions } from './services/snapshot.ts'
import { listedSyncDaemon, type ListedSyncDaemon } from './services/sync-daemon.ts'
import { LazyTable, type Table } from './values/table.ts'
import { listedTimeouts, type Timeouts } from './services/timeouts.ts'

/** The half of `Ipvs` that only reads: a type for code that must not change anything. */
export abstract class IpvsReader extends Connections implements AsyncDisposable {
  readonly #handle: Handle

  protected constructor(handle: Handle) {
    super(handle.netns)
    this.#handle = handle
  }

  /** Version of IPVS and size of its connection table. Like the head of `ipvsadm -L`. */
  async info(options: CallOptions = {}): Promise<Info> {
    const rows = await this.#handle.read('info', 'IPVS', options)
    return infoOf(infoReader.rows(rows).at(0))
  }

  /** One service. Rejects with `ERR_IPVS_SERVICE_NOT_FOUND`. */
  async getService(key: ServiceKey, options: CallOptions = {}): Promise<ListedService> {
    const context = this.#handle.context('getService')
    const [identity, signal] = checked(context, () => [serviceOf(context, key), parseCallOptions(options)])
    const read = { code: operationCode('getService'), key: identity.row }
    const rows = await this.#handle.queue.read(read, context, signal)
    return listedService(serviceReader.rows(rows).at(0))
  }

  /** All services; an empty table is `[]`. Like `ipvsadm -L`. May reject with `ERR_IPVS_CONFLICT`. */
  async listServices(options: ListOptions = {}): Promise<ListedService[]> {
    return (await this.#services('listServices', options)).toArray()
  }

  /** `listServices` for long listings: rows become objects when they are looked at. */
  async serviceTable(options: ListOptions = {}): Promise<Table<ListedService>> {
    return this.#services('serviceTable', options)
  }

  async #services(operation: string, options: ListOptions): Promise<Table<ListedService>> {
    const context = this.#handle.context(operation, 'all services')
    const { consistent, signal } = checked(context, () => parseListOptions(options))
    const read = { code: operationCode('listServices'), consistent }
    const rows = serviceReader.rows(await this.#handle.queue.read(read, context, signal))
    return new LazyTable(rows.length, (index) => listedService(rows.at(index)))
  }

  /**
   * The destinations of a service, newest first as the kernel has them.
   *
   * Rejects with `ERR_IPVS_SERVICE_NOT_FOUND`; a service without destinations has `[]`. May reject with
   * `ERR_IPVS_CONFLICT`.
   */
  async listDestinations(service: ServiceKey, options: ListOptions = {}): Promise<ListedDestination[]> {
    return (await this.#destinations('listDestinations', service, options)).toArray()
  }

  /** `listDestinations` for long listings: rows become objects when they are looked at. */
  async destinationTable(service: ServiceKey, options: ListOptions = {}): Promise<Table<ListedDestination>> {
    return this.#destinations('destinationTable', service, options)
  }

  async #destinations(operation: string, key: ServiceKey, options: ListOptions): Promise<Table<ListedDestination>> {
    const context = this.#handle.context(operation)
    const [identity, { consistent, signal }] = checked(context, () => [
      serviceOf(context, key),
      parseListOptions(options),
    ])
    const read = { code: operationCode('listDestinations'), key: identity.row, consistent }
    const rows = destinationReader.rows(await this.#handle.queue.read(read, context, signal))
    return new LazyTable(rows.length, (index) => listedDestination(rows.at(index), identity))
  }

  /**
   * All services with their destinations, at about the cost of `listServices` and one `listDestinations` for each. Like
   * `ipvsadm -L`, which reads once.
   *
   * What it takes is one service after the other, not one moment: each service's destinations were so when they were read,
   * and counters are those of the last pass. Services that are removed during a pass are left out of it. No service or
   * destination is ever in it twice. See `consistent` for what can be missing. All of it together has the handle's
   * `timeoutMs`.
   *
   * May reject with `ERR_IPVS_CONFLICT`.
   */
  async snapshot(options: SnapshotOptions = {}): Promise<ServiceSnapshot[]> {
    return (await this.#snapshot('snapshot', options)).toArray()
  }

  /** `snapshot` for long tables: rows become objects when they are looked at. */
  async snapshotTable(options: SnapshotOptions = {}): Promise<Table<ServiceSnapshot>> {
    return this.#snapshot('snapshotTable', options)
  }

  async #snapshot(operation: string, options: SnapshotOptions): Promise<Table<ServiceSnapshot>> {
    const context = this.#handle.context(operation, 'all services')
    const { consistent, signal } = checked(context, () => parseListOptions(options))
    return snapshotTable(await this.#handle.queue.snapshot(consistent, context, signal))
  }

  /** How long idle connections are kept. Like `ipvsadm -L --timeout`. */
  async getTimeouts(options: CallOptions = {}): Promise<Timeouts> {
    const rows = await this.#handle.read('getTimeouts', 'timeouts', options)
    return listedTimeouts(timeoutsReader.rows(rows).at(0))
  }

  /** The daemons that run, the master first; `[]` when there is none. Like `ipvsadm -L --daemon`. */
  async listSyncDaemons(options: CallOptions = {}): Promise<ListedSyncDaemon[]> {
    const rows = daemonReader.rows(await this.#handle.read('listSyncDaemons', 'daemons', options))
    return Array.from({ length: rows.length }, (_, index) => listedSyncDaemon(rows.at(index)))
  }

  /**
   * Whether the path that the handle was opened with still leads to its network namespace. All that a handle does, it does in
   * the namespace that the path led to when it was opened; that one stays alive as long as the handle is open, also when its
   * name was deleted and given to another. Who wants to follow the name opens a new handle when this is not `current`.
   * `current` as well when `netns` was not given.
   */
  async namespaceStatus(options: CallOptions = {}): Promise<NamespaceStatus> {
    return this.#handle.namespaceStatus(options)
  }

  /**
   * Closes the handle. What the kernel is doing ends first; what was not sent yet rejects with `ERR_IPVS_CLOSED`, as does
   * everything from now on. Services stay. Idempotent.
   */
  async close(): Promise<void> {
    await Promise.all([this.#handle.queue.close(), this.closePasses()])
    this.#handle.netns?.native.close()
  }

  /** For `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}
