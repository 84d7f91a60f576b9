// Parses values of options: numbers, marks, addresses with ports, netmasks.
import { isIPv4, isIPv6 } from 'node:net'
import { servicePort } from './services.ts'
import { UnknownHost } from './usage-error.ts'

/** Parses a decimal integer in a range like C's strtol: with optional leading white space and sign. */
export function parseInteger(text: string, least: number, most: number): number | undefined {
  if (!/^[ \t\n\v\f\r]*[+-]?\d+$/.test(text)) return undefined
  const number = Number(text)
  return number >= least && number <= most ? number : undefined
}

/** Results of host name lookups; `undefined`: no address. */
export type Hosts = ReadonlyMap<string, string | undefined>

export interface Endpoint {
  readonly family: 'ipv4' | 'ipv6'
  readonly address: string
  /** Absent if not given. */
  readonly port?: number
}

/** Parses `HOST`, `HOST:PORT`, `[IPV6]:PORT`, or an IPv6 address alone. Returns `undefined` for any other text. */
export function parseEndpoint(text: string, protocol: string | undefined, hosts: Hosts): Endpoint | undefined {
  if (text.startsWith('[')) return bracketed(text, protocol, hosts)
  if (isIPv6(text) && !text.includes('%')) return { family: 'ipv6', address: text }
  if (/^\d+$/.test(text)) return undefined // inet_aton accepts it, ipvsadm does not
  const [host, ...ports] = text.split(':')
  const address = resolveIpv4(host as string, hosts)
  if (address === undefined) return undefined
  return ports.length === 0
    ? { family: 'ipv4', address }
    : withPort({ family: 'ipv4', address }, ports.join(':'), protocol)
}

// ipvsadm looks for the port of an IPv4 address before the bracket: "[1.2.3.4]:80" has none.
function bracketed(text: string, protocol: string | undefined, hosts: Hosts): Endpoint | undefined {
  const close = text.indexOf(']')
  if (close < 0 || text.charAt(close + 1) !== ':') return undefined
  const host = text.slice(1, close)
  if (isIPv6(host) && !host.includes('%')) {
    return withPort({ family: 'ipv6', address: host }, text.slice(close + 2), protocol)
  }
  const address = resolveIpv4(host, hosts)
  return address === undefined ? undefined : { family: 'ipv4', address }
}

function withPort(end: Endpoint, text: string, protocol: string | undefined): Endpoint | undefined {
  const port = parseInteger(text, 0, 65535) ?? servicePort(text, protocol)
  return port === undefined ? undefined : { ...end, port }
}

function resolveIpv4(host: string, hosts: Hosts): string | undefined {
  if (host === '') return undefined
  const address = parseIpv4(host)
  if (address !== undefined) return address
  if (!/^[A-Za-z0-9_][\w.-]*$/.test(host)) return undefined
  if (!hosts.has(host)) throw new UnknownHost(host)
  return hosts.get(host)
}

const numberPart = /^(0[xX][0-9a-fA-F]*|0[0-7]*|[1-9]\d*)$/

/**
 * Parses IPv4 in all spellings of inet_aton: `10.1` is 10.0.0.1, parts may be octal or hexadecimal, and any text after white
 * space is ignored.
 */
export function parseIpv4(given: string): string | undefined {
  if (isIPv4(given)) return given
  const text = given.replace(/(?<=.)[ \t\n\v\f\r].*$/s, '')
  const parts = text.split('.')
  if (parts.length > 4 || !parts.every((part) => numberPart.test(part))) return undefined
  const numbers = parts.map((part) => {
    if (/^0[xX]/.test(part)) return part.length === 2 ? 0 : Number.parseInt(part.slice(2), 16)
    return part.startsWith('0') ? Number.parseInt(part, 8) : Number(part)
  })
  const last = numbers.pop() as number
  if (numbers.some((number) => number > 255) || last >= 256 ** (4 - numbers.length)) return undefined
  let value = last
  for (const [index, number] of numbers.entries()) value += number * 256 ** (3 - index)
  return formatIpv4(value)
}

/** Formats 32 bits as an IPv4 address. */
export function formatIpv4(value: number): string {
  return [24, 16, 8, 0].map((shift) => (value >>> shift) & 255).join('.')
}
