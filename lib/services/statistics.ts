// Counters and rates of a service or destination.
import type { StatisticsRow } from '../binding/record-types.ts'

/**
 * Counters since the service or destination was added, or since `zeroCounters`. The kernel updates them every 2 seconds,
 * and not at all while the sysctl `net.ipv4.vs.run_estimation` is 0. Like `ipvsadm -L --stats`.
 */
export interface Statistics {
  /** Connections scheduled. */
  readonly connections: bigint
  /** Packets from clients. */
  readonly inPackets: bigint
  /** Packets to clients. Counted with forwarding `masquerade` only; otherwise replies do not pass the director. */
  readonly outPackets: bigint
  /** Bytes from clients. */
  readonly inBytes: bigint
  /** Bytes to clients. Counted with forwarding `masquerade` only. */
  readonly outBytes: bigint
  /** Rates per second. */
  readonly rates: Rates
}

/**
 * Rates per second: an exponential average (weight 1/4 for the last 2 seconds), rounded up. Like `ipvsadm -L --rate`.
 */
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

/** Converts a row. The kernel always sends all counters; a missing one reads as 0. */
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
