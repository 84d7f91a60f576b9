// ldirectord.cf, the file of ldirectord.
import { durationText } from '../site/duration.ts'
import { HostAddresses, type Endpoint } from './host-addresses.ts'
import { ldirectordCheck, ldirectordTiming } from './ldirectord-checks.ts'
import {
  ldirectordFile,
  LdirectordSettings,
  unquoted,
  type LdirectordFile,
  type LdirectordVirtual,
} from './ldirectord-lines.ts'
import { remarkLdirectord } from './ldirectord-remarks.ts'
import {
  Remarks,
  type CheckTree,
  type ImportContext,
  type Imported,
  type Importer,
  type ServerTree,
  type ServiceTree,
  type VirtualTree,
} from './imported.ts'
import { freeName, ServerNames } from './names.ts'
import { portsOf, schedulerTree, virtualsOfMark } from './virtuals.ts'

/** A `real` line. */
interface RealServer {
  readonly line: number
  readonly endpoint: Endpoint
  readonly forwarding: string
  readonly weight: number
  readonly request: string | undefined
  readonly receive: string | undefined
}

const forwardings: Readonly<Record<string, string>> = { gate: 'direct', masq: 'masquerade', ipip: 'tunnel' }

/** One service. */
class VirtualImport {
  readonly #virtual: LdirectordVirtual
  readonly #settings: LdirectordSettings
  readonly #context: ImportContext
  readonly #remarks: Remarks
  readonly #addresses: HostAddresses
  readonly #names: ServerNames

  constructor(
    file: LdirectordFile,
    virtual: LdirectordVirtual,
    context: ImportContext,
    remarks: Remarks,
    names: ServerNames,
  ) {
    this.#virtual = virtual
    this.#settings = new LdirectordSettings(file, virtual)
    this.#context = context
    this.#remarks = remarks
    this.#addresses = new HostAddresses(context, remarks)
    this.#names = names
  }

  get name(): string {
    const { value } = this.#virtual
    return this.#settings.text('servicename') ?? (/^\d+$/.test(value) ? `mark-${value}` : value)
  }

  service(): ServiceTree | undefined {
    const { value, line } = this.#virtual
    const mark = /^\d+$/.test(value) ? Number(value) : undefined
    const endpoint = mark === undefined ? this.#addresses.endpoint(value, line) : undefined
    const protocol = this.#protocol(mark)
    const virtual = mark === undefined ? this.#byAddress(endpoint, protocol) : this.#marked(mark)
    if (virtual === undefined) return undefined
    const reals = this.#reals()
    const [first] = reals
    const forwarding = first?.forwarding ?? 'direct'
    const ports = portsOf(virtual)
    const servicePort = ports.length === 1 && typeof ports[0] === 'number' ? ports[0] : undefined
    const timing = ldirectordTiming(this.#settings)
    const checks = reals.map((real) => this.#check(real, timing, servicePort, endpoint?.address ?? String(mark)))
    const isSame = checks.every((check) => JSON.stringify(check) === JSON.stringify(checks[0]))
    const inService = new Set<string>()
    const servers = reals.map((real, index): ServerTree => {
      const server = this.#server(real, servicePort, mark, inService)
      return {
        ...server,
        ...(real.forwarding === forwarding ? {} : { forwarding: real.forwarding }),
        ...(isSame ? {} : { checks: checks[index] ?? [] }),
      }
    })
    const fallback = this.#settings.get('fallback')
    const persistence = this.#persistence()
    return {
      virtual,
      ...(mark === undefined ? {} : { mark }),
      scheduler: this.#scheduler(),
      ...(persistence === undefined ? {} : { persistence }),
      ...(this.#settings.isOn('ops', false) ? { onePacket: true } : {}),
      forwarding,
      servers,
      ...(isSame && checks[0] !== undefined ? { checks: checks[0] } : {}),
      onFailure: this.#settings.isOn('quiescent', true) ? 'drain' : 'remove',
      ...(fallback === undefined ? {} : this.#sorry(fallback.value, fallback.line, servicePort)),
    }
  }

  #protocol(mark: number | undefined): VirtualTree['protocol'] {
    const given = this.#settings.text('protocol')?.toLowerCase()
    if (mark !== undefined || given === undefined || given === 'tcp') return 'tcp'
    if (given === 'udp') return 'udp'
    this.#remarks.add(
      'changed',
      this.#settings.get('protocol')?.line,
      `protocol ${given} does not fit; the site has tcp`,
    )
    return 'tcp'
  }

  #byAddress(endpoint: Endpoint | undefined, protocol: VirtualTree['protocol']): ServiceTree['virtual'] | undefined {
    if (endpoint?.port !== undefined) return { address: endpoint.address, protocol, port: endpoint.port }
    this.#remarks.add(
      'lost',
      this.#virtual.line,
      `virtual = ${this.#virtual.value}: no address with port, and no mark: left out`,
    )
    return undefined
  }

