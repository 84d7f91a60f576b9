// The handle that everything about services and destinations goes through.
import type { BatchOperation } from './batch/operation.ts'
import type { BatchOptions, Items } from './batch/options.ts'
import type { Destination, DestinationKey, DestinationPatch, ListedDestination } from './services/destination.ts'
import type { BatchResult } from './values/errors.ts'
import { assertGone, ofFamily, parseFlushOptions, type FlushOptions } from './services/flush.ts'
import { startBatch } from './batch/start.ts'
import type { Handle } from './calls/handle.ts'
import { ConnectionPasses } from './connections/connections.ts'
import type { IpvsReader } from './ipvs-reader.ts'
import { openHandle } from './services/open.ts'
import * as reads from './services/reads.ts'
import type { NamespaceStatus } from './calls/namespace.ts'
import { parseCallOptions, type CallOptions, type ListOptions, type OpenOptions } from './calls/options.ts'
import * as writes from './services/writes.ts'
import { checked } from './calls/context.ts'
import type { ServiceKey } from './services/service-key.ts'
import type { ListedService, Service, ServicePatch } from './services/service.ts'
import type { Info } from './services/info.ts'
import type { ServiceSnapshot, SnapshotOptions } from './services/snapshot.ts'
import type { Table } from './values/table.ts'
import type { Connection } from './connections/connection.ts'
import type { ConnectionFilter } from './connections/filter.ts'
import type { ConnectionTable } from './connections/table.ts'
import type { ConnectionChanges, WatchConnectionsOptions } from './connections/changes.ts'
import type { TotalStatistics } from './connections/total-statistics.ts'
import type { ListedSyncDaemon, SyncDaemon, SyncDaemonRole } from './services/sync-daemon.ts'
import type { Timeouts, TimeoutsPatch } from './services/timeouts.ts'

const adding = (service: unknown) => ({ operation: 'addService', service })
const removing = (service: unknown) => ({ operation: 'removeService', service })

/**
 * The virtual services of a network namespace.
 *
 * Operations of one handle are carried out in the order in which they were called, whether awaited or not; writes that
 * are called in one tick share datagrams, so do not await each of many. All methods reject with `IpvsError`: bad
 * arguments as `ERR_IPVS_INVALID_ARGUMENT` before anything is sent, and everything after `close` as `ERR_IPVS_CLOSED`.
 * Objects that are passed in must be plain, as literals and JSON are: of an instance of a class only its own properties
 * could be seen, so it is refused.
 */
export class Ipvs implements IpvsReader {
  readonly #handle: Handle
  readonly #connections: ConnectionPasses

  private constructor(handle: Handle) {
    this.#handle = handle
    this.#connections = new ConnectionPasses(handle.netns)
  }

  /**
   * Opens a handle. Needs CAP_NET_ADMIN in the initial user namespace, and the kernel module `ip_vs`, which kernels
   * since 6.1 load by themselves.
   *
   * Rejects with `ERR_IPVS_UNAVAILABLE` without IPVS; with `ERR_IPVS_INVALID_ARGUMENT` or `ERR_IPVS_PERMISSION_DENIED`
   * when the namespace cannot be entered. Missing CAP_NET_ADMIN shows with the first operation.
   */
  static async open(options: OpenOptions = {}): Promise<Ipvs> {
    return new Ipvs(await openHandle(options))
  }

  /**
   * Adds a service. Like `ipvsadm -A`.
   *
   * Rejects with `ERR_IPVS_SERVICE_EXISTS`, `ERR_IPVS_SCHEDULER_NOT_FOUND`, `ERR_IPVS_PERSISTENCE_ENGINE_NOT_FOUND`.
   */
  async addService(service: Service, options: CallOptions = {}): Promise<void> {
    return this.#handle.write('addService', options, (context) => writes.addService(context, service))
  }

