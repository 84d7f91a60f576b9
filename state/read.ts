// Reads what is.
import type {
  CallOptions,
  DestinationAsListed,
  FirewallMarks,
  Ipvs,
  ListedDestination,
  ListedMarkRule,
  ListedNatRule,
  NatRule,
  ServiceSnapshot,
} from 'ipvs'
import type { CurrentService, CurrentState } from './state.ts'
import { beats, inSlices, type Work } from './work.ts'

/** The methods of `Ipvs` and `FirewallMarks` that are needed to read a state. */
export interface Readers {
  readonly ipvs: Pick<Ipvs, 'getTimeouts' | 'snapshotTable' | 'listSyncDaemons'>
  /** Without it the state has neither `marks` nor `nat`. */
  readonly marks?: Pick<FirewallMarks, 'list' | 'listNat'> | undefined
}

/** What `readState` needs. */
export interface ReadOptions extends Readers, CallOptions {}

function withoutCounts(listed: ListedDestination): DestinationAsListed {
  const {
    activeConnections: _active,
    inactiveConnections: _inactive,
    persistentConnections: _clients,
    ...rest
  } = listed
  const { statistics: _statistics, ...destination } = rest
  return destination
}

/** A service of a snapshot without what passes: its counters and those of its destinations. */
export function currentService({ destinations, statistics: _statistics, ...service }: ServiceSnapshot): CurrentService {
  return { service: service, destinations: destinations.map(withoutCounts) }
}

/** A rule without what its counter has counted; that it counts stays. */
export function currentRule<Rule extends ListedMarkRule | ListedNatRule>(rule: Rule): Omit<Rule, 'packets' | 'bytes'> {
  const { packets: _packets, bytes: _bytes, ...rest } = rule
  return rest
}

function* withoutWhatPasses<Row, Kept>(rows: Iterable<Row>, keep: (row: Row) => Kept): Work<Kept[]> {
  const due = beats()
  const kept: Kept[] = []
  for (const row of rows) {
    kept.push(keep(row))
    if (due()) yield
  }
  return kept
}

/**
 * Reads the whole state of a network namespace, in the spelling of listings: what `ipvs save` writes. Without what passes, such
 * as counters; without rules when `marks` is not given.
 *
 * Rejects as `Ipvs.snapshot`, `FirewallMarks.list` and their like do.
 */
export async function readState({ ipvs, marks, signal }: ReadOptions): Promise<CurrentState> {
  const options = { signal }
  const timeouts = await ipvs.getTimeouts(options)
  const services = await inSlices(withoutWhatPasses(await ipvs.snapshotTable(options), currentService), signal)
  const daemons = await ipvs.listSyncDaemons(options)
  if (marks === undefined) return { version: 1, timeouts, services, daemons }
  const [rules, nat] = await Promise.all([marks.list(options), marks.listNat(options)])
  return {
    version: 1,
    timeouts,
    services,
    daemons,
    marks: await inSlices(withoutWhatPasses(rules, currentRule), signal),
    nat: nat.map(currentRule) as NatRule[],
  }
}
