// A driver: one way to execute the phases.
import type { Table } from '../trials/table.ts'
import type { Phase } from '../trials/trials.ts'

export interface Outcome {
  /** Measured by the driver; absent: the caller measures. */
  readonly seconds?: number
  /** The value that a user of the API would keep. */
  readonly result?: unknown
}

/** Executes a phase; all input is prepared beforehand. */
export type Action = () => Promise<Outcome>

export interface Driver {
  /** Returns undefined if this driver has no such phase. */
  action(phase: Phase): Action | undefined
  close(): Promise<void>
}

export type OpenDriver = (table: Table) => Promise<Driver>
