// What `ipvs doctor` looks at. `read.ts` finds it out; checks make findings of it and read nothing themselves.
import type { FoundMark, ListedMarkRule, ListedNatRule, ListedSyncDaemon, MarksStatus, ServiceSnapshot } from 'ipvs'
import type { Finding } from './finding.ts'
import type { HostFacts } from './host.ts'
import type { Listener } from './listeners.ts'
import type { Probed } from './probes.ts'
import type { NamespaceFacts } from './proc.ts'
import type { RouteFacts } from './routes.ts'
import type { SavedMarks } from './saved.ts'

/** What was found out. */
export interface Facts extends NamespaceFacts, Partial<RouteFacts> {
  /** Why IPVS cannot be used. */
  readonly refused?: Refusal | undefined
  readonly services: readonly ServiceSnapshot[]
  /** Sockets of the director; absent when they do not matter or cannot be read. */
  readonly listeners?: readonly Listener[] | undefined
  readonly daemons?: readonly ListedSyncDaemon[] | undefined
  /** Absent: the rules cannot be read. */
  readonly marks?: readonly ListedMarkRule[] | undefined
  /** Rules that translate addresses. */
  readonly nat?: readonly ListedNatRule[] | undefined
  /** Whether they are in effect. */
  readonly marksStatus?: MarksStatus | undefined
  /** Marks that rules of other tables set. */
  readonly foundMarks?: readonly FoundMark[] | undefined
  /** What would become of packets of the services. Absent: the rules of the packet filter cannot be read. */
  readonly probes?: readonly Probed[] | undefined
  /** Files that have mark rules, in the places of the guide. */
  readonly saved?: readonly SavedMarks[] | undefined
  /** Why none of them can be read. */
  readonly marksProblem?: string | undefined
}

/** IPVS does not answer. */
export interface Refusal {
  readonly code: 'ERR_IPVS_UNAVAILABLE' | 'ERR_IPVS_PERMISSION_DENIED'
  readonly message: string
  readonly errno?: number | undefined
  readonly host: HostFacts
}

/** From facts to findings. */
export type Check = (facts: Facts) => Finding[]
