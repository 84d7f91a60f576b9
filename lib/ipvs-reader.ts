// What a handle can tell, as a type: everything that changes nothing.
import type { NamespaceStatus } from './calls/namespace.ts'
import type { CallOptions, ListOptions } from './calls/options.ts'
import type { Connections } from './connections/connections.ts'
import type { ListedDestination } from './services/destination.ts'
import type { Info } from './services/info.ts'
import type { ServiceKey } from './services/service-key.ts'
import type { ListedService } from './services/service.ts'
import type { ServiceSnapshot, SnapshotOptions } from './services/snapshot.ts'
import type { ListedSyncDaemon } from './services/sync-daemon.ts'
import type { Timeouts } from './services/timeouts.ts'
import type { Table } from './values/table.ts'

/** The half of `Ipvs` that only reads: a type for code that must not change anything. */
export interface IpvsReader extends Connections, AsyncDisposable {
  /** Version of IPVS and size of its connection table. Like the head of `ipvsadm -L`. */
  info(options?: CallOptions): Promise<Info>

  /** One service. Rejects with `ERR_IPVS_SERVICE_NOT_FOUND`. */
  getService(key: ServiceKey, options?: CallOptions): Promise<ListedService>

  /** All services; an empty table is `[]`. Like `ipvsadm -L`. May reject with `ERR_IPVS_CONFLICT`. */
  listServices(options?: ListOptions): Promise<ListedService[]>

  /** `listServices` for long listings: rows become objects when they are looked at. */
  serviceTable(options?: ListOptions): Promise<Table<ListedService>>

  /**
   * The destinations of a service, newest first as the kernel has them.
   *
   * Rejects with `ERR_IPVS_SERVICE_NOT_FOUND`; a service without destinations has `[]`. May reject with
   * `ERR_IPVS_CONFLICT`.
   */
  listDestinations(service: ServiceKey, options?: ListOptions): Promise<ListedDestination[]>

  /** `listDestinations` for long listings: rows become objects when they are looked at. */
  destinationTable(service: ServiceKey, options?: ListOptions): Promise<Table<ListedDestination>>

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
  snapshot(options?: SnapshotOptions): Promise<ServiceSnapshot[]>

  /** `snapshot` for long tables: rows become objects when they are looked at. */
  snapshotTable(options?: SnapshotOptions): Promise<Table<ServiceSnapshot>>

  /** How long idle connections are kept. Like `ipvsadm -L --timeout`. */
  getTimeouts(options?: CallOptions): Promise<Timeouts>

  /** The daemons that run, the master first; `[]` when there is none. Like `ipvsadm -L --daemon`. */
  listSyncDaemons(options?: CallOptions): Promise<ListedSyncDaemon[]>

  /**
   * Whether the path that the handle was opened with still leads to its network namespace. All that a handle does, it does in
   * the namespace that the path led to when it was opened; that one stays alive as long as the handle is open, also when its
   * name was deleted and given to another. Who wants to follow the name opens a new handle when this is not `current`.
   * `current` as well when `netns` was not given.
   */
  namespaceStatus(options?: CallOptions): Promise<NamespaceStatus>

  /**
   * Closes the handle. What the kernel is doing ends first; what was not sent yet rejects with `ERR_IPVS_CLOSED`, as does
   * everything from now on. Services stay. Idempotent.
   */
  close(): Promise<void>
}
