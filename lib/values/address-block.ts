// A contiguous set of addresses: one address, a CIDR block, or a range.
import { addressKind, formatAddress, parseAddress, type Family } from './address.ts'
import { InvalidInput, show } from './validate.ts'

export interface AddressBlock {
  readonly family: Family
  /** First address, 16 bytes, inclusive; `to` is the last one. */
  readonly from: Uint8Array
  readonly to: Uint8Array
  /** Canonical text: an address if it is one, else a CIDR block if it is one, else a range. */
  readonly text: string
}

function bitsOf(family: Family): number {
  return family === 'ipv4' ? 32 : 128
}

// The first or last address of the block that shares `prefix` leading bits with `bytes`.
function edge(bytes: Uint8Array, family: Family, prefix: number, last: boolean): Uint8Array {
  const result = new Uint8Array(16)
  for (let index = 0; index < bitsOf(family) / 8; index++) {
    const fixed = Math.min(8, Math.max(0, prefix - index * 8))
    const host = 0xff >>> fixed
    const byte = bytes[index] as number
    result[index] = last ? byte | host : byte & ~host
  }
  return result
}

function same(left: Uint8Array, right: Uint8Array): boolean {
  return left.every((byte, index) => byte === right[index])
}

/** True if the block is a single address. */
export function isSingle({ from, to }: AddressBlock): boolean {
  return from === to || same(from, to)
}

// Number of leading bits in which both addresses agree.
function commonBits(left: Uint8Array, right: Uint8Array, family: Family): number {
  const bytes = bitsOf(family) / 8
  for (let index = 0; index < bytes; index++) {
    const difference = (left[index] as number) ^ (right[index] as number)
    if (difference !== 0) return index * 8 + Math.clz32(difference) - 24
  }
  return bytes * 8
}

export function formatAddressBlock(from: Uint8Array, to: Uint8Array, family: Family): string {
  const prefix = commonBits(from, to, family)
  if (prefix === bitsOf(family)) return formatAddress(from, family)
  const first = formatAddress(from, family)
  const aligned = same(edge(from, family, prefix, false), from) && same(edge(from, family, prefix, true), to)
  return aligned ? `${first}/${prefix}` : `${first}-${formatAddress(to, family)}`
}

function parseCidr(value: string, slash: number, path: string): AddressBlock {
  const { family, bytes } = parseAddress(value.slice(0, slash), path)
  const length = value.slice(slash + 1)
  const prefix = /^(0|[1-9][0-9]{0,2})$/.test(length) ? Number(length) : Number.POSITIVE_INFINITY
  if (prefix > bitsOf(family)) {
    throw new InvalidInput(path, `${show(value)}: the prefix length is an integer from 0 to ${bitsOf(family)}`)
  }
  const from = edge(bytes, family, prefix, false)
  const to = edge(bytes, family, prefix, true)
  const text = formatAddressBlock(from, to, family)
  if (!same(from, bytes)) {
    const plain = formatAddress(bytes, family)
    throw new InvalidInput(path, `${show(value)} has host bits set; write "${text}" or "${plain}"`)
  }
  return { family, from, to, text }
}

function parseRange(value: string, dash: number, path: string): AddressBlock {
  const first = parseAddress(value.slice(0, dash), path)
  const last = parseAddress(value.slice(dash + 1), path)
  if (first.family !== last.family) throw new InvalidInput(path, `${show(value)} mixes IPv4 and IPv6`)
  const differing = first.bytes.findIndex((byte, index) => byte !== last.bytes[index])
  if (differing >= 0 && (first.bytes[differing] as number) > (last.bytes[differing] as number)) {
    throw new InvalidInput(path, `${show(value)} ends before it begins; write the lower address first`)
  }
  const { family, bytes: from } = first
  return { family, from, to: last.bytes, text: formatAddressBlock(from, last.bytes, family) }
}

function parseSingle(value: unknown, path: string): AddressBlock {
  const address = parseAddress(value, path)
  const { family, bytes } = address
  const text = family === 'ipv4' ? (value as string) : formatAddress(bytes, family) // IPv4 has one spelling only
  if (addressKind(address) === 'unspecified') {
    throw new InvalidInput(path, `no packet is sent to "${text}"; for all addresses write "${text}/0"`)
  }
  return { family, from: bytes, to: bytes, text }
}

/** Parses `172.16.0.100`, `10.0.0.0/24` or `10.0.0.5-10.0.0.9`, IPv4 or IPv6. Addresses are spelled as for `parseAddress`. */
export function parseAddressBlock(value: unknown, path: string): AddressBlock {
  if (typeof value === 'string') {
    const slash = value.indexOf('/')
    if (slash >= 0) return parseCidr(value, slash, path)
    const dash = value.indexOf('-')
    if (dash >= 0) return parseRange(value, dash, path)
  }
  return parseSingle(value, path)
}
