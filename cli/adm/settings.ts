// The settings of a command line, filled option by option.
import type { Forwarding, SyncDaemonRole } from 'ipvs'
import { isIPv6 } from 'node:net'
import type { CommandName, OptionName } from './options.ts'
import type { Met } from './scan.ts'
import { UsageError } from './usage-error.ts'
import { parseEndpoint, parseInteger, parseIpv4, type Endpoint, type Hosts } from './values.ts'

export const MOST_SECONDS: number = 31 * 24 * 3600
export const MOST = 0x7fffffff
const LONGEST_MESSAGE = 65535 - 20 - 8

export type TunnelType = 'ipip' | 'gue' | 'gre'
const tunnelTypes: readonly TunnelType[] = ['ipip', 'gue', 'gre']

/** Parses the seconds of a timeout. */
export function timeout(text: string, least: number): number {
  const seconds = parseInteger(text, least, MOST_SECONDS)
  if (seconds === undefined) throw new UsageError(`invalid timeout value \`${text}' specified`)
  return seconds
}

/** The settings from the options so far. */
export class Settings {
  readonly options: Set<OptionName> = new Set()
  role: SyncDaemonRole = 'master'
  fwmark: number | undefined
  family: 'ipv4' | 'ipv6' = 'ipv4'
  protocol: 'tcp' | 'udp' | 'sctp' | undefined
  address = ''
  port = 0
  scheduler = ''
  schedulerFlags = ''
  persistenceSeconds: number | undefined
  netmask: string | number | undefined
  engine = ''
  onePacket = false
  destination: Endpoint | undefined
  forwarding: Forwarding = 'direct'
  weight = 1
  upperThreshold = 0
  lowerThreshold = 0
  tunnelType: TunnelType = 'ipip'
  tunnelPort = 0
  interface = ''
  syncId = 0
  maxLength: number | undefined
  group: string | undefined
  groupPort: number | undefined
  ttl: number | undefined

  readonly #hosts: Hosts

  constructor(hosts: Hosts) {
    this.#hosts = hosts
  }

  /** The first word. */
  command(name: CommandName, value: string): void {
    if (name !== 'start-daemon' && name !== 'stop-daemon') return
    if (value !== 'master' && value !== 'backup') {
      throw new UsageError(`illegal ${name === 'start-daemon' ? 'start-daemon parameter' : 'start_daemon'} specified`)
    }
    this.role = value
  }

  /** Any further word. */
  option({ name, value }: Met): void {
    const [option = name as OptionName, take] = meanings[name] ?? []
    if (name === 'sort') return // ipvsadm accepts --sort but ignores it, even after --nosort
    if (name === 'ipv6') return this.#ipv6()
    if (this.options.has(option)) throw new UsageError(`multiple '${option}' options specified`)
    this.options.add(option)
    take?.(this, value ?? '')
    if (name === 'persistent') this.persistenceSeconds = value === undefined ? 360 : timeout(value, 1)
  }

