// Destinations (real servers): checks of values, and conversion from and to rows.
import {
  addressKind,
  familyName,
  familyNumber,
  formatAddress,
  formatEndpoint,
  parseAddress,
  type Address,
  type Family,
} from '../values/address.ts'
import { numbersOf } from '../binding/numbers.ts'
import type { DestinationRow, SentDestinationRow } from '../binding/record-types.ts'
import type { ServiceIdentity } from './service-key.ts'
import type {
  Destination,
  DestinationCounts,
  DestinationSettings,
  Forwarding,
  ListedDestination,
} from './destination-types.ts'
import { statisticsOf } from './statistics.ts'
import { listedTunnel, parseTunnel } from './tunnel.ts'
import {
  FieldSet,
  InvalidInput,
  integer,
  namesOf,
  oneOf,
  show,
  type Fields,
  type PickFields,
} from '../values/validate.ts'

const keyNames = ['address', 'port'] as const
const settingNames = namesOf<keyof DestinationSettings>({
  forwarding: true,
  weight: true,
  upperThreshold: true,
  lowerThreshold: true,
  tunnel: true,
})
type DestinationField = keyof Destination
const destinationNames: readonly DestinationField[] = [...keyNames, ...settingNames]
export type KeyFields = Fields<(typeof keyNames)[number]>
export type DestinationFields = Fields<DestinationField>

const listedOnly = namesOf<DestinationCounts>({
  activeConnections: true,
  inactiveConnections: true,
  persistentConnections: true,
  statistics: true,
})

const pickDestination: PickFields<DestinationField> = (given, present, bit) => ({
  address: present & bit.address ? given.address : undefined,
  port: present & bit.port ? given.port : undefined,
  forwarding: present & bit.forwarding ? given.forwarding : undefined,
  weight: present & bit.weight ? given.weight : undefined,
  upperThreshold: present & bit.upperThreshold ? given.upperThreshold : undefined,
  lowerThreshold: present & bit.lowerThreshold ? given.lowerThreshold : undefined,
  tunnel: present & bit.tunnel ? given.tunnel : undefined,
})
export const destinationFields: FieldSet<DestinationField> = new FieldSet(destinationNames, pickDestination, listedOnly)

const pickKey: PickFields<(typeof keyNames)[number]> = (given, present, bit) => ({
  address: present & bit.address ? given.address : undefined,
  port: present & bit.port ? given.port : undefined,
})
const keyFields = new FieldSet(keyNames, pickKey, [...settingNames, ...listedOnly])

// The index is the kernel's number, IP_VS_CONN_F_FWD_MASK.
const forwardings: readonly Forwarding[] = ['masquerade', 'local', 'tunnel', 'direct', 'bypass']

const { defaultWeight, mostWeight } = numbersOf('settings', ['defaultWeight', 'mostWeight'])
const MOST_CONNECTIONS = 0xffffffff

/** A checked key. */
export class DestinationIdentity {
  readonly service: ServiceIdentity
  readonly address: Address
  readonly port: number

  constructor(service: ServiceIdentity, address: Address, port: number) {
    this.service = service
    this.address = address
    this.port = port
  }

  get family(): Family {
    return this.address.family
  }

  get row(): DestinationRow {
    return { family: familyNumber(this.family), address: this.address.value, port: this.port }
  }

  /** For messages: `TCP 172.16.0.100:80 -> 10.0.0.7:80`. */
  get text(): string {
    return `${this.service.text} -> ${formatEndpoint(this.address.value, this.family, this.port)}`
  }
}

/** Reads each property of a destination or of a patch once. */
export function readDestination(value: unknown, path: 'destination' | 'patch'): DestinationFields {
  return destinationFields.read(value, path)
}

/** Validates the fields of a key. For items of batches native/packing/packer.cc, readDestinationKey(), has the same check of the port. */
export function destinationIdentity(service: ServiceIdentity, fields: KeyFields): DestinationIdentity {
  const address = parseAddress(fields.address, 'destination.address')
  const port = fields.port === undefined ? (service.port ?? 0) : integer(fields.port, 'destination.port', 0, 65535)
  return new DestinationIdentity(service, address, port)
}

/** Parses a key. A whole destination is a valid key; its settings are ignored. */
export function parseDestinationKey(service: ServiceIdentity, value: unknown): DestinationIdentity {
  return destinationIdentity(service, keyFields.read(value, 'destination'))
}

// Refuses a port that the default forwarding method ignores: the caller most likely expects it to be used.
function assertPortUsed(service: ServiceIdentity, { port }: DestinationIdentity): void {
  const servicePort = service.port ?? 0
  if (port === servicePort) return
  const fix = `name forwarding ("masquerade" is the only method that changes ports), or leave port out (${servicePort})`
  throw new InvalidInput(
    'destination.port',
    `forwarding "direct", the default, cannot change the port to ${port}; ${fix}`,
  )
}

