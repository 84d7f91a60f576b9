// Counters and rates of a service or destination.
import type { StatisticsRow } from '../binding/record-types.ts'

/**
 * What has passed since the service or destination was added or its counters were zeroed. The kernel updates these every
 * 2 seconds, and not at all while the sysctl `net.ipv4.vs.run_estimation` is 0. Like `ipvsadm -L --stats`.
 */
export interface Statistics {
  /** Connections scheduled. */
  readonly connections: bigint
  /** Packets from clients. */
  readonly inPackets: bigint
  /** Packets to clients; counted with forwarding `masquerade` only, since otherwise they bypass the director. */
  readonly outPackets: bigint
  /** Bytes from clients. */
  readonly inBytes: bigint
  /** Bytes to clients; counted with forwarding `masquerade` only. */
  readonly outBytes: bigint
  /** The same per second. */
  readonly rates: Rates
}

/** Averages over the last seconds (weight 1/4 every 2 seconds, rounded up), per second. Like `ipvsadm -L --rate`. */
export interface Rates {
  /** Connections scheduled. */
  readonly connections: number
  /** Packets from clients. */
  readonly inPackets: number
  /** Packets to clients; with forwarding `masquerade` only. */
  readonly outPackets: number
  /** Bytes from clients. */
  readonly inBytes: number
  /** Bytes to clients; with forwarding `masquerade` only. */
  readonly outBytes: number
}

/** The kernel always sends all counters; what it should not send is 0. */
export function statisticsOf(row: StatisticsRow = {}): Statistics {
  return {
    connections: row.connections ?? 0n,
    inPackets: row.inPackets ?? 0n,
    outPackets: row.outPackets ?? 0n,
    inBytes: row.inBytes ?? 0n,
    outBytes: row.outBytes ?? 0n,
    rates: {
      connections: Number(row.connectionsPerSecond ?? 0n),
      inPackets: Number(row.inPacketsPerSecond ?? 0n),
      outPackets: Number(row.outPacketsPerSecond ?? 0n),
      inBytes: Number(row.inBytesPerSecond ?? 0n),
      outBytes: Number(row.outBytesPerSecond ?? 0n),
    },
  }
}