  #marked(mark: number): ServiceTree['virtual'] | undefined {
    const { family, line } = this.#virtual
    return virtualsOfMark(this.#context, this.#remarks, { mark, isV6: family === 'ipv6', line })
  }

  #reals(): readonly RealServer[] {
    const lines = this.#virtual.settings.filter(({ key }) => key === 'real' || key === 'real6')
    return lines.flatMap(({ line, value }) => {
      const [, where = '', way = '', weight = '1', texts = ''] =
        /^(\S+)\s+(gate|masq|ipip)\b\s*(?:-w\s*)?(\d+)?\s*(".*)?$/.exec(value) ?? []
      if (where === '') {
        this.#remarks.add('lost', line, `real = ${value}: not understood`)
        return []
      }
      const [request, receive] = [...texts.matchAll(/"([^"]*)"/g)].map(([, text]) => text)
      const endpoints = this.#addresses.range(where, line)
      const forwarding = forwardings[way] ?? 'direct'
      return endpoints.map((endpoint) => ({ line, endpoint, forwarding, weight: Number(weight), request, receive }))
    })
  }

  #server(
    real: RealServer,
    servicePort: number | undefined,
    mark: number | undefined,
    inService: Set<string>,
  ): ServerTree {
    const { address, port } = real.endpoint
    const canMap = real.forwarding === 'masquerade'
    if (port !== undefined && mark !== undefined && !canMap) {
      const text = `the port ${port} of ${address} means nothing without masq: here its destination has the port 0`
      this.#remarks.add('changed', real.line, text)
    }
    return {
      name: this.#names.name(address, undefined, inService),
      address,
      ...(port === undefined || port === servicePort || (mark !== undefined && !canMap) ? {} : { port }),
      ...(real.weight === 1 ? {} : { weight: real.weight }),
    }
  }

  #check(
    { line, endpoint, request, receive }: RealServer,
    timing: ReturnType<typeof ldirectordTiming>,
    servicePort: number | undefined,
    address: string,
  ): readonly CheckTree[] {
    const settings = this.#settings
    const check = ldirectordCheck({
      settings,
      line,
      isUdp: settings.text('protocol')?.toLowerCase() === 'udp',
      address,
      servicePort,
      port: endpoint.port === servicePort ? undefined : endpoint.port,
      request: request ?? settings.text('request'),
      receive: receive ?? settings.text('receive'),
      remarks: this.#remarks,
    })
    if (check === undefined) return []
    const [[kind, fields]] = Object.entries(check) as [[string, CheckTree[string]]]
    return [{ [kind]: { ...fields, ...timing } }]
  }

  #scheduler(): ServiceTree['scheduler'] {
    const name = this.#settings.text('scheduler') ?? 'wrr'
    return schedulerTree(name, false, false)
  }

  #persistence(): ServiceTree['persistence'] {
    const seconds = this.#settings.number('persistent', 0)
    if (seconds === 0) return undefined
    const netmask = this.#settings.text('netmask')
    const isHost = netmask === undefined || netmask === '255.255.255.255' || netmask === '128'
    const mask = netmask !== undefined && /^\d+$/.test(netmask) ? Number(netmask) : netmask
    return { timeout: durationText(seconds * 1000), ...(isHost || mask === undefined ? {} : { netmask: mask }) }
  }

  #sorry(value: string, line: number, servicePort: number | undefined): Pick<ServiceTree, 'sorry'> {
    const [where = '', way = 'gate'] = unquoted(value).split(/\s+/)
    const endpoint = this.#addresses.endpoint(where, line)
    if (endpoint === undefined) return {}
    const { address, port } = endpoint
    const forwarding = forwardings[way] ?? 'direct'
    const isOther = port !== undefined && port !== servicePort
    if (!isOther || forwarding === 'masquerade') return { sorry: { address, ...(isOther ? { port } : {}), forwarding } }
    this.#remarks.add(
      'changed',
      line,
      `the port of fallback = ${value} means nothing without masq: packets keep their port`,
    )
    return { sorry: { address, forwarding } }
  }
}

/** Reads an ldirectord.cf file. */
export const importLdirectord: Importer = (text, context): Imported => {
  const remarks = new Remarks()
  const file = ldirectordFile(text, remarks)
  remarkLdirectord(file, remarks)
  const names = new ServerNames()
  const services: Record<string, ServiceTree> = {}
  for (const virtual of file.virtuals) {
    const one = new VirtualImport(file, virtual, context, remarks, names)
    const service = one.service()
    if (service !== undefined) services[freeName(one.name, new Set(Object.keys(services)))] = service
  }
  return { site: { version: 1, services }, remarks: remarks.sorted() }
}
