// keepalived.conf: its virtual servers. Its addresses stay with keepalived.
import { durationText } from '../site/duration.ts'
import {
  Remarks,
  type CheckTree,
  type ImportContext,
  type Imported,
  type Importer,
  type ServerTree,
  type ServiceTree,
} from './imported.ts'
import { isChecker, keepalivedChecks } from './keepalived-checks.ts'
import { serviceMembers, type Member } from './keepalived-members.ts'
import { remarkFile, remarkService } from './keepalived-remarks.ts'
import { keepalivedTree, Statements, type Statement } from './keepalived-tree.ts'
import { freeName, ServerNames } from './names.ts'
import { portsOf, schedulerTree, virtualsOfMark } from './virtuals.ts'

const forwardings: Readonly<Record<string, string>> = { NAT: 'masquerade', DR: 'direct', TUN: 'tunnel' }

/** A forwarding method with its tunnel. */
type Method = Required<Pick<ServerTree, 'forwarding'>> & Pick<ServerTree, 'tunnel'>

/** `TUN type gue port 6080 csum`. */
function methodOf(words: readonly string[]): Method {
  const forwarding = forwardings[words[1]?.toUpperCase() ?? ''] ?? 'masquerade'
  const typeAt = words.indexOf('type')
  if (forwarding !== 'tunnel' || typeAt < 0) return { forwarding }
  const portAt = words.indexOf('port')
  const checksum = words.includes('csum') ? 'local' : words.includes('remcsum') ? 'remote' : undefined
  return {
    forwarding,
    tunnel: {
      type: words[typeAt + 1] ?? 'ipip',
      ...(portAt < 0 ? {} : { port: Number(words[portAt + 1]) }),
      ...(checksum === undefined ? {} : { checksum }),
    },
  }
}

const nameOf = (member: Member): string =>
  'mark' in member ? `mark-${member.mark}` : `${member.address}-${member.port}`

class KeepalivedImport {
  readonly #remarks = new Remarks()
  readonly #names = new ServerNames()
  readonly #context: ImportContext
  readonly #file: readonly Statement[]
  #alphaTold = false

  constructor(text: string, context: ImportContext) {
    this.#context = context
    this.#file = keepalivedTree(text, this.#remarks, context.include)
  }

