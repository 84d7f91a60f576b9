// The facts for `ipvs doctor`. `read.ts` collects them; checks turn them into findings and read nothing themselves.
import type {
  FoundMark,
  IpvsError,
  ListedMarkRule,
  ListedNatRule,
  ListedSyncDaemon,
  MarksStatus,
  ServiceSnapshot,
} from 'ipvs'
import type { Finding } from './finding.ts'
import type { HostFacts } from './host.ts'
import type { Listener } from './listeners.ts'
import type { Probed } from './probes.ts'
import type { NamespaceFacts } from './proc.ts'
import type { RouteFacts } from './routes.ts'
import type { SavedMarks } from './saved.ts'

/** The collected facts. */
export interface Facts extends NamespaceFacts, Partial<RouteFacts> {
  /** Why IPVS cannot be used. */
  readonly refused?: Refusal | undefined
  readonly services: readonly ServiceSnapshot[]
  /** Sockets of the director; absent if not needed or unreadable. */
  readonly listeners?: readonly Listener[] | undefined
  readonly daemons?: readonly ListedSyncDaemon[] | undefined
  /** Absent: unreadable. */
  readonly marks?: readonly ListedMarkRule[] | undefined
  /** NAT rules. */
  readonly nat?: readonly ListedNatRule[] | undefined
  /** Whether mark and NAT rules are in effect. */
  readonly marksStatus?: MarksStatus | undefined
  /** Marks set by rules of other tables. */
  readonly foundMarks?: readonly FoundMark[] | undefined
  /** Traces of packets of the services. Absent: the packet filter is unreadable. */
  readonly probes?: readonly Probed[] | undefined
  /** Files with mark rules, at the paths from docs/marks.md. */
  readonly saved?: readonly SavedMarks[] | undefined
  /** Why none of them can be read. */
  readonly marksProblem?: Pick<IpvsError, 'code' | 'message'> | undefined
}

/** IPVS is unavailable. */
export interface Refusal {
  readonly code: 'ERR_IPVS_UNAVAILABLE' | 'ERR_IPVS_PERMISSION_DENIED'
  readonly message: string
  readonly errno?: number | undefined
  readonly host: HostFacts
}

/** Turns facts into findings. */
export type Check = (facts: Facts) => Finding[]
