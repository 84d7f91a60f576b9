// Validates a desired state as a whole: its rows in the spelling of listings, and all problems.
import { isDeepStrictEqual } from 'node:util'
import {
  checkTimeouts,
  normalizeDestination,
  normalizeMarkRule,
  normalizeNatRule,
  normalizeService,
  normalizeSyncDaemon,
  type DestinationAsListed,
  type MarkRule,
  type NatRule,
  type Service,
  type ServiceAsListed,
  type SyncDaemon,
  type TimeoutsPatch,
} from 'ipvs'
import { endpointText, serviceText } from './key-text.ts'
import { Problems, type StateProblem } from './problems.ts'
import { sections, type CurrentService, type State } from './state.ts'
import { rowCounter, type PausingWork } from './pauses.ts'

/** A destination in its listed form. `key`: within its service. */
export interface CheckedDestination {
  readonly key: string
  readonly destination: DestinationAsListed
}

/** The valid rows of a list. */
export interface CheckedList<Row> {
  readonly rows: readonly Row[]
  /** Keys of invalid rows: the objects of these keys stay as they are. */
  readonly refused: ReadonlySet<string>
  /** Whether an invalid row has no readable key. Then nothing is removed, because it could be the object of that row. */
  readonly unclear: boolean
}

/** A service in its listed form; the existing service if the desired settings are invalid. */
export interface CheckedService {
  readonly key: string
  readonly service: ServiceAsListed
  readonly destinations: CheckedList<CheckedDestination> | undefined
}

/** A rule in its listed form, and its path in the state. */
export interface CheckedRule<Rule> {
  readonly path: string
  readonly rule: Rule
}

/** A daemon in its listed form. */
export type DaemonForm = ReturnType<typeof normalizeSyncDaemon>

export interface CheckedState {
  readonly timeouts: TimeoutsPatch | undefined
  readonly services: CheckedList<CheckedService> | undefined
  readonly daemons: CheckedList<DaemonForm> | undefined
  readonly marks: CheckedList<CheckedRule<MarkRule>> | undefined
  readonly nat: CheckedList<CheckedRule<NatRule>> | undefined
  readonly problems: readonly StateProblem[]
}

/** Existing services by key. A row that equals an existing one is valid, even if it could not be added. */
export type Known = ReadonlyMap<string, CurrentService>

type Fields = Readonly<Record<string, unknown>>

// False, without throwing, for a revoked proxy; so is isObject().
function isArray(value: unknown): value is readonly unknown[] {
  try {
    return Array.isArray(value)
  } catch {
    return false
  }
}

function isObject(value: unknown): value is Fields {
  try {
    return typeof value === 'object' && value !== null && !Array.isArray(value)
  } catch {
    return false
  }
}

// False for maps, dates, instances of classes and revoked proxies: their content is not in own properties, and would be read as {}.
function isPlainObject(value: unknown): value is Fields {
  if (!isObject(value)) return false
  const prototype = Object.getPrototypeOf(value) as object | null
  return prototype === null || Object.getPrototypeOf(prototype) === null // Object.prototype of any realm
}

// A name in a path: in quotation marks unless it is a plain word.
function nameText(name: string): string {
  return /^\w+$/.test(name) ? name : JSON.stringify(name)
}

// The key as written. Other spellings need normalizing.
function writtenKey(service: unknown): string | undefined {
  if (!isObject(service)) return undefined
  const { fwmark, protocol, address, port } = service
  const isMark = typeof fwmark === 'number'
  const isAddress = typeof protocol === 'string' && typeof address === 'string' && typeof port === 'number'
  return isMark || isAddress ? serviceText(service as unknown as ServiceAsListed) : undefined
}

function writtenDestinationKey(destination: unknown, { port: servicePort = 0 }: ServiceAsListed): string | undefined {
  if (!isObject(destination)) return undefined
  const { address, port = servicePort } = destination
  return typeof address === 'string' && typeof port === 'number' ? endpointText(address, port) : undefined
}

/** Destinations by key: see `CheckedDestination`. */
export function byEndpoint(destinations: readonly DestinationAsListed[]): Map<string, DestinationAsListed> {
  return new Map(destinations.map((each) => [endpointText(each.address, each.port), each]))
}

class Check {
  readonly problems = new Problems()
  readonly #known: Known

  constructor(known: Known) {
    this.#known = known
  }

  array(section: string, value: unknown): readonly unknown[] | undefined {
    if (value === undefined) return undefined
    if (isArray(value)) return value
    return this.problems.add(section, 'is not an array')
  }