  /**
   * Changes what the patch names and nothing else (`ipvsadm -E` resets the rest). The kernel can only replace a service as a
   * whole: patches of several handles and processes that use this package take turns in reading and writing, so that none
   * loses another one's change; ipvsadm, keepalived and others do not (docs/kernels.md).
   *
   * Rejects with `ERR_IPVS_SERVICE_NOT_FOUND`, `ERR_IPVS_SCHEDULER_NOT_FOUND`, `ERR_IPVS_PERSISTENCE_ENGINE_NOT_FOUND`; with
   * `ERR_IPVS_CONFLICT` when it was not its turn within `timeoutMs`.
   */
  async updateService(key: ServiceKey, patch: ServicePatch, options: CallOptions = {}): Promise<void> {
    const context = this.#handle.context('updateService')
    const [{ read, write }, signal] = checked(context, () => [
      writes.updateService(context, key, patch),
      parseCallOptions(options),
    ])
    if (read === undefined) return this.#handle.queue.write(write(), context, signal)
    return this.#handle.queue.writeAfterRead(read, write, context, signal)
  }

  /**
   * Removes a service with its destinations. Connections stay; what happens to their packets is up to the sysctl
   * `net.ipv4.vs.expire_nodest_conn`. Like `ipvsadm -D`.
   *
   * Rejects with `ERR_IPVS_SERVICE_NOT_FOUND`.
   */
  async removeService(key: ServiceKey, options: CallOptions = {}): Promise<void> {
    return this.#handle.write('removeService', options, (context) => writes.removeService(context, key))
  }

