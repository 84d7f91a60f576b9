// Version and connection table size of the kernel's IPVS.
import type { InfoRow } from '../binding/record-types.ts'

/** Version and connection table size of the kernel's IPVS. */
export interface Info {
  /** IPVS version, e.g. `1.2.1`. */
  readonly version: string
  /** Number of hash buckets of the connection table. Linux 7 resizes the table; it is 0 until the first service exists. */
  readonly connectionTableSize: number
}

export function infoOf({ version = 0, connectionTableSize = 0 }: InfoRow): Info {
  return { version: [version >>> 16, (version >>> 8) & 0xff, version & 0xff].join('.'), connectionTableSize }
}
