// What the director was told and what it saw, through the library; in the lab.
import { FirewallMarks, Ipvs, type Connection, type MarkRule, type Service, type ServiceKey } from 'ipvs'

import type { LabContext } from '../lab/job.ts'
import type { Site, Way } from './topology.ts'

/** What one real server got of a service. */
export interface Share {
  readonly server: string
  readonly connections: number
  readonly active: number
  readonly inactive: number
  /** Clients that are bound to it. */
  readonly persistent: number
  readonly inPackets: number
  readonly outPackets: number
}

export class Director {
  readonly ipvs: Ipvs
  readonly marks: FirewallMarks
  readonly #context: LabContext
  readonly #site: Site

  private constructor(context: LabContext, site: Site, ipvs: Ipvs, marks: FirewallMarks) {
    this.ipvs = ipvs
    this.marks = marks
    this.#context = context
    this.#site = site
  }

  static async open(context: LabContext, site: Site): Promise<Director> {
    const netns = site.director.path
    const timeoutMs = 60_000
    const [ipvs, marks] = [await Ipvs.open({ netns, timeoutMs }), await FirewallMarks.open({ netns, timeoutMs })]
    return new Director(context, site, ipvs, marks)
  }

  /** A service with the real servers of the site, or those of these names, as its destinations. */
  async balance(service: Service, forwarding: Way, names?: readonly string[]): Promise<void> {
    const isSix = 'fwmark' in service ? service.family === 'ipv6' : service.address.includes(':')
    await this.ipvs.addService(service)
    // The last one is the first to be used.
    for (const { name, ipv4, ipv6 } of this.#site.servers) {
      if (names?.includes(name) === false) continue
      await this.ipvs.addDestination(service, { address: isSix ? ipv6 : ipv4, forwarding })
    }
  }

  async mark(...rules: readonly MarkRule[]): Promise<void> {
    await this.marks.add(rules)
  }

  /** In the order of the site's servers, once so many connections were counted: the kernel does it every 2 s. */
  async shares(service: ServiceKey, connections: number): Promise<Share[]> {
    for (let tries = 0; ; tries++) {
      const shares = await this.#shares(service)
      const sum = shares.reduce((total, share) => total + share.connections, 0)
      if (sum >= connections || tries === 40) return shares
      await this.#context.sleep(500)
    }
  }

  /** Connections and templates, `CLIENT -> VIRTUAL END OR MARK -> DESTINATION`; clients without their ports, in order. */
  async connections(filter: Parameters<Ipvs['connections']>[0] = {}): Promise<string[]> {
    const lines = []
    for await (const connection of this.ipvs.connections(filter)) lines.push(line(connection))
    return lines.toSorted()
  }

  async close(): Promise<void> {
    await this.ipvs.close()
    await this.marks.close()
  }

  async #shares(service: ServiceKey): Promise<Share[]> {
    const listed = await this.ipvs.listDestinations(service)
    return this.#site.servers.flatMap(({ name, ipv4, ipv6 }) => {
      const found = listed.find(({ address }) => address === ipv4 || address === ipv6)
      if (found === undefined) return []
      const { activeConnections, inactiveConnections, persistentConnections, statistics } = found
      return {
        server: name,
        connections: Number(statistics.connections),
        active: activeConnections,
        inactive: inactiveConnections,
        persistent: persistentConnections,
        inPackets: Number(statistics.inPackets),
        outPackets: Number(statistics.outPackets),
      }
    })
  }
}

function line({ client, virtual, fwmark, destination }: Connection): string {
  const asked = virtual === undefined ? `mark ${fwmark}` : `${virtual.address} ${virtual.port}`
  return `${client.address} -> ${asked} -> ${destination.address} ${destination.port}`
}
