// Random rows, valid for the kernel but not necessarily useful, as any program may send them.
import { Random, type Family } from './configurations.ts'

/** Members of native/ipvs/schema.h; addresses and netmasks as lists of bytes. */
export type Fields = Readonly<Record<string, unknown>>

export interface KeptService {
  readonly key: Fields
  readonly settings: Fields
  readonly destinations: readonly Fields[]
}

const bytes = (random: Random, count: number): number[] => Array.from({ length: count }, () => random.upTo(255))

const odd4: readonly (readonly number[])[] = [
  [0, 0, 0, 0],
  [255, 255, 255, 255],
  [224, 0, 0, 1],
  [127, 0, 0, 1],
  [169, 254, 1, 1],
]
const zeros = (count: number): number[] => Array.from({ length: count }, () => 0)
const odd6: readonly (readonly number[])[] = [
  zeros(16),
  [...zeros(15), 1],
  [...zeros(12), 10, 0, 0, 7],
  [...zeros(13), 1, 0, 100],
  [...zeros(14), 1, 0],
  [...zeros(10), 255, 255, 10, 0, 0, 7],
  [0xfe, 0x80, ...zeros(13), 7],
  [0xff, 2, ...zeros(13), 1],
]

function address(random: Random, family: Family): readonly number[] {
  if (random.oneIn(3)) return random.pick(family === 'ipv4' ? odd4 : odd6)
  return family === 'ipv4' ? [10, ...bytes(random, 3)] : [0xfd, ...bytes(random, 15)]
}

const numberOf = { ipv4: 2, ipv6: 10 } as const

function netmask(random: Random, family: Family): readonly number[] {
  if (family === 'ipv6') return [1 + random.upTo(127), 0, 0, 0]
  return random.pick([[255, 255, 255, 255], [255, 255, 0, 0], [0, 0, 0, 0], bytes(random, 4)])
}

// All flags but the kernel's own; sometimes unknown bits.
function flags(random: Random): number {
  const known = random.oneIn(3) ? 0 : random.pick([0x1, 0x1, 0x1, 0x4, 0x5, 0x3d, random.upTo(0x3f)]) & ~0x2
  return known + (random.oneIn(10) ? 0x40 * random.upTo(0x3ffff) : 0)
}

function key(random: Random, family: Family, index: number): Fields {
  if (random.oneIn(3)) return { family: numberOf[family], fwmark: 1 + index + random.pick([0, 0x7fffff00, 0xfffff000]) }
  return {
    family: numberOf[family],
    protocol: random.pick([6, 6, 17, 17, 132, 0, 1, 47, 65535]),
    address: address(random, family),
    port: random.pick([0, 80, 1000 + index]),
  }
}

function destination(random: Random, service: Family): Fields {
  const family = random.oneIn(6) ? (service === 'ipv4' ? 'ipv6' : 'ipv4') : service
  const most = 0x7fffffff
  const upperThreshold = random.pick([0, 0, random.upTo(100), random.upTo(most), 0x80000000 + random.upTo(most)])
  const tunnelType = random.upTo(2)
  return {
    family: numberOf[family],
    address: address(random, family),
    port: random.pick([0, 80, random.upTo(65535)]),
    forwarding: family === service ? random.upTo(4) : 2,
    weight: random.pick([0, 1, random.upTo(most)]),
    upperThreshold,
    lowerThreshold: random.oneIn(2) ? 0 : random.upTo(Math.min(upperThreshold, most)),
    tunnelType,
    tunnelPort: tunnelType === 1 || random.oneIn(4) ? 1 + random.upTo(65534) : 0,
    tunnelFlags: random.upTo(2),
  }
}

/** Rows for `count` services; the kernel refuses some of them. */
export function keptRows(seed: number, count: number, schedulers: readonly string[]): KeptService[] {
  const random = new Random(seed)
  return Array.from({ length: count }, (_, index) => {
    const family = random.pick(['ipv4', 'ipv6'] as const)
    const settings = {
      scheduler: random.pick(schedulers),
      flags: { value: flags(random), mask: 0xffffffff },
      timeout: random.pick([0, 1, 360, random.upTo(4294967)]),
      netmask: netmask(random, family),
      ...(random.oneIn(4) && { persistenceEngine: 'sip' }),
    }
    const destinations = Array.from({ length: random.upTo(5) }, () => destination(random, family))
    return { key: key(random, family, index), settings, destinations }
  })
}
