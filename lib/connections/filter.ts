// Filter of connections. Native code evaluates it for each line of the kernel's file.
import { parseAddressBlock } from '../values/address-block.ts'
import { familyNumber } from '../values/address.ts'
import { numbersOf } from '../binding/numbers.ts'
import type { ConnectionPassOptions, NativeEndpointFilter } from '../binding/addon.ts'
import { connectionStates, protocolNumbers, type ConnectionProtocol, type ConnectionState } from './connection.ts'
import type { CallOptions } from '../calls/options.ts'
import { parseFwmark } from '../values/protocol.ts'
import { parseSignal } from '../values/signals.ts'
import {
  InvalidInput,
  alternatives,
  boolean,
  integer,
  isArray,
  list,
  oneOf,
  readFields,
  show,
} from '../values/validate.ts'

/** Filter of one end of a connection, by address, port, or both. The ends of listed connections are valid filters. */
export interface EndpointFilter {
  /** Address (`10.0.0.7`), CIDR block (`10.0.0.0/8`) or range (`10.0.0.5-10.0.0.9`), IPv4 or IPv6. Default: all. */
  readonly address?: string | undefined
  /** Port, 0 to 65535. Default: all. */
  readonly port?: number | undefined
}

/** Filter of connections. A connection must match all properties that are present; an empty filter matches all. */
export interface ConnectionFilter extends CallOptions {
  /** Protocol or protocols. `'ip'`: templates of services with a mark. Default: all. */
  readonly protocol?: ConnectionProtocol | readonly ConnectionProtocol[] | undefined
  /** State or states. Default: all. */
  readonly state?: ConnectionState | readonly ConnectionState[] | undefined
  /** Client. Text: an address, block or range. Templates have a masked address and port 0. Default: all. */
  readonly client?: string | EndpointFilter | undefined
  /** Virtual address and port. Templates of services with a mark have neither and never match. Default: all. */
  readonly virtual?: string | EndpointFilter | undefined
  /** Real server. Default: all. */
  readonly destination?: string | EndpointFilter | undefined
  /**
   * Mark, 1 to 4294967295. Matches templates of the mark's services only: the kernel does not report the mark of
   * connections. Filter connections by `virtual` and `destination` instead. Default: all.
   */
  readonly fwmark?: number | string | undefined
  /** Persistence templates: `true` includes them, `false` excludes them, `'only'` excludes connections. Default `true`. */
  readonly templates?: boolean | 'only' | undefined
  /** Minimum number of seconds until expiry, 0 to 4294967. Default 0. */
  readonly minExpiresSeconds?: number | undefined
  /** Maximum number of connections, 1 to 4294967295; the pass ends there. The order is undefined. Default: no limit. */
  readonly limit?: number | undefined
  /** `true`: reports the origin of each connection instead of the persistence engine's data. Default false. */
  readonly origin?: boolean | undefined
}

export interface ParsedConnectionFilter {
  readonly options: ConnectionPassOptions
  readonly signal: AbortSignal | undefined
}

const names = [
  'protocol',
  'state',
  'client',
  'virtual',
  'destination',
  'fwmark',
  'templates',
  'minExpiresSeconds',
  'limit',
  'origin',
  'signal',
] as const

const MOST_NAMES = 256

// Parses one value or a non-empty list of values.
function several<Value>(value: unknown, path: string, parse: (one: unknown, path: string) => Value): Value[] {
  if (!isArray(value)) return [parse(value, path)]
  const given = list(value, path, MOST_NAMES)
  if (given.length === 0) throw new InvalidInput(path, 'is an empty list, which matches nothing; leave it out for all')
  return given.map((one, index) => parse(one, `${path}[${index}]`))
}

function parseProtocol(value: unknown, path: string): number {
  if (typeof value === 'string' && /^(0|[1-9][0-9]{0,2})$/.test(value) && Number(value) < 256) return Number(value)
  const known = Object.keys(protocolNumbers)
  if (typeof value === 'number') {
    throw new InvalidInput(path, `${show(value)} is not text: give ${alternatives(known)}, or the number as text`)
  }
  return protocolNumbers[oneOf(value, path, known)] as number
}

function parseState(value: unknown, path: string): number {
  const states = connectionStates()
  return states.indexOf(oneOf(value, path, states))
}

function parseEndpoint(value: unknown, path: string): NativeEndpointFilter {
  const isText = typeof value === 'string'
  const fields = isText ? { address: value, port: undefined } : readFields(value, path, ['address', 'port'])
  const { address, port } = fields
  if (address === undefined && port === undefined) throw new InvalidInput(path, 'name an address, a port, or both')
  const block = address === undefined ? undefined : parseAddressBlock(address, isText ? path : `${path}.address`)
  return {
    ...(block && { family: familyNumber(block.family), from: block.from, to: block.to }),
    ...(port !== undefined && { port: integer(port, `${path}.port`, 0, 65535) }),
  }
}

const templateCodes = numbersOf('connectionTemplates', ['included', 'excluded', 'only'])

function parseTemplates(value: unknown, path: string): number {
  if (value === 'only') return templateCodes.only
  if (typeof value !== 'boolean') throw new InvalidInput(path, `${show(value)} is neither true, false nor "only"`)
  return value ? templateCodes.included : templateCodes.excluded
}

export function parseConnectionFilter(value: unknown, path = 'filter'): ParsedConnectionFilter {
  const fields = readFields(value, path, names)
  const read = <Key extends string, Value>(
    name: (typeof names)[number],
    key: Key,
    parse: (given: unknown, at: string) => Value,
  ): Partial<Record<Key, Value>> =>
    fields[name] === undefined ? {} : ({ [key]: parse(fields[name], `${path}.${name}`) } as Record<Key, Value>)
  const options: ConnectionPassOptions = {
    ...read('protocol', 'protocols', (given, at) => several(given, at, parseProtocol)),
    ...read('state', 'states', (given, at) => several(given, at, parseState)),
    ...read('client', 'client', parseEndpoint),
    ...read('virtual', 'virtual', parseEndpoint),
    ...read('destination', 'destination', parseEndpoint),
    ...read('fwmark', 'fwmark', parseFwmark),
    ...read('templates', 'templates', parseTemplates),
    ...read('minExpiresSeconds', 'leastExpires', (given, at) => integer(given, at, 0, 4294967)),
    ...read('limit', 'limit', (given, at) => integer(given, at, 1, 0xffffffff)),
    ...read('origin', 'origin', boolean),
  }
  return { options, signal: parseSignal(fields.signal, `${path}.signal`) }
}
