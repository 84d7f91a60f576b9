// Parses names of services and destinations: `tcp:172.16.0.100:80`, `mark:7`, `10.0.0.7:80`.
import { isIPv6 } from 'node:net'
import type { DestinationKey, Protocol, ServiceKey } from 'ipvs'
import { InvalidArgumentError } from 'commander'

function ends(text: string): { address: string; port?: number } | undefined {
  if (isIPv6(text)) return { address: text }
  const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d{1,5}))?$/.exec(text) ?? []
  const address = bracketed ?? plain
  if (address === undefined) return undefined
  return port === undefined ? { address } : { address, port: Number(port) }
}

/** Parses a service. The values are checked later, by the API. */
export function serviceKey(text: string): ServiceKey {
  const [, fwmark, family] = /^mark:(\w+?)(?:\/(ipv4|ipv6))?$/.exec(text) ?? []
  if (fwmark !== undefined) return { fwmark, family: family === 'ipv6' ? 'ipv6' : 'ipv4' }
  const [, protocol, rest = ''] = /^(tcp|udp|sctp):(.+)$/.exec(text) ?? []
  const end = protocol === undefined ? undefined : ends(rest)
  if (end?.port !== undefined) {
    const { address, port } = end
    const key = { protocol: protocol as Protocol, address, port }
    return address.includes(':') ? { ...key, family: 'ipv6' } : key // explicit family: allows IPv4-mapped addresses
  }
  throw new InvalidArgumentError(
    'A service is tcp:172.16.0.100:80 (or udp:, sctp:), tcp:[2001:db8::1]:80, mark:7 or mark:7/ipv6.',
  )
}

/** Parses a destination; without a port it gets the service's. */
export function destinationKey(text: string): DestinationKey {
  const end = ends(text)
  if (end !== undefined) return end
  throw new InvalidArgumentError('A destination is 10.0.0.7, 10.0.0.7:80 or [2001:db8::7]:80.')
}

/** Parses seconds between two outputs: at least one, at most the limit of timers. */
export function interval(text: string): number {
  const seconds = /^\d{1,7}$/.test(text) ? Number(text) : 0
  if (seconds < 1 || seconds > 2_147_483) throw new InvalidArgumentError('Not a number of seconds from 1 to 2147483.')
  return seconds
}

/** Parses a whole number. */
export function whole(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError('Not a whole number.')
  return Number(text)
}
