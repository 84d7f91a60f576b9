// Timeouts of idle connections.
import type { TimeoutsRow } from '../binding/record-types.ts'
import { InvalidInput, integer, readFields } from '../values/validate.ts'

/** Seconds without a packet after which a connection expires. They apply to a network namespace, not to a service. */
export interface Timeouts {
  /** Established TCP connections. Initially 900. */
  readonly tcpSeconds: number
  /** TCP connections after a FIN. Initially 120. */
  readonly tcpFinSeconds: number
  /** UDP. Initially 300. */
  readonly udpSeconds: number
}

/**
 * Timeouts to set, at least one; absent ones keep their value. Whole seconds, 1 to 21474836; a kernel refuses more than
 * 2147483647 / HZ, which is 8589934 for HZ=250. 0 is refused: to the kernel it means "keep the current value".
 */
export interface TimeoutsPatch {
  /** Established TCP connections. */
  readonly tcpSeconds?: number | undefined
  /** TCP connections after a FIN. */
  readonly tcpFinSeconds?: number | undefined
  /** UDP. */
  readonly udpSeconds?: number | undefined
}

const MOST_SECONDS = 21474836 // INT_MAX / HZ, at the smallest HZ
const fieldNames = ['tcpSeconds', 'tcpFinSeconds', 'udpSeconds'] as const

function seconds(value: unknown, path: string): number | undefined {
  if (value === undefined) return undefined
  if (value === 0) {
    const problem = 'to the kernel, 0 means "keep the current value"; leave it out for that, or give at least 1 second'
    throw new InvalidInput(path, problem)
  }
  return integer(value, path, 1, MOST_SECONDS)
}

export function timeoutsRow(value: unknown): TimeoutsRow {
  const fields = readFields(value, 'timeouts', fieldNames)
  if (fieldNames.every((name) => fields[name] === undefined)) {
    throw new InvalidInput('timeouts', `nothing to set; name at least one of ${fieldNames.join(', ')}`)
  }
  return {
    tcp: seconds(fields.tcpSeconds, 'timeouts.tcpSeconds'),
    tcpFin: seconds(fields.tcpFinSeconds, 'timeouts.tcpFinSeconds'),
    udp: seconds(fields.udpSeconds, 'timeouts.udpSeconds'),
  }
}

/** Converts a row. The kernel always sends all three timeouts. */
export function listedTimeouts({ tcp = 0, tcpFin = 0, udp = 0 }: TimeoutsRow): Timeouts {
  return { tcpSeconds: tcp, tcpFinSeconds: tcpFin, udpSeconds: udp }
}
