// The virtual servers of a site as keepalived.conf has them.
import type { CheckRule, PortRange, SiteServer, SiteService, Virtual } from '../site/site.ts'
import type { Exported, Exporter } from './exported.ts'
import { block, checkerLines } from './keepalived-checks.ts'

const methods: Readonly<Record<string, string>> = { masquerade: 'NAT', tunnel: 'TUN' }

function methodText({ forwarding, tunnel }: Pick<SiteServer, 'forwarding' | 'tunnel'>): string {
  const method = methods[forwarding] ?? 'DR'
  if (tunnel === undefined || tunnel.type === 'ipip') return method
  const port = tunnel.port === undefined ? '' : ` port ${tunnel.port}`
  const checksum = tunnel.checksum === 'local' ? ' csum' : tunnel.checksum === 'remote' ? ' remcsum' : ''
  return `${method} type ${tunnel.type}${port}${checksum}`
}

const singlePort = (ports: 'all' | readonly PortRange[]): number => (ports === 'all' ? 0 : (ports[0]?.from ?? 0))

class ServiceExport {
  readonly #service: SiteService
  readonly #lost = new Set<string>()

  constructor(service: SiteService) {
    this.#service = service
  }

  get lost(): readonly string[] {
    return [...this.#lost].map((text) => `services.${this.#service.name}: ${text}`)
  }

  #say(text: string): void {
    this.#lost.add(text)
  }

  #checkers({ atLeast, checks }: CheckRule): string[] {
    if (atLeast < checks.length) this.#say('require: keepalived wants every check to succeed')
    return checks.flatMap((check) => {
      if (check.via === 'service') this.#say('via: service: keepalived asks the server itself')
      return checkerLines(check, (text) => this.#say(text)) ?? []
    })
  }

  #server(server: SiteServer, servicePort: number, usual: string): string[] {
    const { address, port = servicePort, weight, upperThreshold, lowerThreshold, priority } = server
    const method = methodText(server)
    if (priority > 0) this.#say(`priority of ${server.name}: keepalived has no groups`)
    return block(`real_server ${address} ${port}`, [
      `weight ${weight}`,
      ...(method === usual ? [] : [`lvs_method ${method}`]),
      ...(upperThreshold === 0 ? [] : [`uthreshold ${upperThreshold}`]),
      ...(lowerThreshold === 0 ? [] : [`lthreshold ${lowerThreshold}`]),
      ...(this.#service.onFailure === 'drain' ? ['inhibit_on_failure'] : []),
      ...this.#checkers(server.checks ?? this.#service.checks),
    ])
  }

  #scheduler(): string[] {
    const { scheduler, schedulerFlags } = this.#service
    return [`lvs_sched ${scheduler}`, ...schedulerFlags]
  }

  #persistence(): string[] {
    const { persistence } = this.#service
    if (persistence === undefined) return []
    const { timeoutSeconds, netmask, engine } = persistence
    return [
      `persistence_timeout ${timeoutSeconds}`,
      ...(netmask === undefined ? [] : [`persistence_granularity ${netmask}`]),
      ...(engine === undefined ? [] : [`persistence_engine ${engine}`]),
    ]
  }

  #fewServers(servicePort: number): string[] {
    const { sorry, minimumHealthy, servers } = this.#service
    const { share, below } = minimumHealthy
    if (share > 0 && below !== 'sorry') this.#say(`minimumHealthy with below: ${below}`)
    if (sorry === undefined) return []
    const total = servers.reduce((sum, { weight }) => sum + weight, 0)
    const quorum = below === 'sorry' ? Math.max(1, Math.round(share * total)) : 1
    return [
      ...(quorum > 1 ? [`quorum ${quorum}`] : []),
      `sorry_server ${sorry.address} ${sorry.port ?? servicePort}`,
      `sorry_server_lvs_method ${methods[sorry.forwarding] ?? 'DR'}`,
    ]
  }

  #lines(head: string, protocol: string | undefined, servicePort: number, family: 'ipv4' | 'ipv6'): string[] {
    const service = this.#service
    const servers = service.servers.filter((server) => server.family === family || server.forwarding === 'tunnel')
    const usual = methodText(servers[0] ?? { forwarding: 'direct', tunnel: undefined })
    return block(head, [
      ...this.#scheduler(),
      `lvs_method ${usual}`,
      ...(protocol === undefined ? [] : [`protocol ${protocol.toUpperCase()}`]),
      'alpha',
      ...this.#persistence(),
      ...(service.onePacket ? ['ops'] : []),
      ...this.#fewServers(servicePort),
      ...servers.flatMap((server) => ['', ...this.#server(server, servicePort, usual)]),
    ])
  }

  #byMark(mark: number, virtuals: readonly Virtual[]): string[] {
    const families = [...new Set(virtuals.map(({ family }) => family))]
    return families.flatMap((family) => {
      const v6 = family === 'ipv6' ? ' inet6' : ''
      return [...this.#lines(`virtual_server fwmark ${mark}${v6}`, undefined, 0, family), '']
    })
  }

  text(mark: number | undefined): string[] {
    const { virtuals, slowStart, serversFrom, ftpActive, name } = this.#service
    if (slowStart !== undefined) this.#say('slowStart')
    if (serversFrom !== undefined) this.#say('serversFrom: only servers of the file')
    if (ftpActive) this.#say("ftp: the masquerade of the servers' port 20 is a rule of the packet filter")
    if (mark !== undefined) {
      this.#say(`which packets get mark ${mark} is said by the packet filter: keep the rules`)
      if (this.#service.mark === undefined) this.#say(`the file names no mark: ${mark} is the first free one`)
      return [`# ${name}`, ...this.#byMark(mark, virtuals)]
    }
    return virtuals.flatMap(({ address, protocol, ports, family }) => {
      const port = singlePort(ports)
      return [`# ${name}`, ...this.#lines(`virtual_server ${address} ${port}`, protocol, port, family), '']
    })
  }
}

/** Virtual servers for keepalived 2.2 or newer. */
export const exportKeepalived: Exporter = (site, marks): Exported => {
  const exports = site.services.map((service) => ({ service, made: new ServiceExport(service) }))
  const lines = exports.flatMap(({ service, made }) => made.text(marks.get(service.name)))
  const whole = site.brake === undefined ? [] : ['brake']
  return { text: `${lines.join('\n').trimEnd()}\n`, lost: [...whole, ...exports.flatMap(({ made }) => made.lost)] }
}
