// Attributes of rows are nowhere named one by one here: what listings have is saved, compared and set as it is. This holds as
// long as everything that can be given is listed, everything that is listed can be given and patched, and what a patch
// removes it removes by `null`. It does not compile when that ends, for example when an attribute was forgotten in one place.
import type {
  Destination,
  DestinationAsListed,
  DestinationPatch,
  ListedMarkRule,
  ListedServiceSettings,
  ListedSyncDaemon,
  MarkRule,
  ServicePatch,
  ServiceSettings,
  SyncDaemon,
  Timeouts,
  TimeoutsPatch,
} from 'ipvs'

type Different<Left, Right> = Exclude<keyof Left, keyof Right> | Exclude<keyof Right, keyof Left>
type Settings<Row> = Omit<Row, 'address' | 'port'>

/** Names of properties that can be absent. */
export type OptionalName<Row> = { [Name in keyof Row]-?: object extends Pick<Row, Name> ? Name : never }[keyof Row]

type Same<Left, Right> = [Different<Left, Right>] extends [never] ? true : Different<Left, Right>

/** Each is `true`; otherwise the name of a forgotten property stands there, and this does not compile. */
export const complete: {
  readonly service: Same<ServiceSettings, ListedServiceSettings>
  readonly servicePatch: Same<ListedServiceSettings, ServicePatch>
  readonly destination: Same<Destination, DestinationAsListed>
  readonly destinationPatch: Same<Settings<DestinationAsListed>, DestinationPatch>
  readonly mark: Same<MarkRule, Omit<ListedMarkRule, 'packets' | 'bytes'>>
  readonly daemon: Same<SyncDaemon, ListedSyncDaemon>
  readonly timeouts: Same<Timeouts, TimeoutsPatch>
} = {
  service: true,
  servicePatch: true,
  destination: true,
  destinationPatch: true,
  mark: true,
  daemon: true,
  timeouts: true,
}

/** What a patch of a service removes that listings leave out when there is none. */
export const absentOfService: { readonly [Name in OptionalName<ListedServiceSettings>]: null & ServicePatch[Name] } = {
  persistence: null,
  persistenceEngine: null,
}

/** The same of a destination. */
export const absentOfDestination: {
  readonly [Name in OptionalName<DestinationAsListed>]: null & DestinationPatch[Name]
} = { tunnel: null }
