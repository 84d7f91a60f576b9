// Which connections are asked for. The filter is evaluated on the native side, line by line.
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

/** An end to filter by: address and port, either of which may be left out. Ends of listed connections will do. */
export interface EndpointFilter {
  /** An address (`10.0.0.7`), a block (`10.0.0.0/8`) or a range (`10.0.0.5-10.0.0.9`), IPv4 or IPv6. Default: all. */
  readonly address?: string | undefined
  /** A port, 0 to 65535. Default: all. */
  readonly port?: number | undefined
}

/** What connections must be to be listed. Everything that is named must hold; an empty filter lists all. */
export interface ConnectionFilter extends CallOptions {
  /** One of these protocols. `'ip'`: templates of marks. */
  readonly protocol?: ConnectionProtocol | readonly ConnectionProtocol[] | undefined
  /** In one of these states. */
  readonly state?: ConnectionState | readonly ConnectionState[] | undefined
  /** The client: an address, block or range as text, or address and port. Templates have masked clients, port 0. */
  readonly client?: string | EndpointFilter | undefined
  /** What the client connected to. Templates of marks have no virtual end, and do not match. */
  readonly virtual?: string | EndpointFilter | undefined
  /** The real server. */
  readonly destination?: string | EndpointFilter | undefined
  /**
   * Templates of this mark's services. Only these: the kernel does not tell the mark of other connections, which are found by
   * `virtual` and `destination`.
   */
  readonly fwmark?: number | string | undefined
  /** Persistence templates: `true` (default) lists them as well, `false` does not, `'only'` lists nothing else. */
  readonly templates?: boolean | 'only' | undefined
  /** At least that many seconds left, 0 to 4294967. */
  readonly minExpiresSeconds?: number | undefined
  /** At most that many connections, 1 to 4294967295; reading ends there. The order is that of the kernel's table: none. */
  readonly limit?: number | undefined
  /** `true`: tell where each connection comes from, instead of what its persistence engine knows. */
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

// One, or a list of at least one.
function several<Value>(value: unknown, path: string, parse: (one: unknown, path: string) => Value): Value[] {
  if (!isArray(value)) return [parse(value, path)]
  const given = list(value, path, MOST_NAMES)
  if (given.length === 0) throw new InvalidInput(path, 'is an empty list, which nothing matches; leave it out for all')
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
