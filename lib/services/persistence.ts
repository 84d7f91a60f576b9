// Persistence: connections of one client go to the destination that its first one went to.
import type { Family } from '../values/address.ts'
import { isIPv4 } from 'node:net'
import { numbersOf } from '../binding/numbers.ts'
import { InvalidInput, integer, readFields, show } from '../values/validate.ts'

/** Connections of one client go to the same destination as long as it keeps coming. */
export interface Persistence {
  /**
   * Seconds for which a client is remembered after its last connection, 0 to 4294967: more wraps around to something short
   * on kernels with 1000 ticks a second. 0: only as long as it has connections. Default 360, as with `ipvsadm -p` (its
   * manual page says 300); the kernel itself has no default.
   */
  readonly timeoutSeconds?: number | undefined
  /**
   * What counts as one client. IPv4: a mask such as `'255.255.255.0'`, with any bits, or a prefix length from 0 (all clients
   * are one) to 32, default `'255.255.255.255'`, like `ipvsadm -M`. IPv6: a prefix length from 1 to 128, default 128.
   */
  readonly netmask?: string | number | undefined
}

/** What to change of persistence: what is not named stays. */
export interface PersistencePatch extends Pick<Persistence, 'timeoutSeconds'> {
  /** As in a new service; `null`: every address is a client. */
  readonly netmask?: string | number | null | undefined
}

/** Persistence as listings have it: complete. The netmask is text for IPv4 and a prefix length for IPv6. */
export interface ListedPersistence {
  /** Seconds for which a client is remembered after its last connection. */
  readonly timeoutSeconds: number
  /** What counts as one client. */
  readonly netmask: string | number
}

const { defaultPersistence, mostPersistence } = numbersOf('settings', ['defaultPersistence', 'mostPersistence'])

export const DEFAULT_TIMEOUT_SECONDS: number = defaultPersistence

export const persistenceNames = ['timeoutSeconds', 'netmask'] as const

export interface PersistenceChange {
  readonly timeout: number | undefined
  readonly netmask: Uint8Array | undefined
}

/** The named ones of a persistence's settings. Only patches can remove the netmask. */
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

/** The granularity of a single client: what a service without persistence has, too, because the kernel wants one. */
export function fullNetmask(family: Family): Uint8Array {
  return family === 'ipv6' ? FULL_IPV6 : FULL_IPV4
}

// The kernel wants a mask for IPv4, in network order, and a prefix length for IPv6, in host order.
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
