// What a state consists of, one entry for each thing that can be added and removed by itself.
import type { Destination, MarkRule, NatRule, Service, SyncDaemon } from 'ipvs'
import { endpointText, serviceText } from './key-text.ts'
import { markKey, natKey } from './rule-kinds.ts'
import type { State } from './state.ts'

/**
 * Something that is there. `key` tells it apart from everything else: `mark:7` or `tcp:172.16.0.100:80` of a service,
 * `mark:7 -> 10.0.0.7:0` of a destination, `marks 7 172.16.0.100 tcp 80,443` and `nat masquerade 10.0.0.0/24 tcp 20` of rules,
 * `daemon master` of a daemon. A comment and a counter are no part of a rule's key.
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
 * The entries of a state in the spelling of listings: of what `readState` or `normalizeState` returns. For a set of what
 * belongs to somebody: `new Set(stateEntries(mine).map(({ key }) => key))`.
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
