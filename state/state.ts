// States: services with destinations, timeouts, daemons and rules. `ipvs save` writes them.
import type {
  Destination,
  DestinationAsListed,
  ListedSyncDaemon,
  MarkRule,
  NatRule,
  Service,
  ServiceAsListed,
  SyncDaemon,
  Timeouts,
  TimeoutsPatch,
} from 'ipvs'

/** A service of a desired state. */
export interface StateService {
  /** Key and settings. An absent setting has its default. */
  readonly service: Service
  /** In the order of listings: the newest first. Default: the destinations stay as they are. */
  readonly destinations?: readonly Destination[] | undefined
}

/** A desired state. An absent section stays as it is. Unknown sections are an error. */
export interface State {
  /** Version of the format. Default 1, the only version. */
  readonly version?: 1 | undefined
  /** In seconds. An absent timeout stays as it is. */
  readonly timeouts?: TimeoutsPatch | undefined
  /** Each service at most once. */
  readonly services?: readonly StateService[] | undefined
  /** At most one `master` and one `backup`. */
  readonly daemons?: readonly SyncDaemon[] | undefined
  /** Mark rules. */
  readonly marks?: readonly MarkRule[] | undefined
  /** NAT rules. */
  readonly nat?: readonly NatRule[] | undefined
}

/** A service of the current state. */
export interface CurrentService {
  /** Key and all settings, in the spelling of listings. */
  readonly service: ServiceAsListed
  /** The newest first. */
  readonly destinations: readonly DestinationAsListed[]
}

/** The current state in the spelling of listings: see {@link readState}. It can be used as a desired state. */
export interface CurrentState {
  /** Version of the format. */
  readonly version: 1
  /** In seconds. */
  readonly timeouts: Timeouts
  /** In the kernel's order. */
  readonly services: readonly CurrentService[]
  /** Running daemons. */
  readonly daemons: readonly ListedSyncDaemon[]
  /** Mark rules. Absent if not read. */
  readonly marks?: readonly MarkRule[]
  /** NAT rules. Absent if not read. */
  readonly nat?: readonly NatRule[]
}

/** The sections of a state. */
export const sections: readonly (keyof State)[] = Object.keys({
  version: 1,
  timeouts: 1,
  services: 1,
  daemons: 1,
  marks: 1,
  nat: 1,
} satisfies Record<keyof State, 1>) as (keyof State)[]
