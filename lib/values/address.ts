// IPv4 and IPv6 addresses: text <-> 16 bytes in network order; IPv4 uses the first four (the kernel's nf_inet_addr).
import { isIPv6 } from 'node:net'
import { InvalidInput, show } from './validate.ts'

/** Address family. */
export type Family = 'ipv4' | 'ipv6'

/** Address families as the kernel numbers them. */
export const AF_INET = 2
export const AF_INET6 = 10

export function familyNumber(family: Family): number {
  return family === 'ipv6' ? AF_INET6 : AF_INET
}

export function familyName(number: number | undefined): Family {
  return number === AF_INET6 ? 'ipv6' : 'ipv4'
}

/** 16 bytes, or an IPv4 address as a number with the first octet in the highest bits: batches avoid an array per address. */
export type AddressValue = Uint8Array | number

export class Address {
  readonly family: Family
  readonly value: AddressValue

  constructor(family: Family, value: AddressValue) {
    this.family = family
    this.value = value
  }

  /** 16 bytes, also for IPv4. */
  get bytes(): Uint8Array {
    return typeof this.value === 'number' ? bytesOfIPv4(this.value) : this.value
  }
}

// Byte by byte: allocating a DataView would cost more than the rest of the conversion.
function bytesOfIPv4(value: number): Uint8Array {
  const bytes = new Uint8Array(16)
  bytes[0] = value >>> 24
  bytes[1] = value >>> 16
  bytes[2] = value >>> 8
  bytes[3] = value
  return bytes
}

/**
 * Parses an address. Strict: IPv4 is four decimal octets without leading zeros; no zones, prefix lengths or brackets.
 * IPv4-mapped IPv6 is refused unless `mapped` is true: no packet carries such an address.
 */
export function parseAddress(value: unknown, path: string, mapped = false): Address {
  if (typeof value !== 'string') throw new InvalidInput(path, `${show(value)} is not the text of an IP address`)
  const dotted = parseIPv4(value)
  if (dotted >= 0) return new Address('ipv4', dotted)
  if (!isIPv6(value) || value.includes('%')) {
    throw new InvalidInput(path, `${show(value)} is not an IPv4 or IPv6 address${hint(value)}`)
  }
  const bytes = parseIPv6(value)
  if (!mapped && isMapped(bytes)) {
    const plain = formatAddress(bytes.subarray(12), 'ipv4')
    throw new InvalidInput(path, `${show(value)} is an IPv4 address in IPv6 notation; write "${plain}"`)
  }
  return new Address('ipv6', bytes)
}

function hint(text: string): string {
  if (text.trim() !== text) return '; remove the white space'
  if (text.includes('%')) return '; IPVS addresses have no zone'
  if (text.includes('/')) return '; give a single address, not a block'
  if (/^\[.*\]$/.test(text)) return '; write it without brackets'
  if (/^(\d+\.){3}\d+:\d+$/.test(text) || /^\[.*\]:\d+$/.test(text)) return '; give the port separately'
  if (/^(\d+\.){3}\d+$/.test(text)) return ': four decimal numbers from 0 to 255 without leading zeros'
  return ''
}

// Returns the address as a number, or -1. A hand-written loop, since batches spend their time here: a regular expression
// takes five times as long.
function parseIPv4(text: string): number {
  if (text.length > 15) return -1
  let value = 0
  let index = 0
  let octet = 0
  let digits = 0
  for (let i = 0; i <= text.length; i++) {
    const digit = i === text.length ? DOT : text.charCodeAt(i) - 48
    if (digit === DOT) {
      if (digits === 0 || octet > 255 || index > 3) return -1
      value = value * 256 + octet
      index++
      octet = digits = 0
    } else {
      if (digit < 0 || digit > 9 || (digits > 0 && octet === 0)) return -1
      octet = octet * 10 + digit
      digits++
    }
  }
  return index === 4 ? value : -1
}

const DOT = -2 // the value of a dot, or of the end, in `digit`

