// Normalization: settings as listings return them, with defaults and in the kernel's spelling.
//
// The arguments are written into a row and read back like a row of a listing, so that no attribute can be forgotten.
import { destinationIdentity, listedDestination, newDestinationRow, readDestination } from './services/destination.ts'
import type { Destination, DestinationCounts, ListedDestination } from './services/destination-types.ts'
import { invalidArgument } from './values/errors.ts'
import { listedRule, parseMarkRule, type ListedMarkRule, type MarkRule } from './marks/mark-rule.ts'
import { listedNatRule, parseNatRule, type NatRule } from './marks/nat-rule.ts'
import { serviceIdentity, type ListedServiceKey, type ServiceKey } from './services/service-key.ts'
import {
  listedService,
  newServiceRow,
  parseServiceKey,
  readService,
  type ListedServiceSettings,
  type Service,
} from './services/service.ts'
import { completeSyncDaemon, type ListedSyncDaemon, type SyncDaemon } from './services/sync-daemon.ts'

/** A listed service without counters. */
export type ServiceAsListed = ListedServiceKey & ListedServiceSettings

/** A listed destination without connections and counters. */
export type DestinationAsListed = Omit<ListedDestination, DestinationCounts>

/** A listed synchronisation daemon. `maxLength` is absent if it depends on the MTU of the interface. */
export type SyncDaemonAsListed = Omit<ListedSyncDaemon, 'maxLength'> & Partial<Pick<ListedSyncDaemon, 'maxLength'>>

function normalized<Form>(operation: string, make: () => Form): Form {
  try {
    return make()
  } catch (error) {
    throw invalidArgument({ operation, target: '' }, error)
  }
}

/**
 * Returns a service as listings return it after `addService`: with defaults, netmasks as masks, IPv6 addresses in canonical
 * spelling. Sends nothing. Throws the `ERR_IPVS_INVALID_ARGUMENT` that `addService` would reject with.
 */
export function normalizeService(service: Service): ServiceAsListed {
  return normalized('normalizeService', () => {
    const fields = readService(service, 'service')
    const row = newServiceRow(serviceIdentity(fields, 'service'), fields)
    const { statistics: _statistics, ...form } = listedService(row)
    return form
  })
}

/** Returns a destination as listings return it after `addDestination`. Throws what `addDestination` would reject with. */
export function normalizeDestination(service: ServiceKey, destination: Destination): DestinationAsListed {
  return normalized('normalizeDestination', () => {
    const owner = parseServiceKey(service)
    const fields = readDestination(destination, 'destination')
    const row = newDestinationRow(owner, destinationIdentity(owner, fields), fields)
    const listed = listedDestination(row, owner)
    const {
      activeConnections: _active,
      inactiveConnections: _inactive,
      persistentConnections: _clients,
      ...rest
    } = listed
    const { statistics: _statistics, ...form } = rest
    return form
  })
}

/** Returns a rule as `FirewallMarks.list` returns it after `add`, without counters. Throws what `add` would reject with. */
export function normalizeMarkRule(rule: MarkRule): Omit<ListedMarkRule, 'packets' | 'bytes'> {
  return normalized('normalizeMarkRule', () => {
    const { packets: _packets, bytes: _bytes, ...form } = listedRule(parseMarkRule(rule, 'rule'))
    return form
  })
}

/** Returns a rule as `FirewallMarks.listNat` returns it after `addNat`, without counters. Throws what `addNat` would reject with. */
export function normalizeNatRule(rule: NatRule): NatRule {
  return normalized('normalizeNatRule', () => {
    const { packets: _packets, bytes: _bytes, ...form } = listedNatRule(parseNatRule(rule, 'rule'))
    return form
  })
}

/**
 * Returns a synchronisation daemon as listings return it after `startSyncDaemon`. `maxLength` is absent if it depends on the
 * MTU of the interface: for a backup without `maxLength`. Throws what `startSyncDaemon` would reject with.
 */
export function normalizeSyncDaemon(daemon: SyncDaemon): SyncDaemonAsListed {
  return normalized('normalizeSyncDaemon', () => completeSyncDaemon(daemon))
}
