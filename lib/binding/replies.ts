// What native calls return.

/** Why a request did not end as done. */
export type Cause =
  | 'rejected' // the kernel answered with errno; not applied
  | 'local' // a system call of ours failed with errno before the kernel saw the request; not applied
  | 'unavailable' // no such generic netlink family; not applied
  | 'timeout'
  | 'overrun'
  | 'truncated'
  | 'malformed'
  | 'aborted'
  | 'closed'
  | 'conflict'

export interface Failure {
  /** The operation in the call that failed; 0 for reads. */
  readonly index: number
  readonly cause: Cause
  /** Positive errno, 0 when there is none. */
  readonly errno: number
  /** False: surely nothing was changed. True: nobody can say (after trying to read it back). */
  readonly unknown: boolean
  /** It holds for all operations behind this one as well. Unless `unknown`, none of them was sent. */
  readonly rest?: boolean
  /** Path of the refused attribute from the extended ACK, e.g. `service.netmask`. */
  readonly attribute?: string
  /** The kernel's own words from the extended ACK. */
  readonly message?: string
}

/** A reply with `Values` when there is no failure. After a failure some of them, or all, are missing. */
export type Reply<Values = object> = { readonly failures: readonly Failure[] } & Partial<Values>

/** Rows of one record, one after the other. */
export interface FoundRows {
  readonly rows: ArrayBuffer
}

/** Services with their destinations. */
export interface FoundTable {
  readonly services: ArrayBuffer
  /** The destinations of the first service, then those of the second, and so on. */
  readonly destinations: ArrayBuffer
  /** u32 for each service: how many destinations it has. */
  readonly counts: ArrayBuffer
}

/** Elements of the table of marks. */
export interface FoundElements extends FoundRows {
  /** The generation of the ruleset that they belong to. */
  readonly generation: number
}

/** A change of marks, also one that failed. */
export interface AppliedChange {
  /** The generation of the ruleset after the change; absent: not known. */
  readonly generation?: number
  /** The change ended as `failures` says, but temporary rules of it may have stayed, for this reason. */
  readonly leftovers?: Failure
}

/** Text in UTF-8. */
export interface FoundText {
  readonly text: ArrayBuffer
}

/** Rows of the record `connection`. */
export interface FoundConnections extends FoundRows {
  /** For each row with a persistence engine: u32 row, u32 length, "name data", padding to four bytes. */
  readonly engines?: ArrayBuffer
  /** Nothing comes after them. */
  readonly done: boolean
}

/** Groups of connections, the largest first. */
export interface FoundGroups extends FoundRows {
  /** u32 for each row: how many connections the group has. */
  readonly counts: ArrayBuffer
}

/** u32 numbers of rows. */
export interface FoundChanges {
  /** In the later table. */
  readonly opened: ArrayBuffer
  /** Pairs: in the earlier table, in the later one. */
  readonly changed: ArrayBuffer
  /** In the earlier table. */
  readonly closed: ArrayBuffer
}

/** Text of ip_vs_stats and of ip_vs_stats_percpu. */
export interface FoundStatistics {
  readonly totals: ArrayBuffer
  readonly perCpu: ArrayBuffer
}
