// The records of native/ipvs/schema.h: their fields as TypeScript sees them, and the one reader or writer of each.
// Types come first, so that modules without native code can import them.
import type { AddressValue } from '../values/address.ts'
import { binding } from './addon.ts'
import { RowReader, type Flags } from './row-reader.ts'
import { destinationRowWriter, serviceRowWriter } from './fast-row-writers.ts'
import { RowWriter } from './row-writer.ts'

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
  /** In what the kernel tells always bytes. */
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
  /** In what the kernel tells always bytes. */
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

/** For all that writes can need. */
export interface RowWriters {
  readonly services: RowWriter<ServiceRow>
  readonly destinations: RowWriter<DestinationRow>
  readonly timeouts: RowWriter<TimeoutsRow>
  readonly daemons: RowWriter<DaemonRow>
}

export const serviceReader: RowReader<ServiceRow> = new RowReader(binding.schema, 'service')
export const destinationReader: RowReader<DestinationRow> = new RowReader(binding.schema, 'destination')
export const infoReader: RowReader<InfoRow> = new RowReader(binding.schema, 'info')
export const timeoutsReader: RowReader<TimeoutsRow> = new RowReader(binding.schema, 'timeouts')
export const daemonReader: RowReader<DaemonRow> = new RowReader(binding.schema, 'daemon')

export const rowWriters: RowWriters = {
  services: new RowWriter(binding.schema, 'service', serviceRowWriter(binding.schema)),
  destinations: new RowWriter(binding.schema, 'destination', destinationRowWriter(binding.schema)),
  timeouts: new RowWriter(binding.schema, 'timeouts'),
  daemons: new RowWriter(binding.schema, 'daemon'),
}

const codes = new Map(Object.entries(binding.operations))
const names = new Map(Object.entries(binding.operations).map(([name, code]) => [code, name]))

/** Code of an operation of the native side. */
export function operationCode(name: string): number {
  const code = codes.get(name)
  if (code === undefined) throw new Error(`ipvs: the native build knows no operation "${name}"; build it again`)
  return code
}

/** The method of `Ipvs` that such an operation belongs to. */
export function operationName(code: number): string {
  const name = names.get(code) ?? ''
  return name.startsWith('zero') ? 'zeroCounters' : name
}