  /**
   * Adds a destination to a service. Like `ipvsadm -a`.
   *
   * Rejects with `ERR_IPVS_SERVICE_NOT_FOUND`, `ERR_IPVS_DESTINATION_EXISTS`.
   */
  async addDestination(
    service: ServiceKey,
    destination: Destination | ListedDestination,
    options: CallOptions = {},
  ): Promise<void> {
    return this.#handle.write('addDestination', options, (context) =>
      writes.addDestination(context, service, destination),
    )
  }

  /**
   * Changes what the patch names and nothing else (`ipvsadm -e` resets the rest). `{ weight: 0 }` drains a destination. The
   * kernel has no request for one destination: all of the service are read for it. To patch many, use `batch`, or at least
   * do not await each, so that they share the reading. Takes turns with other patches, as `updateService` does.
   *
   * Rejects with `ERR_IPVS_SERVICE_NOT_FOUND`, `ERR_IPVS_DESTINATION_NOT_FOUND`; with `ERR_IPVS_CONFLICT` when it was not its
   * turn within `timeoutMs`, or when others kept changing the destinations while it was looked for.
   */
  async updateDestination(
    service: ServiceKey,
    destination: DestinationKey,
    patch: DestinationPatch | ListedDestination,
    options: CallOptions = {},
  ): Promise<void> {
    return this.#handle.write('updateDestination', options, (context) =>
      writes.updateDestination(context, service, destination, patch),
    )
  }

  /**
   * Removes a destination. New connections go elsewhere at once; connections it has are dropped or expire, depending on
   * the sysctl `net.ipv4.vs.expire_nodest_conn`. Like `ipvsadm -d`.
   *
   * Rejects with `ERR_IPVS_SERVICE_NOT_FOUND`, `ERR_IPVS_DESTINATION_NOT_FOUND`.
   */
  async removeDestination(service: ServiceKey, destination: DestinationKey, options: CallOptions = {}): Promise<void> {
    return this.#handle.write('removeDestination', options, (context) =>
      writes.removeDestination(context, service, destination),
    )
  }

  /**
   * Carries out many operations, in their order and many to a datagram: the fastest way to change much. A failed item does
   * not stop the rest, unless `stopOnError` says so: look at `failures`. Items may come from an array, a generator or any
   * other iterable, also an asynchronous one; they are read as they are needed, and each is checked when it is read. An
   * array is the fastest: its items are taken many at a time, and copied by V8's serializer for that, which may read a
   * property (a getter) several times. Other calls of this handle may be carried out in between. `timeoutMs` holds for at most 1024 items each.
   *
   * Rejects when the batch ended early: with `ERR_IPVS_ABORTED` or `ERR_IPVS_CLOSED`; with what would befall every item,
   * such as `ERR_IPVS_PERMISSION_DENIED`, `ERR_IPVS_UNAVAILABLE` or `ERR_IPVS_TIMEOUT`; with `ERR_IPVS_INVALID_ARGUMENT`
   * when reading the items or `onProgress` failed. The error's `batch` then says how far it got: nothing from its `done` on was
   * sent, so the same items from there on are a batch that goes on where this one ended. When the process or worker thread
   * ends meanwhile, nobody is told; what was sent is a part of the batch from its start. Like `ipvsadm -R`.
   */
  async batch(operations: Items<BatchOperation>, options: BatchOptions = {}): Promise<BatchResult<BatchOperation>> {
    return startBatch(this.#handle, 'batch', ['operations', operations], options)
  }

  /** A batch of `addService`. */
  async addServices(services: Items<Service>, options: BatchOptions = {}): Promise<BatchResult<BatchOperation>> {
    return startBatch(this.#handle, 'addServices', ['services', services], options, adding)
  }

  /** A batch of `removeService`. To remove all, `flush` is faster. */
  async removeServices(services: Items<ServiceKey>, options: BatchOptions = {}): Promise<BatchResult<BatchOperation>> {
    return startBatch(this.#handle, 'removeServices', ['services', services], options, removing)
  }

  /** A batch of `addDestination`, all for one service. */
  async addDestinations(
    service: ServiceKey,
    destinations: Items<Destination | ListedDestination>,
    options: BatchOptions = {},
  ): Promise<BatchResult<BatchOperation>> {
    const convert = (destination: unknown) => ({ operation: 'addDestination', service, destination })
    return startBatch(this.#handle, 'addDestinations', ['destinations', destinations], options, convert)
  }

  /** A batch of `removeDestination`, all for one service. */
  async removeDestinations(
    service: ServiceKey,
    destinations: Items<DestinationKey>,
    options: BatchOptions = {},
  ): Promise<BatchResult<BatchOperation>> {
    const convert = (destination: unknown) => ({ operation: 'removeDestination', service, destination })
    return startBatch(this.#handle, 'removeDestinations', ['destinations', destinations], options, convert)
  }

  /**
   * Removes all services of the namespace, whoever added them. Connections stay. Do not flush to load another table: change
   * what differs. Kernels are slow with destinations that were just removed, and Linux 7 may keep a service table that is
   * too small (docs/kernels.md). Like `ipvsadm -C`, which knows no `family`; with one, the error's `batch` says which removals
   * failed.
   */
  async flush(options: FlushOptions = {}): Promise<void> {
    const context = this.#handle.context('flush')
    const [{ family, signal }, write] = checked(context, () => [parseFlushOptions(options), writes.flush(context)])
    if (family === undefined) return this.#handle.queue.write(write, context, signal)
    const table = await this.serviceTable({ signal })
    assertGone(await this.removeServices(ofFamily(table, family), { signal }))
  }

  /**
   * Sets the counters of a service and its destinations to zero; without a key, those of all services and the totals of
   * the namespace. Rates start again at zero; numbers of connections are no counters and stay. Zero is what counters showed:
   * the kernel updates them every 2 seconds, and what has passed since the last time counts from then on. Like `ipvsadm -Z`.
   *
   * Rejects with `ERR_IPVS_SERVICE_NOT_FOUND`.
   */
  async zeroCounters(service?: ServiceKey, options: CallOptions = {}): Promise<void> {
    return this.#handle.write('zeroCounters', options, (context) => writes.zeroCounters(context, service))
  }

  /**
   * Changes the timeouts that are named and no other. Connections get them with their next packet. Like `ipvsadm --set`,
   * with 0 for those that are not named.
   */
  async setTimeouts(timeouts: TimeoutsPatch, options: CallOptions = {}): Promise<void> {
    return this.#handle.write('setTimeouts', options, (context) => writes.setTimeouts(context, timeouts))
  }

  /**
   * Starts a synchronisation daemon. It ends with `stopSyncDaemon` or with its namespace, not with the handle. Like
   * `ipvsadm --start-daemon`.
   *
   * Rejects with `ERR_IPVS_DAEMON_EXISTS`, `ERR_IPVS_INTERFACE_NOT_FOUND`; with `ERR_IPVS_KERNEL`, errno `ENETUNREACH`,
   * when the interface of a master is down; with `ERR_IPVS_INVALID_ARGUMENT`, errno `EINVAL`, when a service has a
   * destination of the other address family (the messages cannot describe its connections), which cannot be added either
   * while a daemon runs.
   */
  async startSyncDaemon(daemon: SyncDaemon, options: CallOptions = {}): Promise<void> {
    return this.#handle.write('startSyncDaemon', options, (context) => writes.startSyncDaemon(context, daemon))
  }

  /** Stops the daemon of a role. Like `ipvsadm --stop-daemon`. Rejects with `ERR_IPVS_DAEMON_NOT_RUNNING`. */
  async stopSyncDaemon(role: SyncDaemonRole, options: CallOptions = {}): Promise<void> {
    return this.#handle.write('stopSyncDaemon', options, (context) => writes.stopSyncDaemon(context, role))
  }

  // What follows changes nothing. Its documentation stands in IpvsReader and Connections.

  async info(options: CallOptions = {}): Promise<Info> {
    return reads.info(this.#handle, options)
  }

  async getService(key: ServiceKey, options: CallOptions = {}): Promise<ListedService> {
    return reads.getService(this.#handle, key, options)
  }

  async listServices(options: ListOptions = {}): Promise<ListedService[]> {
    return (await reads.services(this.#handle, 'listServices', options)).toArray()
  }

  async serviceTable(options: ListOptions = {}): Promise<Table<ListedService>> {
    return reads.services(this.#handle, 'serviceTable', options)
  }

  async listDestinations(service: ServiceKey, options: ListOptions = {}): Promise<ListedDestination[]> {
    return (await reads.destinations(this.#handle, 'listDestinations', service, options)).toArray()
  }

  async destinationTable(service: ServiceKey, options: ListOptions = {}): Promise<Table<ListedDestination>> {
    return reads.destinations(this.#handle, 'destinationTable', service, options)
  }

  async snapshot(options: SnapshotOptions = {}): Promise<ServiceSnapshot[]> {
    return (await reads.snapshot(this.#handle, 'snapshot', options)).toArray()
  }

  async snapshotTable(options: SnapshotOptions = {}): Promise<Table<ServiceSnapshot>> {
    return reads.snapshot(this.#handle, 'snapshotTable', options)
  }

  async getTimeouts(options: CallOptions = {}): Promise<Timeouts> {
    return reads.timeouts(this.#handle, options)
  }

  async listSyncDaemons(options: CallOptions = {}): Promise<ListedSyncDaemon[]> {
    return reads.syncDaemons(this.#handle, options)
  }

  connections(filter: ConnectionFilter = {}): AsyncGenerator<Connection, void, undefined> {
    return this.#connections.connections(filter)
  }

  async connectionTable(filter: ConnectionFilter = {}): Promise<ConnectionTable> {
    return this.#connections.connectionTable(filter)
  }

  watchConnections(options: WatchConnectionsOptions): AsyncGenerator<ConnectionChanges, void, undefined> {
    return this.#connections.watchConnections(options)
  }

  async statistics(options: CallOptions = {}): Promise<TotalStatistics> {
    return this.#connections.statistics(options)
  }

  async namespaceStatus(options: CallOptions = {}): Promise<NamespaceStatus> {
    return this.#handle.namespaceStatus(options)
  }

  async close(): Promise<void> {
    await Promise.all([this.#handle.queue.close(), this.#connections.close()])
    this.#handle.netns?.native.close()
  }

  /** For `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}
