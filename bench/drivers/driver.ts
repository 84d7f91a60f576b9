// What a driver is: one way to carry out the phases.
import type { Table } from '../trials/table.ts'
import type { Phase } from '../trials/trials.ts'

export interface Outcome {
  /** By the driver's own clock; absent: the caller's counts. */
  readonly seconds?: number
  /** What the caller of the product would hold on to. */
  readonly result?: unknown
}

/** Carries out a phase, with all input made beforehand. */
export type Action = () => Promise<Outcome>

export interface Driver {
  /** Undefined: this driver has no such phase. */
  action(phase: Phase): Action | undefined
  close(): Promise<void>
}

export type OpenDriver = (table: Table) => Promise<Driver>
