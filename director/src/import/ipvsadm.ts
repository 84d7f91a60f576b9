// The output of `ipvsadm -S` and of `ipvs adm -S`: services and destinations, a line for each.
import { durationText } from '../site/duration.ts'
import { HostAddresses } from './host-addresses.ts'
import {
  Remarks,
  type ImportContext,
  type Imported,
  type Importer,
  type ServerTree,
  type ServiceTree,
  type VirtualTree,
} from './imported.ts'
import { freeName, ServerNames } from './names.ts'
import { portsOf, schedulerTree, virtualsOfMark } from './virtuals.ts'

/** Options of a line; `''` for those without a value. */
type Options = ReadonlyMap<string, string>

interface SavedLine {
  readonly line: number
  readonly options: Options
}

interface SavedService extends SavedLine {
  readonly servers: SavedLine[]
}

/** Long spellings. */
const shortOptions: Readonly<Record<string, string>> = {
  '--add-service': '-A',
  '--add-server': '-a',
  '--tcp-service': '-t',
  '--udp-service': '-u',
  '--fwmark-service': '-f',
  '--scheduler': '-s',
  '--persistent': '-p',
  '--netmask': '-M',
  '--ops': '-o',
  '--sched-flags': '-b',
  '--real-server': '-r',
  '--gatewaying': '-g',
  '--masquerading': '-m',
  '--ipip': '-i',
  '--weight': '-w',
  '--u-threshold': '-x',
  '--l-threshold': '-y',
  '--ipv6': '-6',
}
const known = new Set(
  '-A -a -t -u -f -s -p -M -o -b -r -g -m -i -w -x -y -6 --sctp-service --pe --tun-type --tun-port --tun-csum --tun-nocsum --tun-remcsum'.split(
    ' ',
  ),
)

function optionsOf(text: string): Options {
  const words = text
    .replace(/^\s*(?:\S*ipvsadm|\S*ipvs\s+adm)\s+/, '')
    .trim()
    .split(/\s+/)
  const options = new Map<string, string>()
  for (const [index, word] of words.entries()) {
    if (!word.startsWith('-')) continue
    const value = words[index + 1] ?? ''
    options.set(shortOptions[word] ?? word, value.startsWith('-') ? '' : value)
  }
  return options
}

const keys = ['-t', '-u', '--sctp-service', '-f'] as const
const keyOf = (options: Options): string =>
  keys.map((key) => `${key} ${options.get(key) ?? ''}`).join(' ') + (options.has('-6') ? ' -6' : '')

