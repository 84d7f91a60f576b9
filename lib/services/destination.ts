// Destinations (real servers): what users give and get, and how it maps to rows.
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
import { statisticsOf, type Statistics } from './statistics.ts'
import { listedTunnel, parseTunnel, type Tunnel } from './tunnel.ts'
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

/**
 * How packets get to a destination. `direct`: direct routing, the packet as it is in a frame to the destination, which
 * answers the client itself (`ipvsadm -g`); `tunnel`: the packet wrapped, the destination answers itself (`-i`);
 * `masquerade`: NAT, both directions through the director (`-m`). Two that ipvsadm cannot say, and that the kernel never
 * makes of the others: `local`, the director takes the packet itself, whatever the address, and `bypass`, it is routed to
 * where the client sent it.
 */
export type Forwarding = 'masquerade' | 'direct' | 'tunnel' | 'local' | 'bypass'

/** The same as `Forwarding`: what is listed can be passed back. */
export type ListedForwarding = Forwarding

/** Identifies a destination of a service. */
export interface DestinationKey {
  /** IPv4 or IPv6 text: unicast. Of the other family than the service's only with forwarding `tunnel` (Linux 3.18). */
  readonly address: string
  /** 0 to 65535; default the service's port, and 0 (the packet's own port) in fwmark services. */
  readonly port?: number | undefined
}

/** How a destination is used. */
export interface DestinationSettings {
  /**
   * Default `'direct'`, as with ipvsadm. Only `masquerade` changes the port of packets. With the others a destination's port
   * is just kept and listed, so one that is not the service's (not 0 in fwmark services) needs `forwarding` to be named.
   */
  readonly forwarding?: Forwarding | undefined
  /** Relative capacity, 0 to 2147483647, default 1. 0: no new connections, except of clients with persistence. `-w` */
  readonly weight?: number | undefined
  /**
   * So many connections and no more, 0 to 4294967295; default 0: no limit. Newer kernels refuse more than 2147483647. Like
   * `ipvsadm -x`.
   */
  readonly upperThreshold?: number | undefined
  /**
   * Once at the upper threshold, new connections come again below this number; not above `upperThreshold`. Default 0: at
   * three quarters of it. Like `ipvsadm -y`.
   */
  readonly lowerThreshold?: number | undefined
  /** How to wrap packets; only together with forwarding `tunnel`. Default: IP in IP. */
  readonly tunnel?: Tunnel | undefined
}

/** A destination. Like the options of `ipvsadm -a`. What only listings have, such as `statistics`, is ignored. */
export interface Destination extends DestinationKey, DestinationSettings {}

/**
 * What to change of a destination: what is not named stays as it is (`ipvsadm -e` resets it). `null` removes. A listed
 * destination is a valid patch: its key must be the same, and what only listings have is ignored.
 */
export interface DestinationPatch extends Pick<DestinationSettings, 'forwarding' | 'weight'> {
  /** `null`: no limit, and so no lower threshold either. */
  readonly upperThreshold?: number | null | undefined
  /** `null`: at three quarters of the upper one, the default. */
  readonly lowerThreshold?: number | null | undefined
  /**
   * Replaces all tunnel options and has to be named together with `forwarding: 'tunnel'`; another forwarding removes them.
   * `null`: IP in IP again.
   */
  readonly tunnel?: Tunnel | null | undefined
}

/** A destination as the kernel has it. Pass it back to `addDestination` or `updateDestination`, or use it as a key. */
export interface ListedDestination {
  /** In the usual spelling: IPv6 in lower case, with `::`. */
  readonly address: string
  /** 0: the packet's own. */
  readonly port: number
  /** How packets get there. */
  readonly forwarding: Forwarding
  /** 0: no new connections. */
  readonly weight: number
  /** 0: no limit. */
  readonly upperThreshold: number
  /** 0: at three quarters of the upper one. */
  readonly lowerThreshold: number
  /** With forwarding `tunnel`. */
  readonly tunnel?: Tunnel
  /** Connections that are opening or established (TCP), established (SCTP). Only listed, like the following. */
  readonly activeConnections: number
  /** All others that the kernel has not forgotten, and all of UDP. */
  readonly inactiveConnections: number
  /** Persistence templates: clients that are bound to this destination. */
  readonly persistentConnections: number
  /** Counters and rates. */
  readonly statistics: Statistics
}

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

