// What must compile and what must not with ipvs/state: checked by tsc, never run.
import { FirewallMarks, Ipvs, type Destination, type DestinationAsListed, type Service } from 'ipvs'
import {
  applyChanges,
  diffState,
  diffStateAsync,
  normalizeState,
  readState,
  stateEntries,
  type Changes,
  type CurrentState,
  type State,
  type StateEntry,
} from 'ipvs/state'
import type { Same } from '../../state/attributes.ts'

declare const ipvs: Ipvs
declare const marks: FirewallMarks
declare const current: CurrentState

// ---- a current state is a desired state
export const saved: State = current
export const withoutMarks: Promise<CurrentState> = readState({ ipvs })
// @ts-expect-error there is no state without services' handle
export const withoutIpvs: Promise<CurrentState> = readState({ marks })

// ---- parts of a state
export const parts: State[] = [
  {},
  { timeouts: { udpSeconds: 30 } },
  { services: [{ service: { fwmark: 7 } }] },
  { services: [{ service: { fwmark: '0x7', persistence: { netmask: 24 } }, destinations: [{ address: '10.0.0.7' }] }] },
  // @ts-expect-error services are in an array
  { services: { fwmark: 7 } },
  // @ts-expect-error a destination has an address
  { services: [{ service: { fwmark: 7 }, destinations: [{ weight: 5 }] }] },
]

// ---- comparing and applying
export const changes: Changes = diffState(current, { services: [] }, { prune: ({ kind }) => kind === 'destination' })
export const later: Promise<Changes> = diffStateAsync(current, normalizeState({}), { prune: true, skipInvalid: true })
export const owned: Set<string> = new Set(stateEntries(current).map((entry: StateEntry) => entry.key))
export async function apply(): Promise<number> {
  const { applied, failures } = await applyChanges(changes, { ipvs, marks, onProgress: ({ done }) => void done })
  for (const { change, reason } of failures) {
    if (change.kind === 'destination' && reason === 'lost-race') return change.destination.weight ?? 1
  }
  return applied
}

// ---- an attribute that is forgotten in one of the types
interface Invented {
  readonly invented?: number
}
export const complete: Same<Destination, DestinationAsListed> = true
// @ts-expect-error listings have it, and it cannot be given: what is saved could not be restored
export const notGiven: Same<Destination, DestinationAsListed & Invented> = true
// @ts-expect-error it can be given, and listings lack it: what is saved would lose it
export const notListed: Same<Service & Invented, Service> = true
