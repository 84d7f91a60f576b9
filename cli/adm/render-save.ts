// What `-S` prints and `-R` reads: a command line for each service and destination.
import type { ListedDestination, ListedService, ServiceSnapshot } from 'ipvs'
import type { Names } from './names.ts'
import { namedMask } from './render.ts'
import { sortDestinations, sortServices } from './sort.ts'

const keyOptions: Readonly<Record<string, string>> = { tcp: '-t', udp: '-u', sctp: '--sctp-service' }

function keyWords(service: ListedService, names: Names): string {
  const { fwmark, family, protocol = '', address = '', port = 0 } = service
  if (fwmark !== undefined) return `-f ${fwmark}${family === 'ipv6' ? ' -6' : ''}`
  return `${keyOptions[protocol] ?? `--${protocol}-service`} ${names.endpoint(address, port, protocol)}`
}

function serviceLine(service: ListedService, names: Names): string {
  const { scheduler, schedulerFlags, persistence, persistenceEngine, onePacket } = service
  const mask = namedMask(service)
  return [
    `-A ${keyWords(service, names)} -s ${scheduler}`,
    ...(persistence === undefined ? [] : [`-p ${persistence.timeoutSeconds}`]),
    ...(mask === undefined ? [] : [`-M ${mask}`]),
    ...(persistenceEngine === undefined ? [] : [`--pe ${persistenceEngine}`]),
    ...(onePacket ? ['-o'] : []),
    ...(schedulerFlags.length > 0 ? [`-b ${schedulerFlags.join(',')}`] : []),
  ].join(' ')
}

const methods = { masquerade: '-m', direct: '-g', tunnel: '-i', local: '-g', bypass: '-g' } as const
const checksums = { none: '--tun-nocsum', local: '--tun-csum', remote: '--tun-remcsum' } as const

function tunnelWords({ tunnel }: ListedDestination): string[] {
  if (tunnel === undefined) return []
  const { type = 'ipip', port, checksum = 'none' } = tunnel
  if (type === 'ipip') return ['--tun-type ipip']
  return [`--tun-type ${type}`, ...(type === 'gue' ? [`--tun-port ${port}`] : []), checksums[checksum]]
}

function destinationLine(service: ListedService, destination: ListedDestination, names: Names): string {
  const { address, port, forwarding, weight, upperThreshold, lowerThreshold } = destination
  const end = names.endpoint(address, port, service.protocol)
  return [
    `-a ${keyWords(service, names)} -r ${end} ${methods[forwarding]} -w ${weight}`,
    ...tunnelWords(destination),
    ...(upperThreshold > 0 ? [`-x ${upperThreshold}`] : []),
    ...(lowerThreshold > 0 ? [`-y ${lowerThreshold}`] : []),
  ].join(' ')
}

/** Lines that make the same table; empty for an empty one. */
export function renderSave(services: readonly ServiceSnapshot[], names: Names): string {
  const lines = sortServices(services).flatMap((service) => [
    serviceLine(service, names),
    ...sortDestinations(service.destinations).map((each) => destinationLine(service, each, names)),
  ])
  return lines.map((line) => `${line}\n`).join('')
}
