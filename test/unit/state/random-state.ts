// Random states of few keys, so that two of them have much in common, in many spellings.
import type { Destination, MarkRule, Service } from 'ipvs'
import type { State } from '../../../state/index.ts'
import { randomSource } from '../support/random.ts'

export class Random {
  readonly #next: () => number

  constructor(seed: number) {
    this.#next = randomSource(seed)
  }

  /** From 0 to `count - 1`. */
  below(count: number): number {
    return this.#next() % count
  }

  pick<Value>(values: readonly Value[]): Value {
    return values[this.below(values.length)] as Value
  }

  some<Value>(values: readonly Value[]): Value[] {
    return values.filter(() => this.below(2) === 0)
  }
}

const keys: readonly (readonly Service[])[] = [
  [{ fwmark: 7 }, { fwmark: '0x7', family: 'ipv4' }],
  [{ fwmark: 8, family: 'ipv6' }],
  [{ protocol: 'tcp', address: '172.16.0.100', port: 80 }],
  [
    { protocol: 'udp', address: '2001:DB8::1', port: 53 },
    { protocol: 'udp', address: '2001:db8:0:0::1', port: 53, family: 'ipv6' },
  ],
]

function settings(random: Random, isIPv6: boolean): Partial<Service> {
  const netmask = isIPv6 ? random.pick([64, 128]) : random.pick([24, '255.255.255.0', 32])
  return {
    ...random.pick([{}, { scheduler: 'wlc' }, { scheduler: 'wrr' }, { scheduler: 'sh', schedulerFlags: ['sh-port'] }]),
    ...random.pick([{}, { persistence: {} }, { persistence: { timeoutSeconds: 360, netmask } }]),
    ...random.pick([{}, { onePacket: false }, { onePacket: true }]),
  }
}

function destinations(random: Random, isIPv6: boolean): Destination[] {
  const addresses = isIPv6 ? ['2001:db8::7', '2001:DB8::8', '2001:db8:0::9'] : ['10.0.0.7', '10.0.0.8', '10.0.0.9']
  return random.some(addresses).map((address) => ({
    address,
    ...random.pick([{}, { forwarding: 'direct' }, { forwarding: 'tunnel', tunnel: { type: 'gre' } }] as const),
    ...random.pick([{}, { weight: 1 }, { weight: 5 }, { weight: 0 }]),
    ...random.pick([{}, { upperThreshold: 10, lowerThreshold: 2 }]),
  }))
}

function rules(random: Random): MarkRule[] {
  return random.some(['172.16.1.1', '172.16.1.2', '2001:DB8::5']).map((address) => ({
    mark: random.pick([7, '0x7', 8]),
    address,
    protocol: 'tcp',
    ports: random.pick<MarkRule['ports']>([80, [80, 443], [443, 80], '1000-2000', 'all']),
  }))
}

/** A state with all sections. */
export function randomState(random: Random): State {
  return {
    timeouts: random.pick([{}, { udpSeconds: 30 }, { tcpSeconds: 900, tcpFinSeconds: 120, udpSeconds: 300 }]),
    services: random.some(keys).map((spellings) => {
      const key = random.pick(spellings)
      const isIPv6 = key.family === 'ipv6' || (key.address ?? '').includes(':')
      return { service: { ...key, ...settings(random, isIPv6) } as Service, destinations: destinations(random, isIPv6) }
    }),
    daemons: [],
    marks: rules(random),
    nat: [],
  }
}
