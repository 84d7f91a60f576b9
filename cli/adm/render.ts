// Listings of services in ipvsadm's format.
import type { Info, ListedDestination, ListedService, ServiceSnapshot, Statistics } from 'ipvs'
import type { Names } from './names.ts'
import type { View } from './parse.ts'
import { sortDestinations, sortServices } from './sort.ts'

const headings: Readonly<Record<View['columns'], readonly [string, string]>> = {
  plain: [
    'Prot LocalAddress:Port Scheduler Flags',
    '  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn',
  ],
  'tun-info': [
    'Prot LocalAddress:Port Scheduler Flags',
    '  -> RemoteAddress:Port           Forward TunnelInfo    Weight ActiveConn InActConn',
  ],
  stats: ['Prot LocalAddress:Port               Conns   InPkts  OutPkts  InBytes OutBytes', '  -> RemoteAddress:Port'],
  rate: ['Prot LocalAddress:Port                 CPS    InPPS   OutPPS    InBPS   OutBPS', '  -> RemoteAddress:Port'],
  thresholds: [
    'Prot LocalAddress:Port            Uthreshold Lthreshold ActiveConn InActConn ',
    '  -> RemoteAddress:Port',
  ],
  'persistent-conn': [
    'Prot LocalAddress:Port            Weight    PersistConn ActiveConn InActConn ',
    '  -> RemoteAddress:Port',
  ],
}

const forwardings = { masquerade: 'Masq', direct: 'Route', tunnel: 'Tunnel', local: 'Local', bypass: 'Bypass' } as const
const protocols: Readonly<Record<string, string>> = { tcp: 'TCP', udp: 'UDP', sctp: 'SCTP' }

type Counter = number | bigint

/** A counter in eight columns; larger ones in thousands, millions, and so on, rounded down. */
export function largeNumber(value: Counter, exact: boolean): string {
  const number = BigInt(value)
  if (exact || number < 100_000_000n) return ` ${String(number).padStart(8)}`
  const [divisor, unit] =
    number < 1_000_000_000n
      ? [1000n, 'K']
      : number < 100_000_000_000n
        ? [1_000_000n, 'M']
        : number < 100_000_000_000_000n
          ? [1_000_000_000n, 'G']
          : [1_000_000_000_000n, 'T']
  return `${String(number / divisor).padStart(8)}${unit}`
}

function counters(name: string, { rates, ...totals }: Statistics, view: View): string {
  const { connections, inPackets, outPackets, inBytes, outBytes } = view.columns === 'rate' ? rates : totals
  const numbers = [connections, inPackets, outPackets, inBytes, outBytes]
  return `${name.padEnd(33)}${numbers.map((each) => largeNumber(each, view.exact)).join('')}`
}

function title(service: ListedService, names: Names): string {
  const { fwmark, protocol = '', address = '', port = 0, family } = service
  if (fwmark !== undefined) return `FWM  ${fwmark}${family === 'ipv6' ? ' IPv6' : ''}`
  return `${(protocols[protocol] ?? '?').padEnd(4)} ${names.endpoint(address, port, protocol)}`
}

/** The netmask, unless it is the default. */
export function namedMask({ persistence, family }: ListedService): string | undefined {
  const mask = persistence?.netmask
  return mask === undefined || mask === (family === 'ipv6' ? 128 : '255.255.255.255') ? undefined : String(mask)
}

// ipvsadm has no name for the third flag of sh and mh, and omits it.
function flagNames({ scheduler, schedulerFlags }: ListedService): string[] {
  const named = scheduler === 'sh' || scheduler === 'mh'
  return schedulerFlags.filter((flag) => !named || flag !== 'flag-3')
}

function settings(service: ListedService): string {
  const { scheduler, schedulerFlags, persistence, persistenceEngine, onePacket } = service
  const mask = namedMask(service)
  return [
    scheduler,
    ...(schedulerFlags.length > 0 ? [`(${flagNames(service).join(',')})`] : []),
    ...(persistence === undefined ? [] : [`persistent ${persistence.timeoutSeconds}`]),
    ...(mask === undefined ? [] : [`mask ${mask}`]),
    ...(persistence === undefined || persistenceEngine === undefined ? [] : [`pe ${persistenceEngine}`]),
    ...(onePacket ? ['ops'] : []),
  ].join(' ')
}

const checksums = { none: '-c', local: '+c', remote: 'r+c' } as const

function tunnelInfo({ tunnel }: ListedDestination): string {
  if (tunnel === undefined) return 'n/a'
  const { type = 'ipip', port, checksum = 'none' } = tunnel
  if (type === 'ipip') return type
  return type === 'gue' ? `gue:${port}:${checksums[checksum]}` : `gre:${checksums[checksum]}`
}

const cells = (...widths: readonly (readonly [string | number, number])[]): string =>
  widths.map(([value, width]) => String(value).padEnd(width)).join(' ')

function destinationLine(destination: ListedDestination, endpoint: string, view: View): string {
  const { forwarding, weight, activeConnections: active, inactiveConnections: inactive } = destination
  const name = `  -> ${endpoint.padEnd(28)} `
  const connections = ` ${cells([active, 10], [inactive, 10])}`
  switch (view.columns) {
    case 'stats':
    case 'rate':
      return counters(`  -> ${endpoint.padEnd(28)}`, destination.statistics, view)
    case 'thresholds':
      return name + cells([destination.upperThreshold, 10], [destination.lowerThreshold, 10]) + connections
    case 'persistent-conn':
      return name + cells([weight, 9], [destination.persistentConnections, 11]) + connections
    case 'tun-info':
      return name + cells([forwardings[forwarding], 7], [tunnelInfo(destination), 13], [weight, 6]) + connections
    default:
      return name + cells([forwardings[forwarding], 7], [weight, 6]) + connections
  }
}

function serviceLines(service: ServiceSnapshot, view: View, names: Names): string[] {
  const heading = title(service, names)
  const counts = view.columns === 'stats' || view.columns === 'rate'
  const destinations = view.sorted ? sortDestinations(service.destinations) : service.destinations
  return [
    counts ? counters(heading, service.statistics, view) : `${heading} ${settings(service)}`,
    ...destinations.map((each) =>
      destinationLine(each, names.endpoint(each.address, each.port, service.protocol), view),
    ),
  ]
}

/** Renders a listing of services; `info` is the first line of a listing of the whole table. */
export function renderServices(
  services: readonly ServiceSnapshot[],
  view: View,
  names: Names,
  info: Info | undefined,
): string {
  const ordered = view.sorted ? sortServices(services) : services
  const lines = [
    ...(info === undefined ? [] : [`IP Virtual Server version ${info.version} (size=${info.connectionTableSize})`]),
    ...headings[view.columns],
    ...ordered.flatMap((service) => serviceLines(service, view, names)),
  ]
  return `${lines.join('\n')}\n`
}