function savedServices(text: string, remarks: Remarks): readonly SavedService[] {
  const services = new Map<string, SavedService>()
  for (const [index, content] of text.split('\n').entries()) {
    const line = index + 1
    if (/^\s*(?:#.*)?$/.test(content)) continue
    const options = optionsOf(content)
    for (const option of options.keys()) if (!known.has(option)) remarks.add('lost', line, `${option}: not known`)
    const service = services.get(keyOf(options))
    if (options.has('-A')) services.set(keyOf(options), { line, options, servers: [] })
    else if (options.has('-a') && service !== undefined) service.servers.push({ line, options })
    else remarks.add('lost', line, `not understood: ${content.trim()}`)
  }
  return [...services.values()]
}

function forwardingOf(options: Options): string {
  if (options.has('-m')) return 'masquerade'
  return options.has('-i') ? 'tunnel' : 'direct'
}

class SavedImport {
  readonly #remarks = new Remarks()
  readonly #names = new ServerNames()
  readonly #context: ImportContext
  readonly #addresses: HostAddresses

  constructor(context: ImportContext) {
    this.#context = context
    this.#addresses = new HostAddresses(context, this.#remarks)
  }

  import(text: string): Imported {
    const services: Record<string, ServiceTree> = {}
    for (const saved of savedServices(text, this.#remarks)) {
      const virtual = this.#virtual(saved)
      if (virtual === undefined) continue
      const name = saved.options.has('-f') ? `mark-${saved.options.get('-f')}` : (this.#where(saved.options)?.[1] ?? '')
      services[freeName(name, new Set(Object.keys(services)))] = this.#service(saved, virtual)
    }
    if (Object.keys(services).length > 0) {
      this.#remarks.add('assumed', undefined, 'a table has no checks: servers count as up until there are some')
      const hasThresholds = Object.values(services).some(({ servers }) => servers.some(({ thresholds }) => thresholds))
      const loss = 'ipvsadm does not save thresholds: "ipvsadm -Ln --thresholds" shows them'
      if (!hasThresholds) this.#remarks.add('lost', undefined, loss)
    }
    return { site: { version: 1, services }, remarks: this.#remarks.sorted() }
  }

  #where(options: Options): [protocol: VirtualTree['protocol'], where: string] | undefined {
    const all = [
      ['tcp', '-t'],
      ['udp', '-u'],
      ['sctp', '--sctp-service'],
    ] as const
    const found = all.find(([, option]) => options.has(option))
    return found === undefined ? undefined : [found[0], options.get(found[1]) ?? '']
  }

  #virtual({ options, line }: SavedService): ServiceTree['virtual'] | undefined {
    const mark = Number(options.get('-f') ?? 0)
    const isV6 = options.has('-6')
    if (mark > 0) return virtualsOfMark(this.#context, this.#remarks, { mark, isV6, line })
    const [protocol, where] = this.#where(options) ?? ['tcp', '']
    const endpoint = this.#addresses.endpoint(where, line)
    if (endpoint === undefined) return undefined
    const { address, port = 0 } = endpoint
    return { address, protocol, ...(port === 0 ? { ports: 'all' as const } : { port }) }
  }

  #scheduler(options: Options): ServiceTree['scheduler'] {
    const name = options.get('-s') ?? 'wlc'
    const flags = (options.get('-b') ?? '').split(',')
    return schedulerTree(name, flags.includes(`${name}-fallback`), flags.includes(`${name}-port`))
  }

  #persistence(options: Options): ServiceTree['persistence'] {
    const timeout = options.get('-p')
    if (timeout === undefined) return undefined
    const mask = options.get('-M')
    const engine = options.get('--pe')
    return {
      timeout: durationText(Number(timeout === '' ? 360 : timeout) * 1000),
      ...(mask === undefined || mask === '' ? {} : { netmask: /^\d+$/.test(mask) ? Number(mask) : mask }),
      ...(engine === undefined ? {} : { engine }),
    }
  }

  #service({ options, servers }: SavedService, virtual: ServiceTree['virtual']): ServiceTree {
    const ports = portsOf(virtual)
    const servicePort = ports.length === 1 && typeof ports[0] === 'number' ? ports[0] : undefined
    const forwarding = forwardingOf(servers[0]?.options ?? options)
    const inService = new Set<string>()
    const persistence = this.#persistence(options)
    return {
      virtual,
      ...(options.has('-f') ? { mark: Number(options.get('-f')) } : {}),
      scheduler: this.#scheduler(options),
      ...(persistence === undefined ? {} : { persistence }),
      ...(options.has('-o') ? { onePacket: true } : {}),
      forwarding,
      servers: servers.flatMap((server) => this.#server(server, forwarding, servicePort, inService)),
      onFailure: persistence === undefined ? 'drain' : 'remove',
    }
  }

  #server(
    { line, options }: SavedLine,
    usual: string,
    servicePort: number | undefined,
    inService: Set<string>,
  ): readonly ServerTree[] {
    const endpoint = this.#addresses.endpoint(options.get('-r') ?? '', line)
    if (endpoint === undefined) return []
    const { address, port = 0 } = endpoint
    const forwarding = forwardingOf(options)
    const isOther = port !== 0 && port !== servicePort
    if (isOther && forwarding !== 'masquerade') {
      this.#remarks.add('changed', line, `the port ${port} of ${address} means nothing without masquerading: left out`)
    }
    const number = (option: string, otherwise: number): number => Number(options.get(option) ?? otherwise)
    const [weight, upper, lower] = [number('-w', 1), number('-x', 0), number('-y', 0)]
    return [
      {
        name: this.#names.name(address, undefined, inService),
        address,
        ...(isOther && forwarding === 'masquerade' ? { port } : {}),
        ...(weight === 1 ? {} : { weight }),
        ...(forwarding === usual ? {} : { forwarding }),
        ...(upper === 0 && lower === 0 ? {} : { thresholds: { upper, ...(lower === 0 ? {} : { lower }) } }),
        ...this.#tunnel(options),
      },
    ]
  }

  #tunnel(options: Options): Pick<ServerTree, 'tunnel'> {
    const type = options.get('--tun-type')
    if (type === undefined || type === 'ipip') return {}
    const port = options.get('--tun-port')
    const checksum = options.has('--tun-csum') ? 'local' : options.has('--tun-remcsum') ? 'remote' : undefined
    return {
      tunnel: {
        type,
        ...(port === undefined ? {} : { port: Number(port) }),
        ...(checksum === undefined ? {} : { checksum }),
      },
    }
  }
}

/** Reads the output of `ipvsadm -S`. */
export const importIpvsadm: Importer = (text, context) => new SavedImport(context).import(text)
