// The trials of the connection table, as data.

export const driverTitles = {
  read: 'a loop of read(2) in a process of Node.js, and nothing else: what a program can reach at best',
  cat: '`cat /proc/net/ip_vs_conn`, from spawn to exit',
  table: 'this package, `connectionTable()`',
  ipvsadm: '`ipvsadm -Lnc`, its output thrown away, from spawn to exit',
  split: 'readFileSync(), a string for each line and each word, as programs of Node.js did so far',
} as const
export type DriverName = keyof typeof driverTitles
export const driverNames = Object.keys(driverTitles) as DriverName[]

export const sizes = [10_000, 100_000, 500_000] as const

/** The input of the guest. */
export interface Plan {
  readonly sizes: readonly number[]
  readonly drivers: readonly DriverName[]
  readonly repeat: number
}

/**
 * `seconds` and, of the process itself, `userSeconds`; for `table` also the `pause` of the event loop in ms and the kernel's number
 * of `buckets`. On the host `table` reads lines from a file in memory, with `bytes` per row; `parser` is the parser alone.
 */
export interface CellResult {
  readonly n: number
  readonly driver: DriverName | 'parser'
  readonly repetition: number
  readonly values: Readonly<Record<string, number>>
}
