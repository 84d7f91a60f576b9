// IpvsReader: the methods of `Ipvs` that only read, as a type.
import type { NamespaceStatus } from './calls/namespace.ts'
import type { CallOptions, ListOptions } from './calls/options.ts'
import type { Connections } from './connections/connections.ts'
import type { ListedDestination } from './services/destination-types.ts'
import type { Info } from './services/info.ts'
import type { ServiceKey } from './services/service-key.ts'
import type { ListedService } from './services/service.ts'
import type { ServiceSnapshot, SnapshotOptions } from './services/snapshot.ts'
import type { ListedSyncDaemon } from './services/sync-daemon.ts'
import type { Timeouts } from './services/timeouts.ts'
import type { Table } from './values/table.ts'

/** The methods of `Ipvs` that only read: a type for code that must not change anything. */
export interface IpvsReader extends Connections, AsyncDisposable {
  /** Version of IPVS and size of its connection table. Like the head of `ipvsadm -L`. */
  info(options?: CallOptions): Promise<Info>

  /** One service. Rejects with `ERR_IPVS_SERVICE_NOT_FOUND`. */
  getService(key: ServiceKey, options?: CallOptions): Promise<ListedService>

  /** All services; an empty table is `[]`. Like `ipvsadm -L`. May reject with `ERR_IPVS_CONFLICT`. */
  listServices(options?: ListOptions): Promise<ListedService[]>

  /** `listServices` for long listings: a row becomes an object on access. */
  serviceTable(options?: ListOptions): Promise<Table<ListedService>>

  /**
   * The destinations of a service in the kernel's order, newest first.
   *
   * Returns `[]` for a service without destinations. Rejects with `ERR_IPVS_SERVICE_NOT_FOUND`. May reject with
   * `ERR_IPVS_CONFLICT`.
   */
  listDestinations(service: ServiceKey, options?: ListOptions): Promise<ListedDestination[]>

  /** `listDestinations` for long listings: a row becomes an object on access. */
  destinationTable(service: ServiceKey, options?: ListOptions): Promise<Table<ListedDestination>>

  /**
   * All services with their destinations, at about the cost of `listServices` and one `listDestinations` for each. Like
   * `ipvsadm -L`, which reads once.
   *
   * The snapshot is not atomic: the kernel lists one service after the other, and the destinations of each service are from
   * the time of their listing. Counters are from the last pass. Services removed during a pass are left out. No service or
   * destination appears twice. See `consistent` for entries that can be missing. `timeoutMs` limits the whole snapshot.
   *
   * May reject with `ERR_IPVS_CONFLICT`.
   */
  snapshot(options?: SnapshotOptions): Promise<ServiceSnapshot[]>

  /** `snapshot` for long tables: a row becomes an object on access. */
  snapshotTable(options?: SnapshotOptions): Promise<Table<ServiceSnapshot>>

  /** Timeouts of idle connections. Like `ipvsadm -L --timeout`. */
  getTimeouts(options?: CallOptions): Promise<Timeouts>

  /** The running daemons, master first; `[]` if none runs. Like `ipvsadm -L --daemon`. */
  listSyncDaemons(options?: CallOptions): Promise<ListedSyncDaemon[]>

  /**
   * Tells whether the path `netns` still leads to the handle's network namespace. A handle keeps the namespace that the path
   * led to at `open`, and keeps it alive, even if its name is deleted or reused. To follow the name, open a new handle when
   * the status is not `current`. Always `current` without `netns`.
   */
  namespaceStatus(options?: CallOptions): Promise<NamespaceStatus>

  /**
   * Closes the handle. Waits for the running request; calls that were not sent, and later calls, reject with
   * `ERR_IPVS_CLOSED`. Services stay. Idempotent.
   */
  close(): Promise<void>
}
