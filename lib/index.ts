// What this package exports, and nothing else.
export { Ipvs } from './ipvs.ts'
export type { IpvsReader } from './ipvs-reader.ts'
export type { Info } from './services/info.ts'
export type { NamespaceStatus } from './calls/namespace.ts'
export type { Connections } from './connections/connections.ts'
export type { EndpointFilter, ConnectionFilter } from './connections/filter.ts'
export type {
  Connection,
  ConnectionEndpoint,
  ConnectionEngine,
  ConnectionProtocol,
  ConnectionState,
} from './connections/connection.ts'
export type { ConnectionColumns, ConnectionList, ConnectionTable } from './connections/table.ts'
export type { ConnectionGroup, ConnectionGroupField, ConnectionGroupFields } from './connections/groups.ts'
export type { ConnectionChange, ConnectionChanges, WatchConnectionsOptions } from './connections/changes.ts'
export type { CpuStatistics, TotalStatistics } from './connections/total-statistics.ts'
export { FirewallMarks } from './firewall-marks.ts'
export type { MarksOpenOptions } from './marks/options.ts'
export type { RuleChanges } from './marks/handle.ts'
export type { MarksProblem, MarksStatus } from './marks/status.ts'
export type { ListedMarkRule, MarkRule } from './marks/mark-rule.ts'
export type { NatRules } from './marks/nat-methods.ts'
export type { ListedNatCounter, ListedNatRule, MasqueradeRule, NatRule, RedirectRule } from './marks/nat-rule.ts'
export type { FoundMark, TableFamily } from './marks/foreign-mark.ts'
export type { DroppedBy, RulePlace, Trace, TracePacket } from './marks/trace.ts'
export type { AllocateMarkOptions } from './marks/allocate.ts'
export type { MarkPort } from './marks/ports.ts'
export {
  IpvsError,
  type BatchFailure,
  type BatchResult,
  type IpvsErrorCode,
  type IpvsErrorDetails,
  type Outcome,
} from './values/errors.ts'
export type { BatchOperation } from './batch/operation.ts'
export {
  checkMarkRule,
  checkMarkRules,
  checkMarkRulesAsync,
  checkNatRule,
  checkNatRules,
  checkOperation,
  checkSyncDaemon,
  checkTimeouts,
} from './check.ts'
export {
  normalizeDestination,
  normalizeMarkRule,
  normalizeNatRule,
  normalizeService,
  normalizeSyncDaemon,
  type DestinationAsListed,
  type ServiceAsListed,
  type SyncDaemonAsListed,
} from './normalize.ts'
export { openSocket, sendDatagram, type SocketOptions } from './sockets.ts'
export type { BatchOptions, BatchProgress, Items } from './batch/options.ts'
export type { Family } from './values/address.ts'
export type {
  AddressServiceKey,
  FwmarkServiceKey,
  ListedAddressServiceKey,
  ListedFwmarkServiceKey,
  ListedServiceKey,
  ServiceKey,
} from './services/service-key.ts'
export type { Protocol } from './values/protocol.ts'
export type {
  ListedService,
  ListedServiceSettings,
  Service,
  ServicePatch,
  ServiceSettings,
} from './services/service.ts'
export type { ListedPersistence, Persistence, PersistencePatch } from './services/persistence.ts'
export type { Scheduler, SchedulerFlag } from './services/scheduler.ts'
export type {
  Destination,
  DestinationCounts,
  DestinationKey,
  DestinationPatch,
  DestinationSettings,
  Forwarding,
  ListedDestination,
  ListedForwarding,
} from './services/destination-types.ts'
export type { GreTunnel, GueTunnel, IpipTunnel, Tunnel } from './services/tunnel.ts'
export type { Rates, Statistics } from './services/statistics.ts'
export type { ServiceSnapshot, SnapshotOptions } from './services/snapshot.ts'
export type { ColumnName, ColumnValue, Table } from './values/table.ts'
export type { Timeouts, TimeoutsPatch } from './services/timeouts.ts'
export type { ListedSyncDaemon, SyncDaemon, SyncDaemonRole, SyncMulticast } from './services/sync-daemon.ts'
export type { FlushOptions } from './services/flush.ts'
export type { ListOptions, OpenOptions } from './calls/options.ts'
export type { CallOptions } from './calls/options.ts'
