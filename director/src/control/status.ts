// What the control API says: plain data, the same in JSON.
import type { ReasonCode } from '../desired/decision.ts'
import type { Override, OverrideKind } from '../desired/inputs.ts'

export interface ServerStatus {
  readonly name: string
  readonly address: string
  readonly port: number | undefined
  /** What the checks say. */
  readonly health: 'unknown' | 'up' | 'down'
  /** Milliseconds since 1970. */
  readonly since: number
  /** As decided; `undefined`: not in the table. The kernel has it unless `lastRound` names failures. */
  readonly weight: number | undefined
  /** As the file says. */
  readonly configuredWeight: number
  /** Why the weight is what it is, for programs. */
  readonly code: ReasonCode
  /** Why the weight is what it is, one sentence. */
  readonly reason: string
  readonly override: OverrideStatus | undefined
}

export type OverrideStatus = Omit<Override, 'drain'>

export interface ServiceStatus {
  readonly name: string
  /** `mark 7`, or `tcp 172.16.0.100:80`. */
  readonly virtuals: readonly string[]
  readonly scheduler: string
  readonly up: number
  readonly servers: readonly ServerStatus[]
  readonly alarms: readonly string[]
}

export interface Status {
  readonly version: string
  readonly startedAt: number
  readonly site: {
    readonly file: string
    readonly loadedAt: number
    /** Problems of a newer file, which is not used. */
    readonly refused: readonly string[]
  }
  /** First apply and first round of checks are done. */
  readonly ready: boolean
  readonly lastRound:
    { readonly at: number; readonly changes: number; readonly failures: readonly string[] } | undefined
  readonly services: readonly ServiceStatus[]
  readonly alarms: readonly string[]
}

/** An override as the API takes it. */
export interface OverrideRequest {
  readonly kind: OverrideKind
  readonly target: string
  readonly who: string
  readonly why: string
  readonly until?: number | undefined
  readonly stickiness?: 'keep' | 'move' | undefined
  readonly waitMs?: number | undefined
  readonly afterwards?: 'keep' | 'remove' | undefined
}

/** The answer to a request to read the site again. */
export interface ReloadAnswer {
  /** Of the file. If there are any, the last good site stays in use. */
  readonly problems: readonly string[]
  /** What of the round with the new site failed. It is tried again; `status` shows it. */
  readonly failures: readonly string[]
}

/** The answer to an order. The order is kept in any case. */
export interface OrderAnswer {
  readonly told: string
  /** What of the round after the order failed. It is tried again; `status` shows it. */
  readonly failures: readonly string[]
}