export function parseForwarding(
  value: unknown,
  path: string,
  service: ServiceIdentity,
  { family }: DestinationIdentity,
): Forwarding {
  const forwarding = oneOf(value, `${path}.forwarding`, forwardings)
  if (forwarding !== 'tunnel' && family !== service.family) {
    const problem = `forwarding "${forwarding}" cannot reach an ${family} address from an ${service.family} service`
    throw new InvalidInput('destination.address', `${problem}; use forwarding "tunnel"`)
  }
  return forwarding
}

function assertUnicast(address: Address): void {
  const kind = addressKind(address)
  if (kind === 'unicast' || kind === 'link-local') return // the kernel accepts the director's own link-local address
  const text = show(formatAddress(address.bytes, address.family))
  throw new InvalidInput('destination.address', `${text} is ${kind}; give the address of one server`)
}

/** Weight and thresholds of the settings; `undefined` if absent. */
export type DestinationNumbers = Pick<SentDestinationRow, 'weight' | 'upperThreshold' | 'lowerThreshold'>

/** Validates weight and thresholds, each on its own; absent ones stay absent. `path`: `destination` or `patch`. */
export function checkNumbers(fields: DestinationFields, path: string): DestinationNumbers {
  const number = (name: keyof DestinationNumbers, most: number) => {
    const value = fields[name]
    // Fast path: valid numbers need no error path.
    if (
      value === undefined ||
      (typeof value === 'number' && value > 0 && value <= mostWeight && (value | 0) === value)
    ) {
      return value
    }
    return integer(value, `${path}.${name}`, 0, most)
  }
  return {
    weight: number('weight', mostWeight),
    upperThreshold: number('upperThreshold', MOST_CONNECTIONS),
    lowerThreshold: number('lowerThreshold', MOST_CONNECTIONS),
  }
}

export function assertThresholds({ upperThreshold, lowerThreshold }: DestinationRow, path: string): void {
  if (upperThreshold === undefined || lowerThreshold === undefined || lowerThreshold <= upperThreshold) return
  throw new InvalidInput(`${path}.lowerThreshold`, `${lowerThreshold} is above upperThreshold, ${upperThreshold}`)
}

/** Builds a row. A literal is several times as fast as spreading, which matters for many destinations. */
export function filledRow(
  { address: { family, value }, port }: DestinationIdentity,
  forwarding: Forwarding | undefined,
  { weight, upperThreshold, lowerThreshold }: DestinationNumbers,
  { tunnelType, tunnelPort, tunnelFlags }: DestinationRow,
): SentDestinationRow {
  return {
    family: familyNumber(family),
    address: value,
    port,
    forwarding: forwarding === undefined ? undefined : forwardings.indexOf(forwarding),
    weight,
    upperThreshold,
    lowerThreshold,
    tunnelType,
    tunnelPort,
    tunnelFlags,
  }
}

export function tunnelAlone(path: string): InvalidInput {
  return new InvalidInput(`${path}.tunnel`, 'tunnel options need forwarding "tunnel" named with them')
}

/** The row of a new destination, with all settings, as the kernel requires. */
export function newDestinationRow(
  service: ServiceIdentity,
  identity: DestinationIdentity,
  fields: DestinationFields,
): DestinationRow {
  assertUnicast(identity.address)
  const { forwarding, tunnel } = fields
  if (forwarding === undefined) assertPortUsed(service, identity)
  const method = parseForwarding(forwarding === undefined ? 'direct' : forwarding, 'destination', service, identity)
  if (tunnel !== undefined && method !== 'tunnel') throw tunnelAlone('destination')
  const { weight = defaultWeight, upperThreshold = 0, lowerThreshold = 0 } = checkNumbers(fields, 'destination')
  const numbers = { weight, upperThreshold, lowerThreshold }
  assertThresholds(numbers, 'destination')
  return filledRow(identity, method, numbers, tunnel === undefined ? {} : parseTunnel(tunnel, 'destination.tunnel'))
}

const noAddress = new Uint8Array(16)

/** Converts a row of a listing. Kernels before 3.18 do not report the family: it is the service's. */
export function listedDestination(row: DestinationRow, service: { readonly family: Family }): ListedDestination {
  const family = row.family ? familyName(row.family) : service.family
  const forwarding = forwardings[(row.forwarding ?? 0) & 7] ?? 'bypass'
  const tunnel = forwarding === 'tunnel' ? listedTunnel(row) : undefined
  return {
    address: formatAddress(row.address ?? noAddress, family),
    port: row.port ?? 0,
    forwarding,
    weight: row.weight ?? 0,
    upperThreshold: row.upperThreshold ?? 0,
    lowerThreshold: row.lowerThreshold ?? 0,
    ...(tunnel !== undefined && { tunnel }),
    activeConnections: row.activeConnections ?? 0,
    inactiveConnections: row.inactiveConnections ?? 0,
    persistentConnections: row.persistentConnections ?? 0,
    statistics: statisticsOf(row.statistics),
  }
}
