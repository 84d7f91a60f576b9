// What is measured of the connection table, as data.

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

/** What the guest is told. */
export interface Plan {
  readonly sizes: readonly number[]
  readonly drivers: readonly DriverName[]
  readonly repeat: number
}

/**
 * `seconds` and, in the process itself, `userSeconds`; of `table` once the `pause` of the event loop in ms, and how many `buckets`
 * the kernel has. On the host `table` reads lines from a file in memory, `bytes` for each row; `parser` is the parser alone.
 */
export interface CellResult {
  readonly n: number
  readonly driver: DriverName | 'parser'
  readonly repetition: number
  readonly values: Readonly<Record<string, number>>
}
