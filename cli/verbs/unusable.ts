// Rows of a saved table that cannot be applied, found before any change.
import { isDeepStrictEqual } from 'node:util'
import {
  IpvsError,
  checkMarkRule,
  checkNatRule,
  checkOperation,
  checkSyncDaemon,
  checkTimeouts,
  type Destination,
  type Service,
} from 'ipvs'
import { byKey, destinationKeyOf, plain } from '../../state/difference.ts'
import type { Document, SavedService } from '../../state/document.ts'
import { serviceText } from '../../state/key-text.ts'
import { inDocument } from '../shared/verb-wording.ts'

/** The applicable part of a document, and one line per row that cannot be applied. */
export interface Usable {
  readonly document: Document
  readonly problems: readonly string[]
}

// Error text of a check for the row at `place`.
function refusal(place: string, check: () => void): string | undefined {
  try {
    check()
    return undefined
  } catch (error) {
    if (!(error instanceof IpvsError)) throw error
    return inDocument(error, place)
  }
}

class Sieve {
  readonly problems: string[] = []

  /** Whether a row passes; a failure is added to `problems`. */
  passes(place: string, check: () => void): boolean {
    const reason = refusal(place, check)
    if (reason !== undefined) this.problems.push(reason)
    return reason === undefined
  }

  rows<Row>(name: string, rows: readonly Row[] | undefined, check: (row: Row) => void): Row[] | undefined {
    return rows?.filter((row, index) => this.passes(`${name}[${index}]`, () => check(row)))
  }

  // A row that the table already has is kept unchecked. For a refused row, the current row stays.
  service(place: string, wanted: SavedService, current: SavedService | undefined): SavedService[] {
    if (!hasParts(wanted)) {
      this.problems.push(`${place}: is not { "service": {…}, "destinations": […] }`)
      return []
    }
    const { service, destinations } = wanted
    const usable =
      isDeepStrictEqual(current?.service, service) ||
      this.passes(`${place}.service`, () => checkOperation({ operation: 'addService', service }))
    if (!usable && current === undefined) return []
    const kept = usable ? service : (current as SavedService).service
    return [{ service: kept, destinations: this.#destinations(place, kept, destinations, current) }]
  }

  #destinations(
    place: string,
    service: Service,
    wanted: readonly Destination[],
    current: SavedService | undefined,
  ): Destination[] {
    const before = byKey(current?.destinations ?? [], destinationKeyOf(service))
    return wanted.flatMap((destination, index) => {
      const old = isRow(destination) ? before.get(destinationKeyOf(service)(destination)) : undefined
      if (old !== undefined && isDeepStrictEqual(old, destination)) return [destination]
      const where = `${place}.destinations[${index}]`
      const check = () => checkOperation({ operation: 'addDestination', service, destination })
      return this.passes(where, check) ? [destination] : old === undefined ? [] : [old]
    })
  }
}

// Whether the value has the fields of a key.
function isRow(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  const { address = '' } = value as { readonly address?: unknown }
  return typeof address === 'string'
}

function hasParts(saved: unknown): saved is SavedService {
  if (typeof saved !== 'object' || saved === null) return false
  const { service, destinations } = saved as Partial<SavedService>
  return isRow(service) && Array.isArray(destinations)
}

/** Checks all rows of `wanted` that differ from `current`, the present table. */
export function usableRows(wanted: Document, current: Document): Usable {
  const have = plain(current)
  const sieve = new Sieve()
  const before = byKey(have.services, ({ service }) => serviceText(service))
  const services = wanted.services.flatMap((saved, index) =>
    sieve.service(`services[${index}]`, saved, hasParts(saved) ? before.get(serviceText(saved.service)) : undefined),
  )
  const { timeouts, daemons, marks, nat } = wanted
  const settable =
    timeouts === undefined ||
    isDeepStrictEqual(timeouts, have.timeouts) ||
    sieve.passes('timeouts', () => checkTimeouts(timeouts))
  const running = have.daemons ?? []
  const document: Document = {
    version: 1,
    services,
    ...(settable && timeouts !== undefined && { timeouts }),
    ...defined(
      'daemons',
      sieve.rows('daemons', daemons, (daemon) => {
        if (!running.some((each) => isDeepStrictEqual(each, daemon))) checkSyncDaemon(daemon)
      }),
    ),
    ...defined('marks', sieve.rows('marks', marks, checkMarkRule)),
    ...defined('nat', sieve.rows('nat', nat, checkNatRule)),
  }
  return { document, problems: sieve.problems }
}

function defined<Name extends string, Value>(name: Name, value: Value | undefined): { readonly [Key in Name]?: Value } {
  return value === undefined ? {} : ({ [name]: value } as { readonly [Key in Name]?: Value })
}

/** Rows of the kernel that `restore` cannot apply: saved anyway, and reported. */
export function unsaveable(document: Document): string[] {
  const { problems } = usableRows(plain(document), { version: 1, services: [] })
  const strange = document.services.flatMap(({ service, destinations }) =>
    destinations
      .filter(({ forwarding, tunnel }) => forwarding === 'tunnel' && tunnel === undefined)
      .map(({ address }) => `${serviceText(service)} -> ${address}: the type of its tunnel is not known and not saved`),
  )
  return [...problems, ...strange]
}
