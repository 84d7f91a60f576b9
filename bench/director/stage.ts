// The network of the trials, a watcher of the table, and a client that never stops.
import { readFileSync } from 'node:fs'
import type { LabContext, LabProcess, Netns } from '../../test/lab/job.ts'
import { buildSite, type Site } from '../../test/traffic/topology.ts'
import { vip } from './managers.ts'

export interface Request {
  readonly at: number
  /** The name of the server, or an error. */
  readonly reply: string
}

/** `servers`: hexadecimal addresses of all that get connections. */
export interface Table {
  readonly services: number
  readonly servers: readonly string[]
}

const requestsPerSecond = 20
/** Addresses of `checks`; one server has all of them. */
const manyAddresses = '10.9.0.0/16'
export const manyPort = 8000

/** Accepts and closes, cheaper than the web server. */
const acceptor = `import socket
s = socket.create_server(('', ${manyPort}), backlog=4096)
print('ready', flush=True)
while True: s.accept()[0].close()
`

export class Stage {
  readonly context: LabContext
  readonly site: Site
  /** A process of the director's namespace. */
  readonly #resident: LabProcess
  readonly #folder: string
  readonly #servers = new Map<number, LabProcess>()

  private constructor(context: LabContext, site: Site, resident: LabProcess, folder: string) {
    this.context = context
    this.site = site
    this.#resident = resident
    this.#folder = folder
  }

  static async build(context: LabContext): Promise<Stage> {
    const site = await buildSite(context, 'masquerade', ['server-7', 'server-17', 'server-27'])
    const folder = (await context.sh('mktemp -d')).trim()
    const kind = '-newkey ec -pkeyopt ec_paramgen_curve:P-256 -subj /CN=bench -days 1'
    await context.sh(`openssl req -x509 -nodes ${kind} -keyout ${folder}/key -out ${folder}/cert`)
    const resident = context.start('sh', ['-c', 'echo here; exec sleep infinity'], { netns: site.director })
    await resident.waitFor('here')
    return new Stage(context, site, resident, folder)
  }

  get director(): Netns {
    return this.site.director
  }

  get addresses(): string[] {
    return this.site.servers.map(({ ipv4 }) => ipv4)
  }

  /** Starts the web server of each real server. */
  async serveAll(): Promise<void> {
    await Promise.all(this.site.servers.map(async (_, index) => this.serve(index)))
  }

  async serve(index: number): Promise<void> {
    const { name, netns } = this.#server(index)
    const words = [
      `${this.context.root}/out/test/traffic/web-server.js`,
      name,
      `${this.#folder}/key`,
      `${this.#folder}/cert`,
    ]
    const server = this.context.start(process.execPath, words, { netns })
    await server.waitFor('ready')
    this.#servers.set(index, server)
  }

  async stopServer(index: number): Promise<void> {
    await this.#servers.get(index)?.stop('SIGKILL')
    this.#servers.delete(index)
  }

  /** A server with many addresses, which counts connections. */
  async serveMany(): Promise<LabProcess> {
    const { netns, ipv4 } = this.#server(0)
    await this.context.sh(`ip route replace local ${manyAddresses} dev lo`, { netns })
    await this.context.sh(`ip route replace ${manyAddresses} via ${ipv4}`, { netns: this.director })
    const rule = `tcp dport ${manyPort} tcp flags & (syn | ack) == syn counter`
    await this.context.sh(
      `nft 'add table ip count; add chain ip count in { type filter hook input priority 0; }; add rule ip count in ${rule}'`,
      { netns },
    )
    const server = this.context.start('python3', ['-c', acceptor], { netns })
    await server.waitFor('ready')
    return server
  }

  /** Connections to `serveMany` so far. */
  async connections(): Promise<number> {
    const text = await this.context.sh('nft list table ip count', { netns: this.#server(0).netns })
    return Number(/packets (\d+)/.exec(text)?.[1])
  }

  /** Cuts a server off, or connects it again. */
  async cut(index: number, isCut: boolean): Promise<void> {
    await this.context.sh(`ip link set back ${isCut ? 'down' : 'up'}`, { netns: this.#server(index).netns })
    if (!isCut) await this.context.sh('ip route replace default via 10.0.0.1', { netns: this.#server(index).netns })
  }

  /** The table as one read of the kernel's file shows it: cheap, and the same for each manager. */
  table(): Table {
    const lines = readFileSync(`/proc/${this.#resident.pid}/net/ip_vs`, 'latin1').split('\n')
    const servers = lines.flatMap((line) => /-> ([\dA-F]{8}):\S+ +\S+ +[1-9]/.exec(line)?.[1] ?? [])
    return { services: lines.filter((line) => line.startsWith('TCP ')).length, servers }
  }

  /** The milliseconds until `holds`; throws after `limitMs`. */
  async until(
    holds: (table: Table) => boolean,
    limitMs: number,
    pauseMs: number,
    problem: () => string,
  ): Promise<number> {
    const start = Date.now()
    while (Date.now() - start < limitMs) {
      if (holds(this.table())) return Date.now() - start
      await this.context.sleep(pauseMs)
    }
    throw new Error(`not within ${limitMs / 1000} s: ${problem()}`)
  }

  /** Opens connections at a steady rate until `end`. */
  async request(): Promise<{ readonly end: () => Promise<Request[]> }> {
    const words = [`${this.context.root}/out/test/traffic/steady-client.js`, vip, '80', String(requestsPerSecond)]
    const client = this.context.start(process.execPath, words, { netns: this.site.client })
    await client.waitFor('running')
    const end = async (): Promise<Request[]> => {
      const { stdout } = await client.stop('SIGTERM')
      const pairs = JSON.parse(stdout.split('\n')[1] ?? '') as [number, string][]
      return pairs.map(([at, reply]) => ({ at, reply }))
    }
    return { end }
  }

  #server(index: number): Site['servers'][number] {
    const server = this.site.servers[index]
    if (server === undefined) throw new RangeError(`there is no server ${index}`)
    return server
  }
}
