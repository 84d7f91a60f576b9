// Ipvs: the handle for services, destinations and connections.
import type { BatchOperation } from './batch/operation.ts'
import type { BatchOptions, Items } from './batch/options.ts'
import type { Destination, DestinationKey, DestinationPatch, ListedDestination } from './services/destination-types.ts'
import type { BatchResult } from './values/errors.ts'
import { assertGone, ofFamily, parseFlushOptions, type FlushOptions } from './services/flush.ts'
import { addingServices, addingTo, removingFrom, removingServices, startBatch } from './batch/start.ts'
import type { Handle } from './calls/handle.ts'
import { ConnectionPasses } from './connections/connections.ts'
import type { IpvsReader } from './ipvs-reader.ts'
import { openHandle } from './services/open.ts'
import * as reads from './services/reads.ts'
import type { NamespaceStatus } from './calls/namespace.ts'
import type { CallOptions, ListOptions, OpenOptions } from './calls/options.ts'
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

/**
 * The virtual services of a network namespace.
 *
 * Operations of a handle run in the order of their calls, awaited or not. Writes called in the same tick share datagrams, so
 * do not await each of many. All methods reject with `IpvsError`: invalid arguments with `ERR_IPVS_INVALID_ARGUMENT` before
 * anything is sent, calls after `close` with `ERR_IPVS_CLOSED`. Arguments must be plain objects, like literals and JSON;
 * instances of classes are refused, because properties of their prototype would be ignored.
 */
export class Ipvs implements IpvsReader {
  readonly #handle: Handle
  readonly #connections: ConnectionPasses

  private constructor(handle: Handle) {
    this.#handle = handle
    this.#connections = new ConnectionPasses(handle.netns)
  }

  /**
   * Opens a handle. Needs CAP_NET_ADMIN in the initial user namespace, and the kernel module `ip_vs`, which kernels since
   * 6.1 load on demand.
   *
   * Rejects with `ERR_IPVS_UNAVAILABLE` without IPVS; with `ERR_IPVS_INVALID_ARGUMENT` or `ERR_IPVS_PERMISSION_DENIED` if the
   * namespace cannot be entered. Without CAP_NET_ADMIN, the first operation rejects.
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
   * Changes the settings in the patch; all other settings stay (`ipvsadm -E` resets them). The kernel can only replace all
   * settings of a service. A lock serializes reading and writing among all handles and processes that use this package, so
   * concurrent patches are not lost; ipvsadm and keepalived do not take this lock (docs/kernels.md).
   *
   * Rejects with `ERR_IPVS_SERVICE_NOT_FOUND`, `ERR_IPVS_SCHEDULER_NOT_FOUND`, `ERR_IPVS_PERSISTENCE_ENGINE_NOT_FOUND`; with
   * `ERR_IPVS_CONFLICT` if the lock was not free within `timeoutMs`.
   */
  async updateService(key: ServiceKey, patch: ServicePatch, options: CallOptions = {}): Promise<void> {
    return this.#handle.update('updateService', options, (context) => writes.updateService(context, key, patch))
  }

