// The output of `-S` and input of `-R`: a command line per service and destination.
import type { ListedDestination, ListedService, ServiceSnapshot } from 'ipvs'
import { numericNames, type Names } from './names.ts'
import { namedMask } from './render.ts'
import { MOST, MOST_SECONDS } from './settings.ts'
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

// ipvsadm has no option for other protocols; an unknown option would end -R.
const hasOption = ({ fwmark, protocol }: ListedService): boolean =>
  fwmark !== undefined || keyOptions[protocol] !== undefined

/** Renders command lines that create the same table; empty for an empty table. */
export function renderSave(services: readonly ServiceSnapshot[], names: Names): string {
  const lines = sortServices(services.filter(hasOption)).flatMap((service) => [
    serviceLine(service, names),
    ...sortDestinations(service.destinations).map((each) => destinationLine(service, each, names)),
  ])
  return lines.map((line) => `${line}\n`).join('')
}

function serviceProblem(service: ListedService): string | undefined {
  const { fwmark, protocol, port, persistence, onePacket } = service
  if (!hasOption(service)) return `omitted: ipvsadm has no option for protocol ${protocol}`
  const { timeoutSeconds = 1 } = persistence ?? {}
  if (timeoutSeconds < 1 || timeoutSeconds > MOST_SECONDS) return `-R takes -p from 1 to ${MOST_SECONDS}`
  if (port === 0 && persistence === undefined) return '-R takes port 0 with -p only'
  if (onePacket && fwmark === undefined && protocol !== 'udp') return '-R takes -o for UDP only'
  return undefined
}

function destinationProblem(service: ListedService, destination: ListedDestination): string | undefined {
  const { port, forwarding, tunnel, upperThreshold } = destination
  if (forwarding === 'local' || forwarding === 'bypass') return `forwarding "${forwarding}" becomes -g`
  if (forwarding === 'tunnel' && tunnel === undefined) return 'unknown tunnel type'
  if (upperThreshold > MOST) return `-R takes -x up to ${MOST}`
  if (service.fwmark === undefined && forwarding !== 'masquerade' && port !== service.port) {
    return `-R sets its port to ${service.port}, the port of the service`
  }
  return undefined
}

/** Describes the settings in the output of `-S` that `-R` cannot restore, one line each. */
export function saveProblems(services: readonly ServiceSnapshot[]): string[] {
  const problems: string[] = []
  for (const service of services) {
    const name = keyWords(service, numericNames)
    const problem = serviceProblem(service)
    if (problem !== undefined) problems.push(`${name}: ${problem}`)
    for (const destination of service.destinations) {
      const reason = destinationProblem(service, destination)
      const end = numericNames.endpoint(destination.address, destination.port)
      if (reason !== undefined) problems.push(`${name} -r ${end}: ${reason}`)
    }
  }
  return problems
}
