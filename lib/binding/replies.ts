// Replies of native calls.

/** How a request failed. */
export type FailureKind =
  | 'rejected' // the kernel replied with an errno; not applied
  | 'local' // a local system call failed before the kernel saw the request; not applied
  | 'unavailable' // no such generic netlink family; not applied
  | 'timeout'
  | 'overrun'
  | 'truncated'
  | 'malformed'
  | 'aborted'
  | 'closed'
  | 'conflict'

export interface Failure {
  /** Index of the failed operation in the call; 0 for reads. */
  readonly index: number
  readonly kind: FailureKind
  /** Positive errno, or 0. */
  readonly errno: number
  /** False: nothing was changed. True: the outcome is unknown, also after reading back. */
  readonly unknown: boolean
  /** True: all following operations failed as well. Unless `unknown`, none of them was sent. */
  readonly rest?: boolean
  /** Path of the refused attribute from the extended ACK, e.g. `service.netmask`. */
  readonly attribute?: string
  /** The kernel's message from the extended ACK. */
  readonly message?: string
}

/** A reply with `Values`. After a failure, some or all values are missing. */
export type Reply<Values = object> = { readonly failures: readonly Failure[] } & Partial<Values>

/** Consecutive rows of one record. */
export interface FoundRows {
  readonly rows: ArrayBuffer
}

/** Services with their destinations. */
export interface FoundTable {
  readonly services: ArrayBuffer
  /** The destinations of the first service, then those of the second, and so on. */
  readonly destinations: ArrayBuffer
  /** Per service, u32: its number of destinations. */
  readonly counts: ArrayBuffer
}

/** Elements of the table of marks. */
export interface FoundElements extends FoundRows {
  /** Generation of the ruleset. */
  readonly generation: number
}

/** Result of a change of marks, also of a failed one. */
export interface AppliedChange {
  /** Generation of the ruleset after the change. Absent: unknown. */
  readonly generation?: number
  /** Present if temporary rules of the change may remain: the reason. The change itself ended as in `failures`. */
  readonly leftovers?: Failure
}

/** Text in UTF-8. */
export interface FoundText {
  readonly text: ArrayBuffer
}

/** Rows of the record `connection`. */
export interface FoundConnections extends FoundRows {
  /** Per row with a persistence engine: u32 row, u32 length, "name data", padding to four bytes. */
  readonly engines?: ArrayBuffer
  /** True for the last rows of the pass. */
  readonly done: boolean
}

/** Groups of connections, the largest first. */
export interface FoundGroups extends FoundRows {
  /** Per row, u32: number of connections in the group. */
  readonly counts: ArrayBuffer
}

/** Row numbers, u32. */
export interface FoundChanges {
  /** Rows of the later table. */
  readonly opened: ArrayBuffer
  /** Pairs: row of the earlier table, row of the later table. */
  readonly changed: ArrayBuffer
  /** Rows of the earlier table. */
  readonly closed: ArrayBuffer
}

/** Text of ip_vs_stats and of ip_vs_stats_percpu. */
export interface FoundStatistics {
  readonly totals: ArrayBuffer
  readonly perCpu: ArrayBuffer
}
