// What this package exports, and nothing else.
export { Ipvs } from './ipvs.ts'
export type { IpvsReader } from './ipvs-reader.ts'
export type { Info } from './info.ts'
export type { NamespaceStatus } from './namespace.ts'
export type { Connections } from './connections.ts'
export type { EndpointFilter, ConnectionFilter } from './connection-filter.ts'
export type {
  Connection,
  ConnectionEndpoint,
  ConnectionEngine,
  ConnectionProtocol,
  ConnectionState,
} from './connection.ts'
export type { ConnectionColumns, ConnectionList, ConnectionTable } from './connection-table.ts'
export type { ConnectionGroup, ConnectionGroupField, ConnectionGroupFields } from './connection-groups.ts'
export type { ConnectionChange, ConnectionChanges, WatchConnectionsOptions } from './connection-changes.ts'
export type { CpuStatistics, TotalStatistics } from './total-statistics.ts'
export { FirewallMarks, type MarksOpenOptions } from './marks.ts'
export type { MarksProblem, MarksStatus } from './marks-status.ts'
export type { ListedMarkRule, MarkRule } from './mark-rule.ts'
export type { NatRules } from './nat-rules.ts'
export type { ListedNatRule, MasqueradeRule, NatRule, RedirectRule } from './nat-rule.ts'
export type { FoundMark, TableFamily } from './found-mark.ts'
export type { DroppedBy, RulePlace, Trace, TracePacket } from './trace.ts'
export type { AllocateMarkOptions } from './free-mark.ts'
export type { MarkPort } from './mark-ports.ts'
export {
  IpvsError,
  type BatchFailure,
  type BatchResult,
  type IpvsErrorCode,
  type IpvsErrorDetails,
  type Outcome,
} from './errors.ts'
export type { BatchOperation } from './batch-operation.ts'
export { checkMarkRule, checkNatRule, checkOperation, checkSyncDaemon, checkTimeouts } from './check.ts'
export type { BatchOptions, BatchProgress, Items } from './batch-options.ts'
export type { Family } from './address.ts'
export type {
  AddressServiceKey,
  FwmarkServiceKey,
  ListedAddressServiceKey,
  ListedFwmarkServiceKey,
  ListedServiceKey,
  Protocol,
  ServiceKey,
} from './service-key.ts'
export type { ListedService, ListedServiceSettings, Service, ServicePatch, ServiceSettings } from './service.ts'
export type { ListedPersistence, Persistence, PersistencePatch } from './persistence.ts'
export type { Scheduler, SchedulerFlag } from './scheduler.ts'
export type {
  Destination,
  DestinationKey,
  DestinationPatch,
  DestinationSettings,
  Forwarding,
  ListedDestination,
  ListedForwarding,
} from './destination.ts'
export type { GreTunnel, GueTunnel, IpipTunnel, Tunnel } from './tunnel.ts'
export type { Rates, Statistics } from './statistics.ts'
export type { ServiceSnapshot, SnapshotOptions } from './snapshot.ts'
export type { ColumnName, ColumnValue, Table } from './table.ts'
export type { Timeouts, TimeoutsPatch } from './timeouts.ts'
export type { ListedSyncDaemon, SyncDaemon, SyncDaemonRole, SyncMulticast } from './sync-daemon.ts'
export type { FlushOptions } from './flush.ts'
export type { ListOptions, OpenOptions } from './options.ts'
export type { CallOptions } from './pending.ts'
