// What `ipvs doctor` looks at. `read.ts` finds it out; checks make findings of it and read nothing themselves.
import type { FoundMark, ListedMarkRule, ListedNatRule, ServiceSnapshot } from 'ipvs'
import type { Finding } from './finding.ts'
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

/** From facts to findings. */
export type Check = (facts: Facts) => Finding[]
