// What `ipvs doctor` looks at, and what it says about it.
import type { FoundMark, ListedMarkRule, ListedNatRule, ServiceSnapshot } from 'ipvs'
import type { NamespaceFacts } from './proc.ts'

/** What was found out. */
export interface Facts extends NamespaceFacts {
  /** Why IPVS cannot be used. */
  readonly refused?: Refusal | undefined
  readonly services: readonly ServiceSnapshot[]
  /** Absent: the rules cannot be read. */
  readonly marks?: readonly ListedMarkRule[] | undefined
  /** Rules that translate addresses. */
  readonly nat?: readonly ListedNatRule[] | undefined
  /** Marks that rules of other tables set. */
  readonly foundMarks?: readonly FoundMark[] | undefined
  /** Why none of them can be read. */
  readonly marksProblem?: string | undefined
}

/** IPVS does not answer. */
export interface Refusal {
  readonly code: 'ERR_IPVS_UNAVAILABLE' | 'ERR_IPVS_PERMISSION_DENIED'
  readonly message: string
  /** The process runs in a user namespace of its own, as in rootless containers. */
  readonly userNamespace: boolean
}

/** `bad`: does not work; `risk`: works until something happens; `good`: as it should be. */
export interface Finding {
  readonly level: 'good' | 'risk' | 'bad'
  readonly what: string
  readonly fix?: string
}

export type Check = (facts: Facts) => Finding[]

export const bad = (what: string, fix: string): Finding => ({ level: 'bad', what, fix })
export const risk = (what: string, fix: string): Finding => ({ level: 'risk', what, fix })
