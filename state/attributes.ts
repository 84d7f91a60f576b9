// No file of state/ lists the attributes of rows: listed rows are saved, compared and set as a whole. This is right as long as
// inputs, listings and patches have the same attributes, and a patch removes optional ones by `null`. Otherwise, for example when
// an attribute is forgotten in one of these types, this file does not compile.
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

/** `true` if both types have the same properties, otherwise the properties that only one of them has. */
export type Same<Left, Right> = [Different<Left, Right>] extends [never] ? true : Different<Left, Right>

/** Does not compile if a type lacks a property: the error names it. */
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

/** Optional settings of listed services: a patch removes them by `null`. */
export const absentOfService: { readonly [Name in OptionalName<ListedServiceSettings>]: null & ServicePatch[Name] } = {
  persistence: null,
  persistenceEngine: null,
}

/** Optional settings of listed destinations: a patch removes them by `null`. */
export const absentOfDestination: {
  readonly [Name in OptionalName<DestinationAsListed>]: null & DestinationPatch[Name]
} = { tunnel: null }