  // Adds the key of a row to `names`. A duplicate key is a problem.
  #isNew(path: string, key: string, names: Map<string, string>): boolean {
    const other = names.get(key)
    if (other === undefined) {
      names.set(key, path)
      return true
    }
    this.problems.add(path, `is there twice: ${other} is ${key}, too`)
    return false
  }

  *services(given: readonly unknown[]): PausingWork<CheckedList<CheckedService>> {
    const canPause = rowCounter()
    const rows: CheckedService[] = []
    const refused = new Set<string>()
    const names = new Map<string, string>()
    let unclear = false
    for (const [index, row] of given.entries()) {
      const path = `services[${index}]`
      const parts = this.#parts(path, row)
      const service = parts && this.#service(`${path}.service`, parts.service)
      if (service === undefined) unclear = true
      else if (!this.#isNew(path, service.key, names)) continue
      else if (service.form === undefined) refused.add(service.key)
      else {
        const { key, form } = service
        rows.push({ key, service: form, destinations: yield* this.#destinations(path, key, form, parts?.destinations) })
      }
      if (canPause()) yield
    }
    return { rows, refused, unclear }
  }

  #parts(path: string, row: unknown): { readonly service: unknown; readonly destinations: unknown } | undefined {
    if (!isObject(row)) return this.problems.add(path, 'is not { "service": {…}, "destinations": […] }')
    const stray = Object.keys(row).find((name) => name !== 'service' && name !== 'destinations')
    if (stray !== undefined)
      return this.problems.add(
        `${path}.${nameText(stray)}`,
        'there is no such property (accepted: service, destinations)',
      )
    return { service: row['service'], destinations: row['destinations'] }
  }

  // Without `form`: the row is invalid, and no such service exists.
  #service(path: string, given: unknown): { key: string; form: ServiceAsListed | undefined } | undefined {
    const written = writtenKey(given)
    const existing = written === undefined ? undefined : this.#known.get(written)
    if (written !== undefined && existing !== undefined && isDeepStrictEqual(existing.service, given)) {
      return { key: written, form: existing.service }
    }
    const form = this.problems.at(path, 'service', () => normalizeService(given as Service))
    if (form !== undefined) return { key: serviceText(form), form }
    const key = canonicalKey(given) ?? written
    return key === undefined ? undefined : { key, form: this.#known.get(key)?.service }
  }

  *#destinations(
    place: string,
    key: string,
    service: ServiceAsListed,
    given: unknown,
  ): PausingWork<CheckedList<CheckedDestination> | undefined> {
    const list = this.array(`${place}.destinations`, given)
    if (list === undefined) return undefined
    const canPause = rowCounter()
    const existing = byEndpoint(this.#known.get(key)?.destinations ?? [])
    const rows: CheckedDestination[] = []
    const refused = new Set<string>()
    const names = new Map<string, string>()
    let unclear = false
    for (const [index, row] of list.entries()) {
      const path = `${place}.destinations[${index}]`
      const written = writtenDestinationKey(row, service)
      const old = written === undefined ? undefined : existing.get(written)
      const isUnchanged = old !== undefined && isDeepStrictEqual(old, row)
      const destination = isUnchanged
        ? old
        : this.problems.at(path, 'destination', () => normalizeDestination(service, row as DestinationAsListed))
      const endpoint = destination === undefined ? written : endpointText(destination.address, destination.port)
      if (endpoint === undefined) unclear = true
      else if (!this.#isNew(path, endpoint, names)) continue
      else if (destination === undefined) refused.add(endpoint)
      else rows.push({ key: endpoint, destination })
      if (canPause()) yield
    }
    return { rows, refused, unclear }
  }

  *rules<Rule>(
    section: 'marks' | 'nat',
    given: readonly unknown[],
    normalize: (rule: Rule) => Rule,
  ): PausingWork<CheckedList<CheckedRule<Rule>>> {
    const canPause = rowCounter()
    const rows: CheckedRule<Rule>[] = []
    for (const [index, row] of given.entries()) {
      const path = `${section}[${index}]`
      const rule = this.problems.at(path, 'rule', () => normalize(row as Rule))
      if (rule !== undefined) rows.push({ path, rule })
      if (canPause()) yield
    }
    return { rows, refused: new Set(), unclear: rows.length < given.length }
  }

  daemons(given: readonly unknown[]): CheckedList<DaemonForm> {
    const names = new Map<string, string>()
    const rows = given.flatMap((row, index) => {
      const path = `daemons[${index}]`
      const daemon = this.problems.at(path, 'daemon', () => normalizeSyncDaemon(row as SyncDaemon))
      return daemon !== undefined && this.#isNew(path, daemon.role, names) ? [daemon] : []
    })
    return { rows, refused: new Set(), unclear: rows.length < given.length }
  }

  timeouts(given: unknown): TimeoutsPatch | undefined {
    if (isPlainObject(given) && Object.keys(given).length === 0) return {}
    return this.problems.at('timeouts', 'timeouts', () => {
      checkTimeouts(given as TimeoutsPatch)
      return given as TimeoutsPatch
    })
  }
}

// The key of a service with invalid settings, in canonical form.
function canonicalKey(service: unknown): string | undefined {
  if (!isObject(service)) return undefined
  const { fwmark, family, protocol, address, port } = service
  const key = { fwmark, family, protocol, address, port } as unknown as Service
  const form = new Problems().at('', 'service', () => normalizeService(key))
  return form && serviceText(form)
}

/** Validates a whole state. Rows that equal rows of `known` are valid. */
export function* checkState(given: unknown, known: Known): PausingWork<CheckedState> {
  const check = new Check(known)
  const { problems } = check
  const state: Fields = isPlainObject(given) ? given : {}
  if (!isPlainObject(given)) problems.add('state', `is not a plain object with the sections ${sections.join(', ')}`)
  for (const name of Object.keys(state)) {
    if (!(sections as readonly string[]).includes(name))
      problems.add(nameText(name), `there is no such section (accepted: ${sections.join(', ')})`)
  }
  const { version, timeouts } = state as State
  if (version !== undefined && version !== 1) problems.add('version', 'is not 1, the only version there is')
  const [services, daemons, marks, nat] = (['services', 'daemons', 'marks', 'nat'] as const).map((name) =>
    check.array(name, state[name]),
  )
  return {
    timeouts: timeouts === undefined ? undefined : check.timeouts(timeouts),
    services: services && (yield* check.services(services)),
    daemons: daemons && check.daemons(daemons),
    marks: marks && (yield* check.rules('marks', marks, normalizeMarkRule)),
    nat: nat && (yield* check.rules('nat', nat, normalizeNatRule)),
    problems: problems.list,
  }
}