const listedOnly = ['activeConnections', 'inactiveConnections', 'persistentConnections', 'statistics'] as const
/** Properties that only listings have. */
export type DestinationCounts = (typeof listedOnly)[number]

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

  /** `TCP 172.16.0.100:80 -> 10.0.0.7:80`. */
  get text(): string {
    return `${this.service.text} -> ${formatEndpoint(this.address.value, this.family, this.port)}`
  }
}

/** Reads all properties of a destination, or of a patch, once. */
export function readDestination(value: unknown, path: 'destination' | 'patch'): DestinationFields {
  return destinationFields.read(value, path)
}

/** Checks the fields of a key, already read. */
export function destinationIdentity(service: ServiceIdentity, fields: KeyFields): DestinationIdentity {
  const address = parseAddress(fields.address, 'destination.address')
  const port = fields.port === undefined ? (service.port ?? 0) : integer(fields.port, 'destination.port', 0, 65535)
  return new DestinationIdentity(service, address, port)
}

/** Checks a key. Whole destinations are keys, too: their settings are not looked at. */
export function parseDestinationKey(service: ServiceIdentity, value: unknown): DestinationIdentity {
  return destinationIdentity(service, keyFields.read(value, 'destination'))
}

// Who says a port and nothing of forwarding most likely wants that port, which direct routing cannot give.
function assertPortMeant(service: ServiceIdentity, { port }: DestinationIdentity): void {
  const servicePort = service.port ?? 0
  if (port === servicePort) return
  const fix = `name forwarding: "masquerade" changes it, others leave packets alone; or leave port out (${servicePort})`
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
  if (kind === 'unicast' || kind === 'link-local') return // link-local: the kernel takes the director's own
  const text = show(formatAddress(address.bytes, address.family))
  throw new InvalidInput('destination.address', `${text} is ${kind}; give the address of one server`)
}

/** The numbers among the settings; `undefined`: not named. */
export type DestinationNumbers = Pick<SentDestinationRow, 'weight' | 'upperThreshold' | 'lowerThreshold'>

/** The numbers that are named, each checked by itself. `path`: `destination` or `patch`. */
export function settings(fields: DestinationFields, path: string): DestinationNumbers {
  const number = (name: keyof DestinationNumbers, most: number) => {
    const value = fields[name]
    // Most are plain numbers, for which the path of an error is not worth making.
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

/** Named one by one: several times as fast as spreading, for many destinations. */
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

/** The row of a new destination: the kernel wants all settings. */
export function newDestinationRow(
  service: ServiceIdentity,
  identity: DestinationIdentity,
  fields: DestinationFields,
): DestinationRow {
  assertUnicast(identity.address)
  const { forwarding, tunnel } = fields
  if (forwarding === undefined) assertPortMeant(service, identity)
  const method = parseForwarding(forwarding === undefined ? 'direct' : forwarding, 'destination', service, identity)
  if (tunnel !== undefined && method !== 'tunnel') throw tunnelAlone('destination')
  const { weight = defaultWeight, upperThreshold = 0, lowerThreshold = 0 } = settings(fields, 'destination')
  const numbers = { weight, upperThreshold, lowerThreshold }
  assertThresholds(numbers, 'destination')
  return filledRow(identity, method, numbers, tunnel === undefined ? {} : parseTunnel(tunnel, 'destination.tunnel'))
}

const noAddress = new Uint8Array(16)

/** A row of a listing as users get it. Kernels before 3.18 do not say the family: it is the service's. */
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