  /**
   * Removes a service with its destinations. Its connections stay; the sysctl `net.ipv4.vs.expire_nodest_conn` decides about
   * their packets. Like `ipvsadm -D`. Rejects with `ERR_IPVS_SERVICE_NOT_FOUND`.
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
   * Changes the settings in the patch; all other settings stay (`ipvsadm -e` resets them). `{ weight: 0 }` drains a
   * destination. The kernel has no request for a single destination, so all destinations of the service are read. To patch
   * many, use `batch`, or do not await each call, so that they share one read. Takes the same lock as `updateService`.
   *
   * Rejects with `ERR_IPVS_SERVICE_NOT_FOUND`, `ERR_IPVS_DESTINATION_NOT_FOUND`; with `ERR_IPVS_CONFLICT` if the lock was not
   * free within `timeoutMs`, or if the destinations changed during each attempt to read them.
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
   * Removes a destination. New connections go elsewhere at once; existing ones are dropped or expire, depending on the
   * sysctl `net.ipv4.vs.expire_nodest_conn`. Like `ipvsadm -d`.
   * Rejects with `ERR_IPVS_SERVICE_NOT_FOUND`, `ERR_IPVS_DESTINATION_NOT_FOUND`.
   */
  async removeDestination(service: ServiceKey, destination: DestinationKey, options: CallOptions = {}): Promise<void> {
    return this.#handle.write('removeDestination', options, (context) =>
      writes.removeDestination(context, service, destination),
    )
  }

  /**
   * Runs many operations in order, many per datagram: the fastest way to change much. After a failed item the batch
   * continues, unless `stopOnError` is true; see `failures`. Items come from any iterable or async iterable, are read on demand
   * and validated one at a time. Arrays are the fastest: V8's serializer copies many items at once and may read a property (a
   * getter) several times. Other calls of this handle may run in between. `timeoutMs` applies to each 1024 items.
   *
   * Rejects if the batch ended early: with `ERR_IPVS_ABORTED` or `ERR_IPVS_CLOSED`; with an error that affects every item, like
   * `ERR_IPVS_PERMISSION_DENIED`, `ERR_IPVS_UNAVAILABLE` or `ERR_IPVS_TIMEOUT`; with `ERR_IPVS_INVALID_ARGUMENT` if reading the
   * items or `onProgress` failed. The error's `batch` has the progress: no item at or after index `done` was sent, so a new
   * batch of those items continues there. If the process or the worker thread exits during the batch, a leading part of it is
   * applied. Like `ipvsadm -R`.
   */
  async batch(operations: Items<BatchOperation>, options: BatchOptions = {}): Promise<BatchResult<BatchOperation>> {
    return startBatch(this.#handle, 'batch', ['operations', operations], options)
  }

  /** A batch of `addService`. */
  async addServices(services: Items<Service>, options: BatchOptions = {}): Promise<BatchResult<BatchOperation>> {
    return startBatch(this.#handle, 'addServices', ['services', services], options, addingServices)
  }

  /** A batch of `removeService`. `flush` is faster to remove all services. */
  async removeServices(services: Items<ServiceKey>, options: BatchOptions = {}): Promise<BatchResult<BatchOperation>> {
    return startBatch(this.#handle, 'removeServices', ['services', services], options, removingServices)
  }

  /** A batch of `addDestination`, all for one service. */
  async addDestinations(
    service: ServiceKey,
    destinations: Items<Destination | ListedDestination>,
    options: BatchOptions = {},
  ): Promise<BatchResult<BatchOperation>> {
    return startBatch(this.#handle, 'addDestinations', ['destinations', destinations], options, addingTo(service))
  }

  /** A batch of `removeDestination`, all for one service. */
  async removeDestinations(
    service: ServiceKey,
    destinations: Items<DestinationKey>,
    options: BatchOptions = {},
  ): Promise<BatchResult<BatchOperation>> {
    return startBatch(
      this.#handle,
      'removeDestinations',
      ['destinations', destinations],
      options,
      removingFrom(service),
    )
  }

  /**
   * Removes all services of the namespace; connections stay. To load another table, change the differences instead: re-adding
   * destinations is slow, and Linux 7 may keep a service table that is too small (docs/kernels.md). With `family`, which
   * `ipvsadm -C` lacks, the error's `batch` has the failed removals. Like `ipvsadm -C`.
   */
  async flush(options: FlushOptions = {}): Promise<void> {
    const context = this.#handle.context('flush')
    const [{ family, signal }, write] = checked(context, () => [parseFlushOptions(options), writes.flush(context)])
    if (family === undefined) return this.#handle.queue.write(write, context, signal)
    const table = await this.serviceTable({ signal })
    assertGone(await this.removeServices(ofFamily(table, family), { signal }))
  }

  /**
   * Sets the counters of a service and its destinations to zero; without a key, the counters of all services and the totals
   * of the namespace. Rates restart at zero; numbers of active and inactive connections stay. The kernel updates counters every
   * 2 seconds; packets since then count after the reset. Like `ipvsadm -Z`. Rejects with `ERR_IPVS_SERVICE_NOT_FOUND`.
   */
  async zeroCounters(service?: ServiceKey, options: CallOptions = {}): Promise<void> {
    return this.#handle.write('zeroCounters', options, (context) => writes.zeroCounters(context, service))
  }

  /**
   * Changes the given timeouts. A connection gets the new timeout with its next packet. Like `ipvsadm --set`, with 0 for
   * absent timeouts.
   */
  async setTimeouts(timeouts: TimeoutsPatch, options: CallOptions = {}): Promise<void> {
    return this.#handle.write('setTimeouts', options, (context) => writes.setTimeouts(context, timeouts))
  }

  /**
   * Starts a synchronisation daemon, which outlives the handle and ends with its namespace. Like `ipvsadm --start-daemon`.
   *
   * Rejects with `ERR_IPVS_DAEMON_EXISTS`, `ERR_IPVS_INTERFACE_NOT_FOUND`; with `ERR_IPVS_KERNEL`, errno `ENETUNREACH`, if the
   * interface of a master is down; with `ERR_IPVS_INVALID_ARGUMENT`, errno `EINVAL`, if a service has a destination of the
   * other address family, whose connections the messages cannot describe. A running daemon forbids to add one as well.
   */
  async startSyncDaemon(daemon: SyncDaemon, options: CallOptions = {}): Promise<void> {
    return this.#handle.write('startSyncDaemon', options, (context) => writes.startSyncDaemon(context, daemon))
  }

  /** Stops the daemon of a role. Like `ipvsadm --stop-daemon`. Rejects with `ERR_IPVS_DAEMON_NOT_RUNNING`. */
  async stopSyncDaemon(role: SyncDaemonRole, options: CallOptions = {}): Promise<void> {
    return this.#handle.write('stopSyncDaemon', options, (context) => writes.stopSyncDaemon(context, role))
  }

  // Reads, documented in IpvsReader and Connections.
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
