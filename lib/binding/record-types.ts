// Row types of the records in native/ipvs/schema.h. Does not load native code.
import type { AddressValue } from '../values/address.ts'
import type { Flags } from './row-layout.ts'

/** Attributes IPVS_STATS_ATTR_*. Rates are per second. */
export interface StatisticsRow {
  readonly connections?: bigint | undefined
  readonly inPackets?: bigint | undefined
  readonly outPackets?: bigint | undefined
  readonly inBytes?: bigint | undefined
  readonly outBytes?: bigint | undefined
  readonly connectionsPerSecond?: bigint | undefined
  readonly inPacketsPerSecond?: bigint | undefined
  readonly outPacketsPerSecond?: bigint | undefined
  readonly inBytesPerSecond?: bigint | undefined
  readonly outBytesPerSecond?: bigint | undefined
}

/** Attributes IPVS_SVC_ATTR_*. */
export interface ServiceRow {
  readonly family?: number | undefined
  readonly protocol?: number | undefined
  /** Always bytes in rows read from the kernel. */
  readonly address?: AddressValue | undefined
  readonly port?: number | undefined
  readonly fwmark?: number | undefined
  readonly scheduler?: string | undefined
  readonly persistenceEngine?: string | undefined
  readonly flags?: Flags | undefined
  readonly timeout?: number | undefined
  readonly netmask?: Uint8Array | undefined
  readonly statistics?: StatisticsRow | undefined
}

/** Attributes IPVS_DEST_ATTR_*. */
export interface DestinationRow {
  /** Always bytes in rows read from the kernel. */
  readonly address?: AddressValue | undefined
  readonly port?: number | undefined
  readonly forwarding?: number | undefined
  readonly weight?: number | undefined
  readonly upperThreshold?: number | undefined
  readonly lowerThreshold?: number | undefined
  readonly activeConnections?: number | undefined
  readonly inactiveConnections?: number | undefined
  readonly persistentConnections?: number | undefined
  readonly family?: number | undefined
  readonly tunnelType?: number | undefined
  readonly tunnelPort?: number | undefined
  readonly tunnelFlags?: number | undefined
  readonly statistics?: StatisticsRow | undefined
}

// All fields of a row that requests send. All are required, `undefined` without a value, so that a new field is not forgotten.
type Sent<Row, Listed extends keyof Row> = { readonly [Name in Exclude<keyof Row, Listed>]: Row[Name] }

/** The row of a new or changed service. */
export type SentServiceRow = Sent<ServiceRow, 'statistics'>

/** The row of a new or changed destination. */
export type SentDestinationRow = Sent<
  DestinationRow,
  'activeConnections' | 'inactiveConnections' | 'persistentConnections' | 'statistics'
>

/** Attributes IPVS_INFO_ATTR_*. */
export interface InfoRow {
  readonly version?: number | undefined
  readonly connectionTableSize?: number | undefined
}

/** Attributes IPVS_CMD_ATTR_TIMEOUT_*, in seconds. */
export interface TimeoutsRow {
  readonly tcp?: number | undefined
  readonly tcpFin?: number | undefined
  readonly udp?: number | undefined
}

/** Attributes IPVS_DAEMON_ATTR_*. */
export interface DaemonRow {
  readonly state?: number | undefined
  readonly interface?: string | undefined
  readonly syncId?: number | undefined
  readonly maxLength?: number | undefined
  readonly group?: Uint8Array | undefined
  readonly group6?: Uint8Array | undefined
  readonly port?: number | undefined
  readonly ttl?: number | undefined
}
