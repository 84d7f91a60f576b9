// What `ipvs save` writes: everything that can be restored, and nothing that passes, such as counters.
import type {
  Destination,
  FirewallMarks,
  Ipvs,
  ListedDestination,
  ListedMarkRule,
  ListedNatRule,
  ListedService,
  ListedSyncDaemon,
  MarkRule,
  NatRule,
  Service,
  ServiceSnapshot,
  Timeouts,
} from 'ipvs'

/** A service with its destinations, the newest first. */
export interface SavedService {
  readonly service: Service
  readonly destinations: readonly Destination[]
}

export interface Document {
  /** Of this format. */
  readonly version: 1
  readonly timeouts?: Timeouts
  readonly services: readonly SavedService[]
  readonly daemons?: readonly ListedSyncDaemon[]
  /** Absent: marks are left alone. */
  readonly marks?: readonly MarkRule[]
  /** Rules that translate addresses. Absent: they are left alone. */
  readonly nat?: readonly NatRule[]
}

function savedService({ statistics: _statistics, ...service }: ListedService): Service {
  return service
}

function savedDestination(listed: ListedDestination): Destination {
  const { address, port, forwarding, weight, upperThreshold, lowerThreshold, tunnel } = listed
  return {
    address,
    port,
    forwarding,
    weight,
    upperThreshold,
    lowerThreshold,
    ...(tunnel !== undefined && { tunnel }),
  }
}

/** The services of a snapshot, without what passes. */
export function savedServices(snapshot: readonly ServiceSnapshot[]): SavedService[] {
  return snapshot.map(({ destinations, ...service }) => ({
    service: savedService(service as ListedService),
    destinations: destinations.map(savedDestination),
  }))
}

/** A rule without what its counter has counted; that it counts is saved. */
export function savedRule<Rule extends ListedMarkRule | ListedNatRule>(rule: Rule): Omit<Rule, 'packets' | 'bytes'> {
  const { packets: _packets, bytes: _bytes, ...saved } = rule
  return saved
}

async function savedMarks(marks: FirewallMarks): Promise<Pick<Document, 'marks' | 'nat'>> {
  const [rules, nat] = await Promise.all([marks.list(), marks.listNat()])
  return { marks: rules.map(savedRule), nat: nat.map(savedRule) as NatRule[] }
}

/** Reads everything; without marks where the kernel has no nf_tables. */
export async function readDocument(ipvs: Ipvs, marks: FirewallMarks | undefined): Promise<Document> {
  return {
    version: 1,
    timeouts: await ipvs.getTimeouts(),
    services: savedServices(await ipvs.snapshot()),
    daemons: await ipvs.listSyncDaemons(),
    ...(marks !== undefined && (await savedMarks(marks))),
  }
}
