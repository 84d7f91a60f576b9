// What the control API says: plain data, the same in JSON.
import type { OverrideKind } from '../desired/inputs.ts'

export interface ServerStatus {
  readonly name: string
  readonly address: string
  readonly port: number | undefined
  /** What the checks say. */
  readonly health: 'unknown' | 'up' | 'down'
  /** Milliseconds since 1970. */
  readonly since: number
  /** In the kernel; `undefined`: not in the table. */
  readonly weight: number | undefined
  /** As the file says. */
  readonly configuredWeight: number
  /** Why the weight is what it is, one sentence. */
  readonly reason: string
  readonly override: OverrideStatus | undefined
}

export interface OverrideStatus {
  readonly kind: OverrideKind
  readonly target: string
  readonly who: string
  readonly why: string
  readonly since: number
  readonly until: number | undefined
}

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
