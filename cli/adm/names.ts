// Addresses and ports in listings: numeric, or by name.
import { serviceName } from './services.ts'
import { formatIpv4 } from './values.ts'

/** Formats an address and a port. */
export interface Names {
  endpoint(address: string, port: number, protocol?: string): string
}

/** An address in the C library's format: an IPv4 tail after 96 zero bits. */
export function addressText(address: string): string {
  const [, high, low] = /^::([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(address) ?? []
  if (high === undefined || low === undefined) return address
  return `::${formatIpv4(Number.parseInt(high, 16) * 65536 + Number.parseInt(low, 16))}`
}

const bracketed = (address: string): string => (address.includes(':') ? `[${addressText(address)}]` : address)

/** `10.0.0.7:80`, `[2001:db8::7]:80`. */
export const numericNames: Names = { endpoint: (address, port) => `${bracketed(address)}:${port}` }

/** Looks up the names of all addresses in parallel. Addresses without a name stay numeric. */
export async function lookUpNames(addresses: Iterable<string>): Promise<Names> {
  const { promises: dns } = await import('node:dns') // listings with -n start without it
  const hosts = new Map<string, string>()
  const lookUp = async (address: string): Promise<void> => {
    const found = await dns.lookupService(address, 0).catch(() => undefined)
    if (found !== undefined && found.hostname !== address) hosts.set(address, found.hostname)
  }
  await Promise.all(Array.from(new Set(addresses), lookUp))
  return {
    endpoint: (address, port, protocol) =>
      `${hosts.get(address) ?? bracketed(address)}:${(protocol !== undefined && serviceName(port, protocol)) || port}`,
  }
}

/** The IPv4 address of a host, or `undefined`. ipvsadm looks up no IPv6 address either. */
export async function lookUpHost(host: string): Promise<string | undefined> {
  const { promises: dns } = await import('node:dns')
  const found = await dns.lookup(host, { family: 4 }).catch(() => undefined)
  return found?.address
}
