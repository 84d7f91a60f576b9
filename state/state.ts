// A state: services with their destinations, timeouts, daemons and rules, or any part of it. What `ipvs save` writes.
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

/** A service of a state. */
export interface StateService {
  /** With all settings: what is not named has its default. */
  readonly service: Service
  /** The newest first, as listings have them. Absent: they are left alone. */
  readonly destinations?: readonly Destination[] | undefined
}

/** What should be. A section that is absent is left alone. */
export interface State {
  /** Of this format. */
  readonly version?: 1 | undefined
  /** Those that are named; the others are left alone. */
  readonly timeouts?: TimeoutsPatch | undefined
  /** Each service once. */
  readonly services?: readonly StateService[] | undefined
  /** At most one of each role. */
  readonly daemons?: readonly SyncDaemon[] | undefined
  /** Rules that mark. */
  readonly marks?: readonly MarkRule[] | undefined
  /** Rules that translate addresses. */
  readonly nat?: readonly NatRule[] | undefined
}

/** A service that is there. */
export interface CurrentService {
  readonly service: ServiceAsListed
  /** The newest first. */
  readonly destinations: readonly DestinationAsListed[]
}

/** What is, in the spelling of listings: see `readState`. It is a `State`, too. */
export interface CurrentState {
  readonly version: 1
  readonly timeouts: Timeouts
  readonly services: readonly CurrentService[]
  readonly daemons: readonly ListedSyncDaemon[]
  /** Absent: not read. */
  readonly marks?: readonly MarkRule[]
  /** Absent: not read. */
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
