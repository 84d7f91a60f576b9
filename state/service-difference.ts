// Compares existing services with desired ones.
import { isDeepStrictEqual } from 'node:util'
import type { DestinationAsListed } from 'ipvs'
import type { Change } from './change.ts'
import { byEndpoint, type CheckedDestination, type CheckedList, type CheckedService, type Known } from './checked.ts'
import type { StateEntry } from './entries.ts'
import type { CurrentService } from './state.ts'
import { rowCounter, type PausingWork } from './pauses.ts'

/** Whether an entry that the desired state lacks is removed. */
export type Prunes = (entry: StateEntry) => boolean

/** Changes to apply early (additions, updates) and late (removals). */
export interface Parts {
  readonly written: readonly Change[]
  readonly removed: readonly Change[]
}

class ServiceDifference implements Parts {
  readonly written: Change[] = []
  readonly removed: Change[] = []
  readonly #prunes: Prunes
  readonly #canPause = rowCounter()

  constructor(prunes: Prunes) {
    this.#prunes = prunes
  }

  *services(known: Known, desired: CheckedList<CheckedService>): PausingWork<void> {
    const namedKeys = new Set(desired.refused)
    for (const each of desired.rows) {
      namedKeys.add(each.key)
      const existing = known.get(each.key)
      if (existing === undefined) this.#newService(each)
      else this.#service(existing, each)
      if (this.#canPause()) yield
    }
    for (const [key, { service, destinations }] of desired.unclear ? [] : known) {
      if (this.#canPause()) yield
      if (namedKeys.has(key) || !this.#prunes({ kind: 'service', key, service })) continue
      this.removed.push({ kind: 'service', action: 'remove', key, service, destinations: destinations.length })
    }
  }

  #newService({ key, service, destinations }: CheckedService): void {
    this.written.push({ kind: 'service', action: 'add', key, service })
    // The last one that is added is the first one that is listed.
    for (const { key: endpoint, destination } of (destinations?.rows ?? []).toReversed()) {
      this.written.push({ kind: 'destination', action: 'add', key: `${key} -> ${endpoint}`, service, destination })
    }
  }

  #service(
    { service: from, destinations: existing }: CurrentService,
    { key, service, destinations }: CheckedService,
  ): void {
    if (from !== service && !isDeepStrictEqual(from, service)) {
      this.written.push({ kind: 'service', action: 'update', key, service, from })
    }
    if (destinations !== undefined) this.#destinations(key, service, byEndpoint(existing), destinations)
  }

  #destinations(
    place: string,
    service: CheckedService['service'],
    existing: ReadonlyMap<string, DestinationAsListed>,
    { rows, refused, unclear }: CheckedList<CheckedDestination>,
  ): void {
    const namedKeys = new Set(refused)
    for (const { key: endpoint, destination } of rows.toReversed()) {
      namedKeys.add(endpoint)
      const from = existing.get(endpoint)
      const row = { kind: 'destination', key: `${place} -> ${endpoint}`, service, destination } as const
      if (from === undefined) this.written.push({ ...row, action: 'add' })
      else if (from !== destination && !isDeepStrictEqual(from, destination)) {
        this.written.push({ ...row, action: 'update', from })
      }
    }
    for (const [endpoint, destination] of unclear ? [] : existing) {
      const row = { kind: 'destination', key: `${place} -> ${endpoint}`, service, destination } as const
      if (!namedKeys.has(endpoint) && this.#prunes(row)) this.removed.push({ ...row, action: 'remove' })
    }
  }
}

/** The changes of services and destinations. `known`: the existing services. */
export function* serviceDifference(
  known: Known,
  desired: CheckedList<CheckedService> | undefined,
  prunes: Prunes,
): PausingWork<Parts> {
  const difference = new ServiceDifference(prunes)
  if (desired !== undefined) yield* difference.services(known, desired)
  return difference
}
