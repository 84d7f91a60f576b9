// Packets for `FirewallMarks.trace`: from clients to services, from IPVS to real servers, and the replies of real servers.
import type { ListedDestination, ListedMarkRule, MarkPort, ServiceSnapshot, Trace, TracePacket } from 'ipvs'
import { samples } from './addresses.ts'
import { leadsTo } from './configured.ts'

/** A packet with its role. */
export interface Probe {
  /** `client`: to a service; `server`: from IPVS to a real server; `reply`: from there; `active`: opened by a real server. */
  readonly kind: 'client' | 'server' | 'reply' | 'active'
  readonly service: ServiceSnapshot | undefined
  /** The rule with the expected mark. */
  readonly rule?: ListedMarkRule | undefined
  readonly packet: TracePacket
}

/** A packet with its trace; `tracked`: the trace with connection tracking. */
export interface Probed extends Probe {
  readonly trace: Trace
  readonly tracked?: Trace | undefined
}

/** A fault shows in the first packets already. */
const MOST = 2000
const MOST_PORTS = 8
const FTP = 21

const firstPort = (port: MarkPort): number => (typeof port === 'number' ? port : Number.parseInt(port, 10))

/** Ports of a rule, the first port of each range; `undefined` stands for all. */
function portsOf({ ports }: Pick<ListedMarkRule, 'ports'>): (number | undefined)[] {
  const all = ports === undefined || ports === 'all'
  return all
    ? [undefined]
    : [ports]
        .flat()
        .slice(0, MOST_PORTS)
        .map((port) => firstPort(port))
}

const withPort = (name: 'sourcePort' | 'destinationPort', port: number | undefined) =>
  port === undefined || port === 0 ? {} : { [name]: port }

/** TCP stands for all protocols. */
const protocolOf = (protocol: ListedMarkRule['protocol']) => (protocol === 'all' ? 'tcp' : protocol)

interface Entrance {
  readonly service: ServiceSnapshot | undefined
  readonly rule?: ListedMarkRule
  readonly packet: TracePacket
}

function* entrances(services: readonly ServiceSnapshot[], marks: readonly ListedMarkRule[]): Iterable<Entrance> {
  for (const service of services) {
    const { protocol, address, port } = service
    if (protocol === undefined || address === undefined || /^(0\.0\.0\.0|::)$/.test(address)) continue
    yield { service, packet: { protocol, destination: address, ...withPort('destinationPort', port) } }
  }
  for (const rule of marks) {
    const service = services.find((each) => leadsTo(rule, each))
    const source = rule.source === undefined ? {} : { source: samples(rule.source)[0] }
    for (const destination of samples(rule.address)) {
      for (const port of portsOf(rule)) {
        const packet = {
          protocol: protocolOf(rule.protocol),
          destination,
          ...withPort('destinationPort', port),
          ...source,
        }
        yield { service, rule, packet }
      }
    }
  }
}

// Outer protocols of tunnels: IPv4 or IPv6 in IP, GRE, UDP.
function tunnelled({ tunnel }: ListedDestination, ipv6: boolean): Pick<TracePacket, 'protocol' | 'destinationPort'> {
  if (tunnel?.type === 'gue') return { protocol: 'udp', ...withPort('destinationPort', tunnel.port) }
  return { protocol: tunnel?.type === 'gre' ? 47 : ipv6 ? 41 : 4 }
}

function* behind({ service, packet }: Entrance, tracks: boolean): Iterable<Probe> {
  const { protocol, destination: vip, destinationPort } = packet
  for (const destination of service?.destinations ?? []) {
    const { address, forwarding } = destination
    const port = destination.port || destinationPort
    // Packets from IPVS are untracked unless vs.conntrack is 1.
    const state = tracks ? 'new' : 'untracked'
    if (forwarding === 'masquerade') {
      const real = {
        path: 'sent',
        protocol,
        destination: address,
        state,
        ...withPort('destinationPort', port),
      } as const
      yield { kind: 'server', service, packet: real }
      // Without tracking, conntrack sees a reply without a connection: invalid for TCP, new for UDP.
      const unknown = protocol === 'udp' ? 'new' : 'invalid'
      const reply = { path: 'through', protocol, source: address, ...withPort('sourcePort', port) } as const
      yield { kind: 'reply', service, packet: { ...reply, state: tracks ? 'established' : unknown } }
      if (protocol === 'tcp' && destinationPort === FTP) {
        yield { kind: 'active', service, packet: { path: 'leaving', protocol, source: address, sourcePort: FTP - 1 } }
      }
    } else if (forwarding === 'direct') {
      const real = {
        path: 'sent',
        protocol,
        destination: vip,
        state,
        ...withPort('destinationPort', destinationPort),
      } as const
      yield { kind: 'server', service, packet: real }
    } else if (forwarding === 'tunnel') {
      const wrapped = tunnelled(destination, vip?.includes(':') === true)
      yield { kind: 'server', service, packet: { path: 'sent', destination: address, state, ...wrapped } }
    }
  }
}

/** `tracks`: net.ipv4.vs.conntrack is 1. */
export function probesFor(
  services: readonly ServiceSnapshot[],
  marks: readonly ListedMarkRule[],
  tracks: boolean,
): Probe[] {
  const found = new Map<string, Probe>()
  const add = (probe: Probe) => found.set(JSON.stringify([probe.kind, probe.packet]), probe)
  for (const entrance of entrances(services, marks)) {
    add({ kind: 'client', ...entrance })
    for (const probe of behind(entrance, tracks)) add(probe)
    if (found.size >= MOST) break
  }
  return [...found.values()].slice(0, MOST)
}
