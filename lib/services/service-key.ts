// Keys of virtual services: a firewall mark, or protocol, address and port.
import {
  familyName,
  familyNumber,
  formatAddress,
  formatEndpoint,
  parseAddress,
  type Family,
} from '../values/address.ts'
import type { ServiceRow } from '../binding/record-types.ts'
import { parseFwmark, parseProtocol, protocolName, type Protocol } from '../values/protocol.ts'
import { InvalidInput, integer, oneOf, type Fields } from '../values/validate.ts'

/** A service for packets with a firewall mark, of any protocol, address and port. Like `ipvsadm -f`. */
export interface FwmarkServiceKey {
  /**
   * The mark, 1 to 4294967295, as a number or as decimal (`'7'`) or hexadecimal text (`'0x7'`). Packets must carry exactly
   * this mark; the packet filter sets it, see `FirewallMarks`.
   */
  readonly fwmark: number | string
  /** Address family of the packets. Default `'ipv4'`. An IPv4 and an IPv6 service may have the same mark. Like `ipvsadm -6`. */
  readonly family?: Family | undefined
  /** A service has either a mark or protocol, address and port. */
  readonly protocol?: never
  /** A service has either a mark or protocol, address and port. */
  readonly address?: never
  /** A service has either a mark or protocol, address and port. */
  readonly port?: never
}

/** A service at an address. Like `ipvsadm -t`, `-u` and `--sctp-service`. */
export interface AddressServiceKey {
  /**
   * Transport protocol. Services of any other protocol, which other programs may create and which match no packet, have the
   * protocol number as text, such as `'47'`, in listings and as keys.
   */
  readonly protocol: Protocol
  /**
   * Virtual IP address (VIP), IPv4 or IPv6 as text. An IPv4-mapped address (`'::ffff:10.0.0.1'`) is refused unless `family`
   * is `'ipv6'`, as in listings: no packet carries it. A service at `0.0.0.0` or `::` matches no packet either; for all
   * addresses, use a mark.
   */
  readonly address: string
  /**
   * Virtual port, 0 to 65535. 0: all ports without a service of their own. Port 0 requires persistence: without it the
   * kernel accepts the service but schedules no connections.
   */
  readonly port: number
  /** Address family. Default: the family of `address`, which it must match. */
  readonly family?: Family | undefined
  /** A service has either a mark or protocol, address and port. */
  readonly fwmark?: never
}

/** Identifies a service: either by firewall mark or by protocol, address and port, never both. */
export type ServiceKey = FwmarkServiceKey | AddressServiceKey

/** Key of a listed service with a mark. */
export interface ListedFwmarkServiceKey extends FwmarkServiceKey {
  readonly fwmark: number
  readonly family: Family
}

/** Key of a listed service at an address. */
export interface ListedAddressServiceKey extends AddressServiceKey {
  readonly family: Family
}

/** Key of a listed service: complete and in canonical form. */
export type ListedServiceKey = ListedFwmarkServiceKey | ListedAddressServiceKey

/** Names of the fields of a key. */
export const serviceKeyNames = ['fwmark', 'family', 'protocol', 'address', 'port'] as const
export type ServiceKeyField = (typeof serviceKeyNames)[number]
type KeyFields = Fields<ServiceKeyField>

/** A checked key. Text and public form are built on access, since batches have many keys and rarely need them. */
export class ServiceIdentity {
  /** A row with the fields of the key only. */
  readonly row: ServiceRow
  readonly family: Family
  /** `undefined` for a service with a mark. */
  readonly protocol: Protocol | undefined

  constructor(row: ServiceRow, family: Family, protocol: Protocol | undefined) {
    this.row = row
    this.family = family
    this.protocol = protocol
  }

  get port(): number | undefined {
    return this.row.port
  }

  /** The key in canonical form. */
  get key(): ListedServiceKey {
    return listedServiceKey(this.row)
  }

  /** For messages: `FWM 7 ipv4`, `TCP 172.16.0.100:80`. */
  get text(): string {
    const { fwmark, address = noAddress, port = 0 } = this.row
    if (this.protocol === undefined) return `FWM ${fwmark} ${this.family}`
    return `${this.protocol.toUpperCase()} ${formatEndpoint(address, this.family, port)}`
  }
}

const noAddress = new Uint8Array(16)
const families: readonly Family[] = ['ipv4', 'ipv6']
function fwmarkIdentity(fields: KeyFields, path: string): ServiceIdentity {
  for (const name of ['protocol', 'address', 'port'] as const) {
    if (fields[name] !== undefined) {
      throw new InvalidInput(`${path}.${name}`, 'a service has either a fwmark or protocol, address and port, not both')
    }
  }
  const fwmark = parseFwmark(fields.fwmark, `${path}.fwmark`)
  const family = fields.family === undefined ? 'ipv4' : oneOf(fields.family, `${path}.family`, families)
  const row = { family: familyNumber(family), fwmark, protocol: undefined, address: undefined, port: undefined }
  return new ServiceIdentity(row, family, undefined)
}

function addressIdentity(fields: KeyFields, path: string): ServiceIdentity {
  if (fields.protocol === undefined && fields.address === undefined && fields.port === undefined) {
    throw new InvalidInput(path, 'a service needs either a fwmark or protocol, address and port')
  }
  for (const name of ['protocol', 'address', 'port'] as const) {
    if (fields[name] === undefined) throw new InvalidInput(`${path}.${name}`, 'is missing: there is no fwmark either')
  }
  const [protocol, number] = parseProtocol(fields.protocol, `${path}.protocol`)
  const { family, value } = parseAddress(fields.address, `${path}.address`, fields.family === 'ipv6')
  const port = integer(fields.port, `${path}.port`, 0, 65535)
  if (fields.family !== undefined && oneOf(fields.family, `${path}.family`, families) !== family) {
    throw new InvalidInput(`${path}.family`, `the address is ${family}; leave family out`)
  }
  const row = { family: familyNumber(family), fwmark: undefined, protocol: number, address: value, port }
  return new ServiceIdentity(row, family, protocol)
}

/** Validates the fields of a key. */
export function serviceIdentity(fields: KeyFields, path: string): ServiceIdentity {
  return fields.fwmark === undefined ? addressIdentity(fields, path) : fwmarkIdentity(fields, path)
}

function isSame(identity: ServiceIdentity, given: KeyFields): boolean {
  const merged: Record<string, unknown> = { ...identity.key }
  for (const name of serviceKeyNames) {
    if (given[name] !== undefined) merged[name] = given[name]
  }
  try {
    return serviceIdentity(merged as KeyFields, 'patch').text === identity.text
  } catch {
    return false
  }
}

/** Throws if a patch changes the key. It may repeat the key, as listed services do. */
export function assertSameService(identity: ServiceIdentity, given: KeyFields): void {
  const named = serviceKeyNames.find((name) => given[name] !== undefined)
  if (named === undefined || isSame(identity, given)) return
  throw new InvalidInput(
    `patch.${named}`,
    `the key of ${identity.text} cannot be changed; remove the service and add another`,
  )
}

/** The key of a listed row. */
export function listedServiceKey(row: ServiceRow): ListedServiceKey {
  const family = familyName(row.family)
  const { fwmark } = row
  if (fwmark !== undefined) return { fwmark, family }
  return {
    protocol: protocolName(row.protocol ?? 0),
    address: formatAddress(row.address ?? noAddress, family),
    port: row.port ?? 0,
    family,
  }
}
