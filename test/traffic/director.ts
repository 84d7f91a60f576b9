// A director in the lab, controlled through the library: its services, marks, counters and connections.
import { FirewallMarks, Ipvs, type Connection, type MarkRule, type Service, type ServiceKey } from 'ipvs'

import type { LabContext } from '../lab/job.ts'
import type { Site, Way } from './topology.ts'

/** Counters of one destination of a service. */
export interface Share {
  readonly server: string
  readonly connections: number
  readonly active: number
  readonly inactive: number
  /** Clients bound to the destination. */
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

  /** Adds a service with the real servers of the site, or only the named servers, as destinations. */
  async balance(service: Service, forwarding: Way, names?: readonly string[]): Promise<void> {
    const isSix = 'fwmark' in service ? service.family === 'ipv6' : service.address.includes(':')
    await this.ipvs.addService(service)
    // The kernel schedules the last destination first.
    for (const { name, ipv4, ipv6 } of this.#site.servers) {
      if (names?.includes(name) === false) continue
      await this.ipvs.addDestination(service, { address: isSix ? ipv6 : ipv4, forwarding })
    }
  }

  async mark(...rules: readonly MarkRule[]): Promise<void> {
    await this.marks.add(rules)
  }

  /** In the order of the site's servers. Waits until the counters reach `connections`: the kernel updates them every 2 s. */
  async shares(service: ServiceKey, connections: number): Promise<Share[]> {
    for (let tries = 0; ; tries++) {
      const shares = await this.#shares(service)
      const sum = shares.reduce((total, share) => total + share.connections, 0)
      if (sum >= connections || tries === 40) return shares
      await this.#context.sleep(500)
    }
  }

  /** Sorted lines `CLIENT -> VIRTUAL END OR MARK -> DESTINATION` for connections and templates; clients without ports. */
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
  const target = virtual === undefined ? `mark ${fwmark}` : `${virtual.address} ${virtual.port}`
  return `${client.address} -> ${target} -> ${destination.address} ${destination.port}`
}
