// Test networks in the lab: a client, a director and real servers, one namespace each.
//
//   client ─── front ─── director ─── back ─── servers
//                └── (direct, tunnel) ────────────┘     path of replies, past the director
//
// `directors` and `realServers` are the only place for the settings that each forwarding method needs.
import type { Forwarding } from 'ipvs'

import type { LabContext, Netns } from '../lab/job.ts'

/** Addresses of the client: two in one network and one in a second network, for each family. */
const clients = ['172.16.0.50', '172.16.0.51', '172.18.0.60', '2001:db8::50', '2001:db8::51', '2001:db8:18::60']
/** Virtual addresses 172.16.0.100 to .104 and 2001:db8::100 to ::104. */
const vips = [0, 1, 2, 3, 4].flatMap((n) => [`172.16.0.10${n}`, `2001:db8::10${n}`])

export interface RealServer {
  readonly name: string
  readonly netns: Netns
  readonly ipv4: string
  readonly ipv6: string
}

export interface Site {
  readonly client: Netns
  readonly director: Netns
  readonly servers: readonly RealServer[]
}

const bits = (address: string, network: boolean): string => {
  if (address.includes(':')) return network ? '/64' : '/128'
  return network ? '/24' : '/32'
}
const on = (device: string, addresses: readonly string[], network = true): string[] =>
  addresses.map((one) => `addr add ${one}${bits(one, network)} dev ${device}${one.includes(':') ? ' nodad' : ''}`)
/** Routes to client networks outside the network of the link. */
const farClients = (device: string): string[] => [
  `route add 172.18.0.0/24 dev ${device}`,
  `route add 2001:db8:18::/64 dev ${device}`,
]

// Packets arrive on interfaces without a route back. New namespaces inherit rp_filter from the machine, often 1 or 2.
const anyWay = 'ipv4/conf/*/rp_filter=0'

/** Forwarding methods to remote servers. */
export type Way = Exclude<Forwarding, 'local' | 'bypass'>

/** Sysctls of the director. */
const directors: Record<Way, readonly string[]> = {
  // NAT: the director is the router of the servers.
  masquerade: ['ipv4/ip_forward=1', 'ipv6/conf/all/forwarding=1'],
  // The director does not forward, and replies bypass it. Only replies to clients on the director arrive here: their source is
  // the VIP, a local address of the director. IPv6 needs no setting.
  direct: ['ipv4/conf/all/accept_local=1', anyWay],
  tunnel: ['ipv4/conf/all/accept_local=1', anyWay],
}

interface ServerPlan {
  readonly settings: readonly string[]
  readonly commands: readonly string[]
}

// Only the director replies to ARP for the VIP: servers reply only for addresses of the receiving interface, and never send the
// VIP as ARP source. IPv6 needs no setting: addresses of lo are not resolved on links.
const silent = ['ipv4/conf/all/arp_ignore=1', 'ipv4/conf/all/arp_announce=2']

const realServers: Record<Way, ServerPlan> = {
  // All replies go through the director.
  masquerade: { settings: [], commands: ['route add default via 10.0.0.1', 'route add default via fd00::1'] },
  direct: {
    settings: [...silent, anyWay],
    commands: [...on('lo', vips, false), ...farClients('front')],
  },
  // Requests arrive encapsulated at the server's address, and leave the tunnel device.
  tunnel: {
    settings: [...silent, anyWay],
    commands: ['link set tunl0 up', 'link set ip6tnl0 up', ...on('lo', vips, false), ...farClients('front')],
  },
}

class Builder {
  readonly #context: LabContext
  readonly #switch: Netns
  #ports = 0

  constructor(context: LabContext, middle: Netns) {
    this.#context = context
    this.#switch = middle
  }

  /** Runs commands of `ip` in a namespace. */
  async ip(where: Netns, commands: readonly string[]): Promise<void> {
    await this.#context.sh(`ip -n ${where.name} -batch -`, { input: `${commands.join('\n')}\n` })
  }

  /** Makes a host with one interface per segment, named like the segment. */
  async host(segments: readonly string[], settings: readonly string[], commands: readonly string[]): Promise<Netns> {
    const host = await this.#context.netns()
    const plugs = segments.flatMap((segment) => {
      this.#ports += 1
      const port = `port${this.#ports}`
      return [
        `link add ${port} type veth peer name ${segment} netns ${host.name}`,
        `link set ${port} master ${segment}-net up`,
      ]
    })
    await this.ip(this.#switch, plugs)
    await this.set(host, settings)
    await this.ip(host, [...segments.map((segment) => `link set ${segment} up`), ...commands])
    return host
  }

  /** Sets sysctls. `*` stands for every interface. */
  async set(where: Netns, settings: readonly string[]): Promise<void> {
    const command = (setting: string) => {
      const [file, value] = setting.split('=')
      return `for file in /proc/sys/net/${file}; do echo ${value} >$file; done`
    }
    if (settings.length > 0) await this.#context.sh(settings.map(command).join('\n'), { netns: where })
  }
}

/** Server names; the number is the last part of the addresses. */
const serverNames = ['server-7', 'server-17'] as const

export async function buildSite(
  context: LabContext,
  forwarding: Way,
  names: readonly string[] = serverNames,
): Promise<Site> {
  // Before the namespaces: new namespaces get the tunnel devices only if the modules are loaded.
  if (forwarding === 'tunnel') await context.sh('modprobe ipip && modprobe ip6_tunnel')
  const middle = await context.netns()
  const builder = new Builder(context, middle)
  await builder.ip(
    middle,
    ['front-net', 'back-net'].flatMap((name) => [`link add ${name} type bridge`, `link set ${name} up`]),
  )
  const client = await builder.host(['front'], [], on('front', clients))
  const director = await builder.host(['front', 'back'], directors[forwarding], [
    ...on('front', ['172.16.0.1', '2001:db8::1']),
    ...on('back', ['10.0.0.1', 'fd00::1']),
    ...on('front', vips, false),
    ...farClients('front'),
  ])
  const servers: RealServer[] = []
  for (const name of names) {
    const number = name.replace(/\D+/, '')
    const [ipv4, ipv6] = [`10.0.0.${number}`, `fd00::${number}`]
    const { settings, commands } = realServers[forwarding]
    const past = forwarding === 'masquerade' ? [] : on('front', [`172.16.0.${number}`, `2001:db8::${number}`])
    const segments = forwarding === 'masquerade' ? ['back'] : ['back', 'front']
    const netns = await builder.host(segments, settings, [...on('back', [ipv4, ipv6]), ...past, ...commands])
    servers.push({ name, netns, ipv4, ipv6 })
  }
  return { client, director, servers }
}

/** After `buildSite` for `tunnel`: replies from the servers' own addresses go through the director, for masquerade beside direct. */
export async function answerByDirector(context: LabContext, { director, servers }: Site): Promise<void> {
  const builder = new Builder(context, director)
  await builder.set(director, directors.masquerade)
  for (const { netns, ipv4 } of servers) {
    await builder.ip(netns, [`rule add from ${ipv4} table 7`, 'route add default via 10.0.0.1 table 7'])
  }
}
