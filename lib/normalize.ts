// What listings will say of something that is going to be there: complete, and in one spelling.
//
// A row is made as for sending, and read as of a listing: so every attribute that both know is in it.
import type { DestinationCounts } from './services/destination.ts'
import {
  destinationIdentity,
  listedDestination,
  newDestinationRow,
  readDestination,
  type Destination,
  type ListedDestination,
} from './services/destination.ts'
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

/** A service as listings have it, but for its counters. */
export type ServiceAsListed = ListedServiceKey & ListedServiceSettings

/** A destination as listings have it, but for its connections and counters. */
export type DestinationAsListed = Omit<ListedDestination, DestinationCounts>

function normalized<Form>(operation: string, make: () => Form): Form {
  try {
    return make()
  } catch (error) {
    throw invalidArgument({ operation, target: '' }, error)
  }
}

/**
 * A service as listings have it once it was added: defaults filled in, netmasks as masks, IPv6 addresses in the usual
 * spelling. Nothing is sent. Throws what `addService` would reject with as `ERR_IPVS_INVALID_ARGUMENT`. The same goes for the
 * rest of this kind.
 */
export function normalizeService(service: Service): ServiceAsListed {
  return normalized('normalizeService', () => {
    const fields = readService(service, 'service')
    const row = newServiceRow(serviceIdentity(fields, 'service'), fields)
    const { statistics: _statistics, ...form } = listedService(row)
    return form
  })
}

/** A destination of a service as listings have it once it was added. Throws what `addDestination` would reject with. */
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

/** A rule as `FirewallMarks.list` has it once it was added, but for what it counts. Throws what `add` would reject with. */
export function normalizeMarkRule(rule: MarkRule): Omit<ListedMarkRule, 'packets' | 'bytes'> {
  return normalized('normalizeMarkRule', () => {
    const { packets: _packets, bytes: _bytes, ...form } = listedRule(parseMarkRule(rule, 'rule'))
    return form
  })
}

/** A rule as `FirewallMarks.listNat` has it once it was added, but for what it counts. Throws what `addNat` would reject with. */
export function normalizeNatRule(rule: NatRule): NatRule {
  return normalized('normalizeNatRule', () => {
    const { packets: _packets, bytes: _bytes, ...form } = listedNatRule(parseNatRule(rule, 'rule'))
    return form
  })
}

/**
 * A synchronisation daemon as listings have it once it was started. `maxLength` is missing where it depends on the MTU of the
 * interface: in a backup that names none. Throws what `startSyncDaemon` would reject with.
 */
export function normalizeSyncDaemon(daemon: SyncDaemon): Omit<ListedSyncDaemon, 'maxLength'> & { maxLength?: number } {
  return normalized('normalizeSyncDaemon', () => completeSyncDaemon(daemon))
}
