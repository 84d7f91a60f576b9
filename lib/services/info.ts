// What the kernel says about its IPVS.
import type { InfoRow } from '../binding/record-types.ts'

/** What the kernel says about its IPVS. */
export interface Info {
  /** Version of IPVS, e.g. `1.2.1`. */
  readonly version: string
  /** Buckets of the connection table. Linux 7 resizes the table: 0 until the first service exists. */
  readonly connectionTableSize: number
}

export function infoOf({ version = 0, connectionTableSize = 0 }: InfoRow): Info {
  return { version: [version >>> 16, (version >>> 8) & 0xff, version & 0xff].join('.'), connectionTableSize }
}
