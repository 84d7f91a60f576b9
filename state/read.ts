// Reads the current state.
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
import { rowCounter, runWithPauses, type PausingWork } from './pauses.ts'

/** Handles with the methods for reading a state. */
export interface Readers {
  /** An open `Ipvs`. */
  readonly ipvs: Pick<Ipvs, 'getTimeouts' | 'snapshotTable' | 'listSyncDaemons'>
  /** An open `FirewallMarks`. Without it the state has no `marks` and no `nat`. */
  readonly marks?: Pick<FirewallMarks, 'list' | 'listNat'> | undefined
}

/** Handles and options of {@link readState}. */
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

/** A service of a snapshot without counters. */
export function currentService({ destinations, statistics: _statistics, ...service }: ServiceSnapshot): CurrentService {
  return { service: service, destinations: destinations.map(withoutCounts) }
}

/** A rule without packets and bytes. `counter` stays. */
export function currentRule<Rule extends ListedMarkRule | ListedNatRule>(rule: Rule): Omit<Rule, 'packets' | 'bytes'> {
  const { packets: _packets, bytes: _bytes, ...rest } = rule
  return rest
}

function* converted<Row, Kept>(rows: Iterable<Row>, keep: (row: Row) => Kept): PausingWork<Kept[]> {
  const canPause = rowCounter()
  const kept: Kept[] = []
  for (const row of rows) {
    kept.push(keep(row))
    if (canPause()) yield
  }
  return kept
}

/**
 * Reads the whole state of a network namespace without counters, in the spelling of listings. Without `marks` the state has no
 * rules. Pauses every few milliseconds, so that the event loop runs. Like `ipvs save`.
 *
 * Rejects with the errors of `Ipvs.getTimeouts`, `snapshotTable` and `listSyncDaemons`, and of `FirewallMarks.list` and `listNat`.
 */
export async function readState({ ipvs, marks, signal }: ReadOptions): Promise<CurrentState> {
  const options = { signal }
  const timeouts = await ipvs.getTimeouts(options)
  const services = await runWithPauses(converted(await ipvs.snapshotTable(options), currentService), signal)
  const daemons = await ipvs.listSyncDaemons(options)
  if (marks === undefined) return { version: 1, timeouts, services, daemons }
  const [rules, nat] = await Promise.all([marks.list(options), marks.listNat(options)])
  return {
    version: 1,
    timeouts,
    services,
    daemons,
    marks: await runWithPauses(converted(rules, currentRule), signal),
    nat: nat.map(currentRule) as NatRule[],
  }
}
