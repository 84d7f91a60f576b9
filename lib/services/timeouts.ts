// How long idle connections are kept.
import type { TimeoutsRow } from '../binding/record-types.ts'
import { InvalidInput, integer, readFields } from '../values/validate.ts'

/** After how many seconds without a packet a connection is forgotten. Of a network namespace, not of a service. */
export interface Timeouts {
  /** Established TCP connections; the kernel starts with 900. */
  readonly tcpSeconds: number
  /** TCP connections after a FIN; the kernel starts with 120. */
  readonly tcpFinSeconds: number
  /** UDP; the kernel starts with 300. */
  readonly udpSeconds: number
}

/**
 * Timeouts to set: at least one; what is not named stays. Whole seconds, 1 to 21474836; kernels refuse more than
 * 2147483647 divided by their timer frequency, 8589934 at 250 Hz. 0 is refused here, because the kernel takes it for "leave it as it is".
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
    const problem = 'the kernel takes 0 for "leave it as it is"; leave it out for that, or give at least 1 second'
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

/** The kernel always sends all three. */
export function listedTimeouts({ tcp = 0, tcpFin = 0, udp = 0 }: TimeoutsRow): Timeouts {
  return { tcpSeconds: tcp, tcpFinSeconds: tcpFin, udpSeconds: udp }
}
