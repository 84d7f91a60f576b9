// Compares existing services with desired ones.
import { isDeepStrictEqual } from 'node:util'
import type { DestinationAsListed } from 'ipvs'
import type { Change } from './change.ts'
import { byEndpoint, type CheckedDestination, type CheckedList, type CheckedService, type Known } from './checked.ts'
import type { StateEntry } from './entries.ts'
import type { CurrentService } from './state.ts'
import { beats, type Work } from './work.ts'

/** Whether an entry that the desired state lacks is removed. */
export type Prunes = (entry: StateEntry) => boolean

/** Changes to apply early (additions, updates) and late (removals). */
export interface Parts {
  readonly comes: readonly Change[]
  readonly goes: readonly Change[]
}

class ServiceDifference implements Parts {
  readonly comes: Change[] = []
  readonly goes: Change[] = []
  readonly #prunes: Prunes
  readonly #due = beats()

  constructor(prunes: Prunes) {
    this.#prunes = prunes
  }

  *services(known: Known, wanted: CheckedList<CheckedService>): Work<void> {
    const named = new Set(wanted.refused)
    for (const each of wanted.rows) {
      named.add(each.key)
      const there = known.get(each.key)
      if (there === undefined) this.#newService(each)
      else this.#service(there, each)
      if (this.#due()) yield
    }
    for (const [key, { service, destinations }] of wanted.unclear ? [] : known) {
      if (this.#due()) yield
      if (named.has(key) || !this.#prunes({ kind: 'service', key, service })) continue
      this.goes.push({ kind: 'service', action: 'remove', key, service, destinations: destinations.length })
    }
  }

  #newService({ key, service, destinations }: CheckedService): void {
    this.comes.push({ kind: 'service', action: 'add', key, service })
    // The last one that is added is the first one that is listed.
    for (const { key: endpoint, destination } of (destinations?.rows ?? []).toReversed()) {
      this.comes.push({ kind: 'destination', action: 'add', key: `${key} -> ${endpoint}`, service, destination })
    }
  }

  #service(
    { service: from, destinations: there }: CurrentService,
    { key, service, destinations }: CheckedService,
  ): void {
    if (from !== service && !isDeepStrictEqual(from, service)) {
      this.comes.push({ kind: 'service', action: 'update', key, service, from })
    }
    if (destinations !== undefined) this.#destinations(key, service, byEndpoint(there), destinations)
  }

  #destinations(
    place: string,
    service: CheckedService['service'],
    there: ReadonlyMap<string, DestinationAsListed>,
    { rows, refused, unclear }: CheckedList<CheckedDestination>,
  ): void {
    const named = new Set(refused)
    for (const { key: endpoint, destination } of rows.toReversed()) {
      named.add(endpoint)
      const from = there.get(endpoint)
      const row = { kind: 'destination', key: `${place} -> ${endpoint}`, service, destination } as const
      if (from === undefined) this.comes.push({ ...row, action: 'add' })
      else if (from !== destination && !isDeepStrictEqual(from, destination)) {
        this.comes.push({ ...row, action: 'update', from })
      }
    }
    for (const [endpoint, destination] of unclear ? [] : there) {
      const row = { kind: 'destination', key: `${place} -> ${endpoint}`, service, destination } as const
      if (!named.has(endpoint) && this.#prunes(row)) this.goes.push({ ...row, action: 'remove' })
    }
  }
}

/** The changes of services and destinations. `known`: the existing services. */
export function* serviceDifference(
  known: Known,
  wanted: CheckedList<CheckedService> | undefined,
  prunes: Prunes,
): Work<Parts> {
  const difference = new ServiceDifference(prunes)
  if (wanted !== undefined) yield* difference.services(known, wanted)
  return difference
}
