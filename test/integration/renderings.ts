// The configurations of configurations.ts in three forms: arguments of our API, lines for `ipvsadm -R`, and our expected
// listing. Defaults are explicit at random, and of two equivalent names one is chosen at random.
import type { Destination, Service, ServiceSnapshot, Tunnel } from '../../lib/index.ts'
import { fullLength, servicePort, type DestinationModel, type Family, type Random } from './configurations.ts'
import type { ServiceModel, TunnelModel } from './configurations.ts'

const flagNames = ['flag-1', 'flag-2', 'flag-3']
const ownNames: Readonly<Record<string, readonly string[]>> = {
  sh: ['sh-fallback', 'sh-port', 'flag-3'],
  mh: ['mh-fallback', 'mh-port', 'flag-3'],
}

function named(bits: number, names: readonly string[]): string[] {
  return names.filter((_, bit) => bits & (1 << bit))
}

/** Flags of a scheduler, by their own or their neutral names. */
export function flagsOf(bits: number, scheduler: string, random: Random): NonNullable<Service['schedulerFlags']> {
  const names = random.oneIn(2) ? flagNames : (ownNames[scheduler] ?? flagNames)
  return named(bits, names) as NonNullable<Service['schedulerFlags']>
}

function maskText(prefixLength: number): string {
  const bits = prefixLength === 0 ? 0 : (0xffffffff << (32 - prefixLength)) >>> 0
  return [24, 16, 8, 0].map((shift) => (bits >>> shift) & 255).join('.')
}

export function netmaskOf(prefixLength: number, family: Family, random: Random): string | number {
  return family === 'ipv4' && random.oneIn(2) ? maskText(prefixLength) : prefixLength
}

export function ourTunnel({ type, port, checksum }: TunnelModel): Tunnel {
  return { type, ...(type === 'gue' && { port }), checksum } as Tunnel
}

/** The argument of `addService`. */
export function ourService(model: ServiceModel, random: Random): Service {
  const { key, scheduler, flags, persistence, sip, onePacket } = model
  const said = (isDefault: boolean): boolean => !isDefault || random.oneIn(2)
  return {
    ...key,
    ...(said(scheduler === 'wlc') && { scheduler }),
    ...(said(flags === 0) && { schedulerFlags: flagsOf(flags, scheduler, random) }),
    ...(persistence && {
      persistence: {
        ...(said(persistence.timeoutSeconds === 360) && { timeoutSeconds: persistence.timeoutSeconds }),
        ...(said(persistence.prefixLength === fullLength(key.family)) && {
          netmask: netmaskOf(persistence.prefixLength, key.family, random),
        }),
      },
    }),
    ...(sip && { persistenceEngine: 'sip' }),
    ...(said(!onePacket) && { onePacket }),
  }
}

/** The argument of `addDestination`. */
export function ourDestination({ key }: ServiceModel, model: DestinationModel, random: Random): Destination {
  const { address, port, forwarding, weight, upperThreshold, lowerThreshold, tunnel } = model
  const said = (isDefault: boolean): boolean => !isDefault || random.oneIn(2)
  return {
    address,
    ...(said(port === servicePort(key)) && { port }),
    ...(said(forwarding === 'direct') && { forwarding }),
    ...(said(weight === 1) && { weight }),
    ...(said(upperThreshold === 0) && { upperThreshold }),
    ...(said(lowerThreshold === 0) && { lowerThreshold }),
    ...(tunnel && said(tunnel.type === 'ipip') && { tunnel: ourTunnel(tunnel) }),
  }
}

function endpoint(address: string, port: number): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`
}

function keyWords({ key }: ServiceModel): string[] {
  if ('fwmark' in key) return ['-f', String(key.fwmark), ...(key.family === 'ipv6' ? ['-6'] : [])]
  const option = { tcp: '-t', udp: '-u', sctp: '--sctp-service' }[key.protocol]
  return [option, endpoint(key.address, key.port)]
}

/** A line that adds or replaces a service. */
export function serviceLine(command: '-A' | '-E', model: ServiceModel): string {
  const { key, scheduler, flags, persistence, sip, onePacket } = model
  const words = [command, ...keyWords(model), '-s', scheduler]
  if (flags !== 0) words.push('-b', named(flags, flagNames).join(','))
  if (persistence !== undefined) {
    const { timeoutSeconds, prefixLength } = persistence
    words.push(
      '-p',
      String(timeoutSeconds),
      '-M',
      key.family === 'ipv6' ? String(prefixLength) : maskText(prefixLength),
    )
  }
  if (sip) words.push('--pe', 'sip')
  if (onePacket) words.push('-o')
  return words.join(' ')
}

/** A line that adds or replaces a destination. */
export function destinationLine(command: '-a' | '-e', service: ServiceModel, model: DestinationModel): string {
  const { address, port, forwarding, weight, upperThreshold, lowerThreshold, tunnel } = model
  const method = { direct: '-g', masquerade: '-m', tunnel: '-i' }[forwarding]
  const words = [command, ...keyWords(service), '-r', endpoint(address, port), method, '-w', String(weight)]
  words.push('-x', String(upperThreshold), '-y', String(lowerThreshold))
  if (tunnel !== undefined && tunnel.type !== 'ipip') {
    words.push('--tun-type', tunnel.type)
    if (tunnel.type === 'gue') words.push('--tun-port', String(tunnel.port))
    words.push({ none: '--tun-nocsum', local: '--tun-csum', remote: '--tun-remcsum' }[tunnel.checksum])
  }
  return words.join(' ')
}

/** Our expected listing, without counters. */
export function expectedListing(model: ServiceModel): object {
  const { key, scheduler, flags, persistence, sip, onePacket, destinations } = model
  return {
    ...key,
    scheduler,
    schedulerFlags: named(flags, ownNames[scheduler] ?? flagNames),
    ...(persistence && {
      persistence: {
        timeoutSeconds: persistence.timeoutSeconds,
        netmask: key.family === 'ipv6' ? persistence.prefixLength : maskText(persistence.prefixLength),
      },
    }),
    ...(sip && { persistenceEngine: 'sip' }),
    onePacket,
    // The kernel lists the newest destination first.
    destinations: destinations.toReversed().map((destination) => expectedDestination(destination)),
  }
}

function expectedDestination(model: DestinationModel): object {
  const { address, port, forwarding, weight, upperThreshold, lowerThreshold, tunnel } = model
  return {
    address,
    port,
    forwarding,
    weight,
    upperThreshold,
    lowerThreshold,
    ...(tunnel && { tunnel: tunnel.type === 'ipip' ? { type: 'ipip' } : ourTunnel(tunnel) }),
  }
}

const counters = new Set(['statistics', 'activeConnections', 'inactiveConnections', 'persistentConnections'])
const settings = (listed: object): object =>
  Object.fromEntries(Object.entries(listed).filter(([name]) => !counters.has(name)))

/** A listed service in the format of `expectedListing`. */
export function withoutCounters(service: ServiceSnapshot): object {
  return { ...settings(service), destinations: service.destinations.map(settings) }
}

/** Splits a listing of `ipvsadm -Ln` by service, and sorts: ipvsadm orders by a part of the key only. */
export function blocks(listing: string): string[] {
  const services = listing.split(/^(?=TCP|UDP|SCTP|FWM)/m).slice(1)
  return services.map((text) => text.trimEnd().split('\n').toSorted().join('\n')).toSorted()
}
