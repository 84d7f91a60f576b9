// The entries of a state: objects that can be added and removed on their own.
import type { Destination, MarkRule, NatRule, Service, SyncDaemon } from 'ipvs'
import { endpointText, serviceText } from './key-text.ts'
import { markKey, natKey } from './rule-kinds.ts'
import type { State } from './state.ts'

/**
 * An object of a state. `key` is unique: `mark:7` or `tcp:172.16.0.100:80` for a service, `mark:7 -> 10.0.0.7:0` for a
 * destination, `marks 7 172.16.0.100 tcp 80,443` and `nat masquerade 10.0.0.0/24 tcp 20` for rules, `daemon master` for a
 * daemon. The key of a rule does not contain its comment and counter. `kind` says which of the other properties exist.
 */
export type StateEntry = { readonly key: string } & (
  | { readonly kind: 'service'; readonly service: Service }
  | { readonly kind: 'destination'; readonly service: Service; readonly destination: Destination }
  | { readonly kind: 'mark'; readonly rule: MarkRule }
  | { readonly kind: 'nat'; readonly rule: NatRule }
  | { readonly kind: 'daemon'; readonly daemon: SyncDaemon }
)

export function destinationKeyText(serviceKey: string, { address, port = 0 }: Destination): string {
  return `${serviceKey} -> ${endpointText(address, port)}`
}

export function daemonKeyText({ role }: SyncDaemon): string {
  return `daemon ${role}`
}

/**
 * The entries of a state from {@link readState} or {@link normalizeState}. A set of keys for `prune`:
 * `new Set(stateEntries(mine).map(({ key }) => key))`.
 */
export function stateEntries({ services = [], marks = [], nat = [], daemons = [] }: State): StateEntry[] {
  const entries: StateEntry[] = []
  for (const { service, destinations = [] } of services) {
    const key = serviceText(service)
    entries.push({ kind: 'service', key, service })
    for (const destination of destinations) {
      entries.push({ kind: 'destination', key: destinationKeyText(key, destination), service, destination })
    }
  }
  for (const rule of marks) entries.push({ kind: 'mark', key: markKey(rule), rule })
  for (const rule of nat) entries.push({ kind: 'nat', key: natKey(rule), rule })
  for (const daemon of daemons) entries.push({ kind: 'daemon', key: daemonKeyText(daemon), daemon })
  return entries
}