  import(): Imported {
    remarkFile(this.#file, this.#remarks)
    const groups = new Map(
      this.#file.filter(({ words }) => words[0] === 'virtual_server_group').map((each) => [each.words[1] ?? '', each]),
    )
    const services: Record<string, ServiceTree> = {}
    for (const statement of this.#file.filter(({ words }) => words[0] === 'virtual_server')) {
      remarkService(statement, this.#remarks)
      const { words } = statement
      const own = words[1] === 'group' ? (words[2] ?? '') : undefined
      const members = serviceMembers(statement, groups, this.#remarks)
      for (const member of members) {
        const service = this.#service(statement, member)
        if (service === undefined) continue
        const wanted = own === undefined ? nameOf(member) : members.length === 1 ? own : `${own}-${nameOf(member)}`
        services[freeName(wanted, new Set(Object.keys(services)))] = service
      }
    }
    return { site: { version: 1, services }, remarks: this.#remarks.sorted() }
  }

  #virtual(statement: Statement, member: Member): ServiceTree['virtual'] | undefined {
    if ('mark' in member) {
      const { mark, family } = member
      const { line } = statement
      return virtualsOfMark(this.#context, this.#remarks, { mark, isV6: family === 'ipv6', line })
    }
    const given = new Statements(statement).text('protocol')?.toLowerCase()
    const protocol = given === 'tcp' || given === 'sctp' ? given : 'udp'
    if (given === undefined) {
      const text = 'no protocol: keepalived takes UDP; was TCP meant?'
      this.#remarks.add('assumed', statement.line, text)
    }
    const { address, port } = member
    return { address, protocol, ...(port === 0 ? { ports: 'all' as const } : { port }) }
  }

  #scheduler(settings: Statements): ServiceTree['scheduler'] {
    const name = settings.text('lvs_sched', 'lb_algo') ?? 'wlc'
    const fallback = settings.has(`${name}-fallback`) || settings.has('flag-1')
    const port = settings.has(`${name}-port`) || settings.has('flag-2')
    return schedulerTree(name, fallback, port)
  }

  #persistence(settings: Statements): ServiceTree['persistence'] {
    const given = settings.get('persistence_timeout')
    const mask = settings.text('persistence_granularity')
    if (given === undefined && mask === undefined) return undefined
    const seconds = Number(given?.words[1] ?? 360)
    const engine = settings.text('persistence_engine')
    const isHost = mask === undefined || mask === '255.255.255.255' || mask === '128'
    return {
      timeout: durationText((seconds > 0 ? seconds : 360) * 1000),
      ...(isHost ? {} : { netmask: /^\d+$/.test(mask) ? Number(mask) : mask }),
      ...(engine === undefined ? {} : { engine }),
    }
  }

  #service(statement: Statement, member: Member): ServiceTree | undefined {
    const settings = new Statements(statement)
    const virtual = this.#virtual(statement, member)
    if (virtual === undefined) return undefined
    const method = methodOf(settings.get('lvs_method', 'lb_kind')?.words ?? [])
    const ports = portsOf(virtual)
    const port = ports.length === 1 && typeof ports[0] === 'number' ? ports[0] : undefined
    const reals = settings.all.filter(({ words }) => words[0] === 'real_server')
    const checks = reals.map((real) => this.#checks(real, settings, port))
    const isSame = checks.every((check) => JSON.stringify(check) === JSON.stringify(checks[0]))
    const inService = new Set<string>()
    const servers = reals.map((real, index): ServerTree => {
      const server = this.#server(real, settings, method, port, 'mark' in member, inService)
      return isSame ? server : { ...server, checks: checks[index] ?? [] }
    })
    const persistence = this.#persistence(settings)
    if (!settings.has('alpha') && reals.length > 0 && !this.#alphaTold) {
      this.#alphaTold = true
      const text =
        'servers that are not in the table get traffic after their first good check (alpha); keepalived takes them as up'
      this.#remarks.add('changed', statement.line, text)
    }
    return {
      virtual,
      ...('mark' in member ? { mark: member.mark } : {}),
      scheduler: this.#scheduler(settings),
      ...(persistence === undefined ? {} : { persistence }),
      ...(settings.has('ops') ? { onePacket: true } : {}),
      forwarding: method.forwarding,
      servers,
      ...(isSame && checks[0] !== undefined ? { checks: checks[0] } : {}),
      onFailure: this.#onFailure(settings, reals),
      ...this.#fewServers(settings, servers, port, method),
    }
  }

  #onFailure(settings: Statements, reals: readonly Statement[]): ServiceTree['onFailure'] {
    const inhibited = reals.filter((real) => new Statements(real).has('inhibit_on_failure'))
    if (settings.has('inhibit_on_failure')) return 'drain'
    const [first] = inhibited
    if (first !== undefined && inhibited.length < reals.length) {
      this.#remarks.add('changed', first.line, 'inhibit_on_failure of some servers: here of all servers of the service')
    }
    return first === undefined ? 'remove' : 'drain'
  }

  #server(
    real: Statement,
    service: Statements,
    method: Method,
    servicePort: number | undefined,
    byMark: boolean,
    inService: Set<string>,
  ): ServerTree {
    const [, address = '', portText = ''] = real.words
    const settings = new Statements(real)
    const given = settings.get('lvs_method')
    const own = given === undefined ? method : methodOf(given.words)
    const port = Number(portText === '' ? (servicePort ?? 0) : portText)
    const isOther = port !== 0 && port !== servicePort
    const canMap = own.forwarding === 'masquerade'
    if (isOther && !canMap) {
      const text = `the port ${port} of ${address} means nothing without NAT: packets keep their port`
      this.#remarks.add('changed', real.line, byMark ? `${text}; here its destination has the port 0` : text)
    }
    const weight = settings.number('weight') ?? service.number('weight') ?? 1
    const [upper, lower] = [settings.number('uthreshold'), settings.number('lthreshold')]
    const limits = { ...(upper === undefined ? {} : { upper }), ...(lower === undefined ? {} : { lower }) }
    return {
      name: this.#names.name(address, undefined, inService),
      address,
      ...(isOther && canMap ? { port } : {}),
      ...(weight === 1 ? {} : { weight }),
      ...(own.forwarding === method.forwarding ? {} : { forwarding: own.forwarding }),
      ...(own.tunnel === undefined ? {} : { tunnel: own.tunnel }),
      ...(upper === undefined && lower === undefined ? {} : { thresholds: limits }),
    }
  }

  #checks(real: Statement, service: Statements, servicePort: number | undefined): readonly CheckTree[] {
    const port = Number(real.words[2] ?? servicePort ?? 0)
    const server = new Statements(real)
    return server.all.filter(isChecker).flatMap((checker) => {
      const isPlainPort = port === servicePort
      return keepalivedChecks({ checker, server, service, port, isPlainPort, remarks: this.#remarks })
    })
  }

  /** The sorry server, and when it takes over. */
  #fewServers(
    settings: Statements,
    servers: readonly ServerTree[],
    servicePort: number | undefined,
    method: Method,
  ): Pick<ServiceTree, 'sorry' | 'minimumHealthy'> {
    const given = settings.get('sorry_server')
    const quorum = settings.number('quorum') ?? 1
    if (given === undefined) {
      if (quorum > 1)
        this.#remarks.add('lost', settings.get('quorum')?.line, 'quorum without sorry_server only runs commands')
      return {}
    }
    const [, address = '', portText = ''] = given.words
    const own = settings.get('sorry_server_lvs_method')
    const { forwarding } = own === undefined ? method : methodOf(own.words)
    const port = Number(portText)
    const isOther = port > 0 && port !== servicePort
    if (isOther && forwarding !== 'masquerade') {
      this.#remarks.add('changed', given.line, `the port ${port} of the sorry server means nothing without NAT`)
    }
    const sorry = { address, ...(isOther && forwarding === 'masquerade' ? { port } : {}), forwarding }
    const total = servers.reduce((sum, { weight = 1 }) => sum + weight, 0)
    const least = quorum - (settings.number('hysteresis') ?? 0)
    if (least <= 1 || total === 0) return { sorry }
    const percent = Math.min(100, Math.ceil((least / total) * 10_000) / 100)
    return { minimumHealthy: { share: `${percent}%`, below: 'sorry' }, sorry }
  }
}

/** Reads the virtual servers of a keepalived.conf. */
export const importKeepalived: Importer = (text, context) => new KeepalivedImport(text, context).import()
