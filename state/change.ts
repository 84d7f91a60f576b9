// One difference between two states.
import type {
  Destination,
  DestinationAsListed,
  MarkRule,
  MarksProblem,
  NatRule,
  Service,
  ServiceAsListed,
  SyncDaemon,
  Timeouts,
  TimeoutsPatch,
} from 'ipvs'

interface Row<Kind extends string> {
  /** The kind of object that changes. */
  readonly kind: Kind
  /** The name of the object, the same as the key of its entry: see {@link StateEntry}. */
  readonly key: string
}

/**
 * A service is added, gets other settings, or is removed together with its destinations. `service` has the new settings, `from`
 * the old ones, `destinations` is the number of removed destinations.
 */
export type ServiceChange = Row<'service'> &
  (
    | { readonly action: 'add'; readonly service: ServiceAsListed }
    | { readonly action: 'update'; readonly service: ServiceAsListed; readonly from: Service }
    | { readonly action: 'remove'; readonly service: Service; readonly destinations: number }
  )

/** A destination of `service` is added, gets other settings, or is removed. `from` has the old settings. */
export type DestinationChange = Row<'destination'> & { readonly service: Service } & (
    | { readonly action: 'add'; readonly destination: DestinationAsListed }
    | { readonly action: 'update'; readonly destination: DestinationAsListed; readonly from: Destination }
    | { readonly action: 'remove'; readonly destination: Destination }
  )

/** `rule` is added, replaces the rules `from`, or is removed. All changes of one kind of rules are one transaction. */
export type RuleChange<Kind extends 'mark' | 'nat', Rule> = Row<Kind> &
  (
    | { readonly action: 'add'; readonly rule: Rule }
    | { readonly action: 'update'; readonly rule: Rule; readonly from: readonly Rule[] }
    | { readonly action: 'remove'; readonly rule: Rule }
  )

/** `daemon` is started or stopped. A daemon with new settings is stopped first and started last. */
export type DaemonChange = Row<'daemon'> & { readonly action: 'add' | 'remove'; readonly daemon: SyncDaemon }

/** Timeouts of the table are set. */
export type TimeoutsChange = Row<'timeouts'> & {
  readonly action: 'update'
  /** The new values, in seconds. Timeouts that stay the same are absent. */
  readonly timeouts: TimeoutsPatch
  /** The old values of the same timeouts. */
  readonly from: Partial<Timeouts>
}

/** The rules are right, but without effect because of `problems`: they are written again. See {@link withRepair}. */
export type RepairChange = Row<'repair'> & { readonly action: 'update'; readonly problems: readonly MarksProblem[] }

/** One change. `action` is `add`, `update` or `remove`. */
export type Change =
  | ServiceChange
  | DestinationChange
  | RuleChange<'mark', MarkRule>
  | RuleChange<'nat', NatRule>
  | DaemonChange
  | TimeoutsChange
  | RepairChange