// `text` is valid IPv6: at most one "::", groups of one to four hex digits, an optional dotted tail.
function parseIPv6(text: string): Uint8Array {
  const bytes = new Uint8Array(16)
  const gap = text.indexOf('::')
  if (gap < 0) {
    writeGroups(text, bytes, 0)
    return bytes
  }
  writeGroups(text.slice(0, gap), bytes, 0)
  const tail = text.slice(gap + 2)
  writeGroups(tail, bytes, 16 - lengthOf(tail))
  return bytes
}

function lengthOf(groups: string): number {
  if (groups === '') return 0
  const count = groups.split(':').length
  return (groups.includes('.') ? count + 1 : count) * 2 // a dotted tail stands for two groups
}

function writeGroups(groups: string, bytes: Uint8Array, at: number): void {
  if (groups === '') return
  let index = at
  for (const group of groups.split(':')) {
    if (group.includes('.')) {
      new DataView(bytes.buffer).setUint32(index, parseIPv4(group))
    } else {
      const value = Number.parseInt(group, 16)
      bytes[index++] = value >> 8
      bytes[index++] = value & 0xff
    }
  }
}

function isMapped(bytes: Uint8Array): boolean {
  return bytes[10] === 0xff && bytes[11] === 0xff && bytes.subarray(0, 10).every((byte) => byte === 0)
}

/** Formats an address; IPv6 in the canonical form of RFC 5952. */
export function formatAddress(value: AddressValue, family: Family): string {
  const bytes = typeof value === 'number' ? bytesOfIPv4(value) : value
  if (family === 'ipv4') return `${bytes[0]}.${bytes[1]}.${bytes[2]}.${bytes[3]}`
  return isMapped(bytes) ? `::ffff:${formatAddress(bytes.subarray(12), 'ipv4')}` : formatIPv6(bytes)
}

function formatIPv6(bytes: Uint8Array): string {
  const group = (index: number) => ((bytes[index * 2] as number) << 8) | (bytes[index * 2 + 1] as number)
  const [start, end] = longestZeros(group)
  let text = ''
  for (let index = 0; index < 8; index++) {
    if (index === start) {
      text += '::'
      index = end - 1
    } else {
      text += index === 0 || index === end ? group(index).toString(16) : `:${group(index).toString(16)}`
    }
  }
  return text
}

// The first longest run of at least two zero groups, as [start, end); [-1, -1] if there is no such run.
function longestZeros(group: (index: number) => number): readonly [number, number] {
  let best: readonly [number, number] = [-1, -1]
  let start = 0
  for (let index = 0; index <= 8; index++) {
    if (index < 8 && group(index) === 0) continue
    const length = index - start
    if (length >= 2 && length > best[1] - best[0]) best = [start, index]
    start = index + 1
  }
  return best
}

/** `10.0.0.7:80`, `[2001:db8::7]:80`. */
export function formatEndpoint(address: AddressValue, family: Family, port: number): string {
  const text = formatAddress(address, family)
  return family === 'ipv6' ? `[${text}]:${port}` : `${text}:${port}`
}

/** The kind of traffic that an address is for. */
export type AddressKind = 'unspecified' | 'multicast' | 'broadcast' | 'link-local' | 'unicast'

export function addressKind({ value }: Address): AddressKind {
  return typeof value === 'number' ? kindOfIPv4(value) : kindOfIPv6(value)
}

function kindOfIPv4(value: number): AddressKind {
  const first = value >>> 24
  if (value === 0) return 'unspecified'
  if (first >= 224 && first < 240) return 'multicast'
  return value === 0xffffffff ? 'broadcast' : 'unicast'
}

function kindOfIPv6(bytes: Uint8Array): AddressKind {
  const first = bytes[0] as number
  if (first === 0 && bytes.every((byte) => byte === 0)) return 'unspecified'
  if (first === 0xff) return 'multicast'
  return first === 0xfe && ((bytes[1] as number) & 0xc0) === 0x80 ? 'link-local' : 'unicast'
}
