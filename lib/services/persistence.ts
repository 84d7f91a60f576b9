// Persistence: all connections of a client go to the same destination.
import type { Family } from '../values/address.ts'
import { isIPv4 } from 'node:net'
import { numbersOf } from '../binding/numbers.ts'
import { InvalidInput, integer, readFields, show } from '../values/validate.ts'

/** Persistence: all connections of a client go to the same destination until the client times out. Like `ipvsadm -p`. */
export interface Persistence {
  /**
   * Seconds for which a client is remembered after its last connection, 0 to 4294967 (kernels with HZ=1000 overflow above
   * that). 0: only while it has connections. Default 360, the default of `ipvsadm -p` (its manual page says 300); the kernel
   * has none.
   */
  readonly timeoutSeconds?: number | undefined
  /**
   * Source addresses that are equal under this mask are one client. IPv4: a mask such as `'255.255.255.0'`, with any bits,
   * or a prefix length from 0 (all addresses are one client) to 32. Default `'255.255.255.255'`. IPv6: a prefix length from
   * 1 to 128. Default 128. Like `ipvsadm -M`.
   */
  readonly netmask?: string | number | undefined
}

/** Changes of persistence; absent properties keep their value. */
export interface PersistencePatch extends Pick<Persistence, 'timeoutSeconds'> {
  /** As in `Persistence`; `null`: the default, each address is a client. */
  readonly netmask?: string | number | null | undefined
}

/** Persistence of a listed service. */
export interface ListedPersistence {
  /** Seconds for which a client is remembered after its last connection. */
  readonly timeoutSeconds: number
  /** Granularity of clients: a mask as text for IPv4, a prefix length for IPv6. */
  readonly netmask: string | number
}

const { defaultPersistence, mostPersistence } = numbersOf('settings', ['defaultPersistence', 'mostPersistence'])

export const DEFAULT_TIMEOUT_SECONDS: number = defaultPersistence

export const persistenceNames = ['timeoutSeconds', 'netmask'] as const

export interface PersistenceChange {
  readonly timeout: number | undefined
  readonly netmask: Uint8Array | undefined
}

/** Parses persistence; absent settings stay absent. Only a patch may reset the netmask with `null`. */
export function parsePersistence(value: unknown, family: Family, path: 'service' | 'patch'): PersistenceChange {
  const place = `${path}.persistence`
  const { timeoutSeconds, netmask } = readFields(value, place, persistenceNames)
  return {
    timeout:
      timeoutSeconds === undefined ? undefined : integer(timeoutSeconds, `${place}.timeoutSeconds`, 0, mostPersistence),
    netmask: netmask === null && path === 'patch' ? fullNetmask(family) : optionalNetmask(netmask, family, place),
  }
}

function optionalNetmask(value: unknown, family: Family, place: string): Uint8Array | undefined {
  return value === undefined ? undefined : parseNetmask(value, family, `${place}.netmask`)
}

/** The mask of a single address. The kernel requires a mask also in services without persistence. */
export function fullNetmask(family: Family): Uint8Array {
  return family === 'ipv6' ? FULL_IPV6 : FULL_IPV4
}

// The kernel takes a mask in network order for IPv4, and a prefix length in host order for IPv6.
function parseNetmask(value: unknown, family: Family, path: string): Uint8Array {
  if (family === 'ipv6') return hostOrder(integer(value, path, 1, 128))
  if (typeof value === 'number') return prefixMask(integer(value, path, 0, 32))
  if (typeof value === 'string' && isIPv4(value)) return Uint8Array.from(value.split('.'), Number)
  const accepted = 'an IPv4 mask, such as "255.255.255.0", or a prefix length from 0 to 32'
  throw new InvalidInput(path, `${show(value)} is not ${accepted}`)
}

function prefixMask(length: number): Uint8Array {
  const mask = new Uint8Array(4)
  new DataView(mask.buffer).setUint32(0, 0xffffffff * 2 ** (32 - length)) // modulo 2^32
  return mask
}

function hostOrder(length: number): Uint8Array {
  return new Uint8Array(Uint32Array.of(length).buffer)
}

export function formatNetmask(bytes: Uint8Array, family: Family): string | number {
  if (family === 'ipv4') return bytes.join('.')
  return new Uint32Array(bytes.slice().buffer)[0] as number
}

const FULL_IPV4 = prefixMask(32)
const FULL_IPV6 = hostOrder(128)
