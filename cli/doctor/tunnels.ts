// Packets too large for the tunnel to a destination.
import type { ListedDestination, ServiceSnapshot } from 'ipvs'
import { serviceText } from '../../state/key-text.ts'
import { addressesOf } from './configured.ts'
import type { Check, Facts } from './facts.ts'
import { risk, setSysctl, type Finding } from './finding.ts'

const isIpv6 = (address: string): boolean => address.includes(':')

/** Default packet size of clients. */
const USUAL_MTU = 1500
const IP_HEADER = { ipv4: 20, ipv6: 40 } as const
const TCP_HEADER = 20

// Bytes that the kernel subtracts from the MTU before encapsulation.
function overhead({ address, tunnel }: ListedDestination): number {
  const outer = isIpv6(address) ? IP_HEADER.ipv6 : IP_HEADER.ipv4
  const checksum = tunnel !== undefined && 'checksum' in tunnel ? tunnel.checksum : 'none'
  if (tunnel?.type === 'gue') return outer + 12 + (checksum === 'remote' ? 8 : 0)
  if (tunnel?.type === 'gre') return outer + 4 + (checksum === 'none' ? 0 : 4)
  return outer
}

// The MTU of the interfaces with the addresses. Addresses on `lo` give no hint.
function clientMtu(addresses: readonly string[], { interfaces = [] }: Facts): number {
  const holders = interfaces.filter((each) => !each.loopback && each.addresses.some((one) => addresses.includes(one)))
  return holders.length === 0 ? USUAL_MTU : Math.max(...holders.map(({ mtu }) => mtu))
}

interface Narrow {
  readonly service: ServiceSnapshot
  /** Addresses of the service for clients. */
  readonly addresses: readonly string[]
  readonly destination: ListedDestination
  readonly device: string
  readonly mtu: number
  /** Space for the inner packet. */
  readonly room: number
}

function narrowTunnels(service: ServiceSnapshot, facts: Facts): Narrow[] {
  const { interfaces = [], routes = {} } = facts
  const addresses = addressesOf(service, facts)
  const largest = clientMtu(addresses, facts)
  return service.destinations.flatMap((destination) => {
    const route = routes[destination.address]
    if (destination.forwarding !== 'tunnel' || route === undefined) return []
    const mtu = route.mtu ?? interfaces.find(({ name }) => name === route.device)?.mtu
    if (mtu === undefined || mtu - overhead(destination) >= largest) return []
    return [{ service, addresses, destination, device: route.device, mtu, room: mtu - overhead(destination) }]
  })
}

// Replies bypass the director, so only the servers can lower the segment size: one rule per server.
function clamps(narrow: readonly Narrow[]): string[] {
  const servers = new Set(narrow.map(({ destination }) => destination.address))
  return [...servers].map((server) => {
    const tunnels = narrow.filter(({ destination }) => destination.address === server)
    const size = Math.min(...tunnels.map(({ room }) => room)) - IP_HEADER.ipv6 - TCP_HEADER
    const addresses = [...new Set(tunnels.flatMap((each) => each.addresses))]
    const from = addresses.length === 0 ? 'meta nfproto ipv6' : `ip6 saddr { ${addresses.join(', ')} }`
    const commands = [
      'add table inet ipvs-mss',
      'add chain inet ipvs-mss out { type filter hook output priority mangle; }',
      `add rule inet ipvs-mss out ${from} tcp flags syn tcp option maxseg size set ${size}`,
    ]
    return `ssh ${server} "nft '${commands.join('; ')}'"`
  })
}

const PMTU_DISC = 'net.ipv4.vs.pmtu_disc'

function explain(narrow: readonly Narrow[], fix: string | readonly string[]): Finding[] {
  const [first, ...rest] = narrow
  if (first === undefined) return []
  const { service, destination, device, mtu, room } = first
  const more = rest.length === 0 ? '' : ` (and ${rest.length} more)`
  const fits = `${mtu} bytes fit ${device}, and ${destination.tunnel?.type ?? 'ipip'} needs ${overhead(destination)}`
  return [
    risk('tunnel-mtu', {
      what: `packets of more than ${room} bytes to ${serviceText(service)} do not fit the tunnel to ${destination.address}${more}: ${fits}`,
      why: 'clients behind a firewall that drops "fragmentation needed" or "packet too big" can connect, but hang when they send larger packets',
      fix,
    }),
  ]
}

// Without pmtu_disc the director fragments IPv4 packets. IPv6 packets are never fragmented.
const tooNarrow: Check = (facts) => {
  const narrow = facts.services.flatMap((service) => narrowTunnels(service, facts))
  const ipv4 = facts.sysctls[PMTU_DISC] === '0' ? [] : narrow.filter(({ service }) => service.family === 'ipv4')
  const ipv6 = narrow.filter(({ service }) => service.family === 'ipv6')
  return [...explain(ipv4, setSysctl({ [PMTU_DISC]: 0 })), ...explain(ipv6, clamps(ipv6))]
}

export const tunnelChecks: readonly Check[] = [tooNarrow]
