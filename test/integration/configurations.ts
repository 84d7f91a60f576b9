// Random configurations: services with destinations, of every kind that both this package and ipvsadm support.
//
// Excluded, because one of the two does not support them: netmasks without persistence, ports that the forwarding cannot change,
// persistence above 31 days. Settings without effect, such as engines without persistence and addresses without packets, are in
// kept-rows.ts.
import { randomSource } from '../unit/support/random.ts'

export type Family = 'ipv4' | 'ipv6'
type Protocol = 'tcp' | 'udp' | 'sctp'
export type Key =
  | { readonly fwmark: number; readonly family: Family }
  | { readonly protocol: Protocol; readonly address: string; readonly port: number; readonly family: Family }

/** A service with all settings explicit. */
export interface ServiceModel {
  readonly key: Key
  scheduler: string
  /** Bit n is scheduler flag n + 1. */
  flags: number
  persistence: { timeoutSeconds: number; prefixLength: number } | undefined
  sip: boolean
  onePacket: boolean
  readonly destinations: DestinationModel[]
}

export interface TunnelModel {
  readonly type: 'ipip' | 'gue' | 'gre'
  readonly port: number
  readonly checksum: 'none' | 'local' | 'remote'
}

export interface DestinationModel {
  readonly address: string
  readonly family: Family
  readonly port: number
  forwarding: 'direct' | 'masquerade' | 'tunnel'
  weight: number
  upperThreshold: number
  lowerThreshold: number
  /** Only with forwarding `tunnel`. */
  tunnel: TunnelModel | undefined
}

export class Random {
  readonly #next: () => number

  constructor(seed: number) {
    this.#next = randomSource(seed)
  }

  /** From 0 to `most`. */
  upTo(most: number): number {
    return this.#next() % (most + 1)
  }

  pick<Value>(values: readonly Value[]): Value {
    return values[this.upTo(values.length - 1)] as Value
  }

  /** True once in `n` times. */
  oneIn(n: number): boolean {
    return this.upTo(n - 1) === 0
  }
}

/** The largest weight and threshold. */
export const MOST = 0x7fffffff
export const noTunnel: TunnelModel = { type: 'ipip', port: 0, checksum: 'none' }
export const fullLength = (family: Family): number => (family === 'ipv6' ? 128 : 32)
export const servicePort = (key: Key): number => ('port' in key ? key.port : 0)
/** Whether one-packet scheduling and SIP are possible. */
export const isDatagrams = (key: Key): boolean => 'fwmark' in key || key.protocol === 'udp'

export function randomAddress(random: Random, family: Family): string {
  if (family === 'ipv4') return `10.${random.upTo(255)}.${random.upTo(255)}.${1 + random.upTo(253)}`
  const group = (): string => (1 + random.upTo(0xfffe)).toString(16)
  return random.oneIn(3) ? `2001:db8:${[1, 2, 3, 4, 5, 6].map(group).join(':')}` : `2001:db8::${group()}`
}

function randomMark(random: Random): number {
  // ipvsadm prints marks above 2147483647 as distinct negative numbers, so they can be compared.
  return random.pick([1 + random.upTo(255), 1 + random.upTo(0x7ffffffe), 0x80000000 + random.upTo(0x7fffffff)])
}

function randomKey(random: Random): Key {
  const family = random.pick(['ipv4', 'ipv6'] as const)
  if (random.oneIn(3)) return { fwmark: randomMark(random), family }
  const port = random.oneIn(6) ? 0 : random.pick([80, 443, 1 + random.upTo(65534)])
  return {
    protocol: random.pick(['tcp', 'udp', 'sctp'] as const),
    address: randomAddress(random, family),
    port,
    family,
  }
}

export function randomTimeout(random: Random): number {
  return random.pick([1, 60, 360, 1 + random.upTo(2678399)])
}

export function randomPrefix(random: Random, family: Family): number {
  return random.oneIn(3) ? fullLength(family) : 1 + random.upTo(fullLength(family) - 1)
}

export function randomTunnel(random: Random): TunnelModel {
  const type = random.pick(['ipip', 'gue', 'gre'] as const)
  const checksums = { ipip: ['none'], gue: ['none', 'local', 'remote'], gre: ['none', 'local'] } as const
  return { type, port: type === 'gue' ? 1 + random.upTo(65534) : 0, checksum: random.pick(checksums[type]) }
}

export function randomWeight(random: Random): number {
  return random.pick([0, 1, 1 + random.upTo(99), random.upTo(MOST)])
}

/** The possible forwarding methods: only tunnels cross families, and only address translation changes ports. */
export function forwardingsTo(key: Key, { family, port }: DestinationModel): DestinationModel['forwarding'][] {
  if (family !== key.family) return ['tunnel']
  return port === servicePort(key) ? ['direct', 'masquerade', 'tunnel'] : ['masquerade']
}

function randomDestination(random: Random, key: Key): DestinationModel {
  const isMixed = random.oneIn(6)
  const other = key.family === 'ipv4' ? 'ipv6' : 'ipv4'
  const family = isMixed ? other : key.family
  const upperThreshold = random.pick([0, random.upTo(99), random.upTo(MOST)])
  const destination: DestinationModel = {
    address: randomAddress(random, family),
    family,
    port: isMixed || random.oneIn(2) ? servicePort(key) : random.upTo(65535),
    forwarding: 'direct',
    weight: randomWeight(random),
    upperThreshold,
    lowerThreshold: random.oneIn(2) ? 0 : random.upTo(upperThreshold),
    tunnel: undefined,
  }
  destination.forwarding = random.pick(forwardingsTo(key, destination))
  if (destination.forwarding === 'tunnel') destination.tunnel = random.oneIn(3) ? noTunnel : randomTunnel(random)
  return destination
}

function randomService(random: Random, schedulers: readonly string[]): ServiceModel {
  const key = randomKey(random)
  const isPersistent = servicePort(key) === 0 ? !('fwmark' in key) || random.oneIn(2) : random.oneIn(2)
  const service: ServiceModel = {
    key,
    scheduler: random.pick(schedulers),
    flags: random.oneIn(2) ? 0 : random.upTo(7),
    persistence: isPersistent
      ? { timeoutSeconds: randomTimeout(random), prefixLength: randomPrefix(random, key.family) }
      : undefined,
    sip: isPersistent && isDatagrams(key) && random.oneIn(2),
    onePacket: isDatagrams(key) && random.oneIn(3),
    destinations: [],
  }
  const texts = new Set<string>()
  for (let count = random.upTo(6); count > 0; count--) {
    const destination = randomDestination(random, key)
    const text = `${destination.address} ${destination.port}`
    if (!texts.has(text)) service.destinations.push(destination)
    texts.add(text)
  }
  return service
}

/** `count` services with different keys. */
export function randomTable(random: Random, count: number, schedulers: readonly string[]): ServiceModel[] {
  const table = new Map<string, ServiceModel>()
  while (table.size < count) {
    const service = randomService(random, schedulers)
    table.set(JSON.stringify(service.key), service)
  }
  return [...table.values()]
}