  #ipv6(): void {
    if (this.fwmark === undefined) throw new UsageError('-6 used before -f\n')
    this.family = 'ipv6'
    this.netmask = undefined
  }

  service(protocol: 'tcp' | 'udp' | 'sctp', text: string): void {
    const end = parseEndpoint(text, protocol, this.#hosts)
    if (end === undefined) throw new UsageError('illegal virtual server address[:port] specified')
    this.protocol = protocol
    this.address = end.address
    this.port = end.port ?? 0
    this.family = end.family
    if (end.family === 'ipv6') this.netmask = undefined // an earlier mask was for IPv4
  }

  realServer(text: string): void {
    this.destination = parseEndpoint(text, this.protocol, this.#hosts)
    if (this.destination === undefined) throw new UsageError('illegal real server address[:port] specified')
  }

  mask(text: string): void {
    if (this.family === 'ipv6') {
      const length = Number.parseInt(text, 10)
      if (!(length >= 1 && length <= 128)) throw new UsageError('illegal ipv6 netmask specified')
      this.netmask = length
    } else {
      this.netmask = parseIpv4(text)
      if (this.netmask === undefined) throw new UsageError('illegal virtual server persistent mask specified')
    }
  }
}

function number(text: string, least: number, most: number, what: string): number {
  const value = parseInteger(text, least, most)
  if (value === undefined) throw new UsageError(`illegal ${what} specified`)
  return value
}

function mark(text: string): number {
  const value = parseInteger(text, 1, 0xffffffff)
  if (value === undefined) throw new UsageError(`invalid fwmark value \`${text}' specified`)
  return value
}

function tunnelType(text: string): TunnelType {
  const type = tunnelTypes.find((each) => each === text)
  if (type === undefined) throw new UsageError('illegal tunnel type specified')
  return type
}

function multicastGroup(text: string): string {
  const ipv6 = isIPv6(text) && !text.includes('%')
  if (ipv6 ? /^ff/i.test(text) : /^(22[4-9]|23\d)\./.test(parseIpv4(text) ?? '')) return text
  throw new UsageError(`invalid ${ipv6 ? 'IPv6' : 'IPv4'} mcast-group \`${text}'`)
}

type Meaning = readonly [OptionName, ((settings: Settings, value: string) => void)?]

const service = (protocol: 'tcp' | 'udp' | 'sctp'): Meaning => [
  'service-address',
  (settings, value) => settings.service(protocol, value),
]
const method = (forwarding: Forwarding): Meaning => [
  'forwarding-method',
  (settings) => (settings.forwarding = forwarding),
]

// A switch that is not listed is an option of the same name without a value.
const meanings: Readonly<Record<string, Meaning>> = {
  'tcp-service': service('tcp'),
  'udp-service': service('udp'),
  'sctp-service': service('sctp'),
  'fwmark-service': ['service-address', (settings, value) => (settings.fwmark = mark(value))],
  gatewaying: method('direct'),
  ipip: method('tunnel'),
  masquerading: method('masquerade'),
  scheduler: ['scheduler', (settings, value) => (settings.scheduler = value)],
  'sched-flags': ['sched-flags', (settings, value) => (settings.schedulerFlags = value)],
  netmask: ['netmask', (settings, value) => settings.mask(value)],
  pe: ['pe', (settings, value) => (settings.engine = value)],
  ops: ['ops', (settings) => (settings.onePacket = true)],
  'real-server': ['real-server', (settings, value) => settings.realServer(value)],
  weight: ['weight', (settings, value) => (settings.weight = number(value, 0, MOST, 'weight'))],
  'u-threshold': [
    'u-threshold',
    (settings, value) => (settings.upperThreshold = number(value, 0, MOST, 'u_threshold')),
  ],
  'l-threshold': [
    'l-threshold',
    (settings, value) => (settings.lowerThreshold = number(value, 0, MOST, 'l_threshold')),
  ],
  'tun-type': ['tun-type', (settings, value) => (settings.tunnelType = tunnelType(value))],
  'tun-port': ['tun-port', (settings, value) => (settings.tunnelPort = number(value, 1, 65535, 'tunnel port'))],
  'mcast-interface': ['mcast-interface', (settings, value) => (settings.interface = value)],
  syncid: ['syncid', (settings, value) => (settings.syncId = number(value, 0, 255, 'syncid'))],
  'sync-maxlen': [
    'sync-maxlen',
    (settings, value) => (settings.maxLength = number(value, 1, LONGEST_MESSAGE, 'sync-maxlen')),
  ],
  'mcast-group': ['mcast-group', (settings, value) => (settings.group = multicastGroup(value))],
  'mcast-port': ['mcast-port', (settings, value) => (settings.groupPort = number(value, 1, 65535, 'mcast-port'))],
  'mcast-ttl': ['mcast-ttl', (settings, value) => (settings.ttl = number(value, 1, 255, 'mcast-ttl'))],
}
