// Items that native code takes many at a time, against the same items looked at one by one: the same rows, or left alone.
import { runInNewContext } from 'node:vm'

import { describe, expect, test } from 'vitest'

import { BatchBlock } from '../../lib/batch/block.ts'
import { prepareItem } from '../../lib/batch/operation.ts'
import { randomSource } from '../unit/support/random.ts'
import { Recorder, serviceSize } from './recorder.ts'

const most = 64 // items of a block

/** By native code alone: the rows of each item, or undefined where it was left alone. */
function packed(items: readonly unknown[]): (string | undefined)[] {
  const recorder = new Recorder()
  const block = new BatchBlock<unknown>(recorder, most)
  const all = block.pack([...items], 0) === 0
  const taken = Array.from(items, (item, index) => all || block.keep(index, index, item))
  void block.send(recorder, recorder.batchCall())
  const rows = recorder.rows.values()
  return taken.map((is) => (is ? rows.next().value : undefined))
}

/** One by one: the rows, or in what way it is wrong. */
function lookedAt(item: unknown): string {
  const recorder = new Recorder()
  const block = new BatchBlock<unknown>(recorder, most)
  try {
    const prepared = prepareItem({ operation: 'batch', target: '' }, item)
    block.add('write' in prepared ? prepared.write() : prepared, 0, item)
  } catch (error) {
    return String(error)
  }
  void block.send(recorder, recorder.batchCall())
  return recorder.rows[0] as string
}

const vip = { protocol: 'tcp', address: '172.16.0.100', port: 80 }
const vip6 = { protocol: 'udp', address: '2001:db8::1', port: 53 }
const server = { address: '10.0.0.7', port: 8080, forwarding: 'masquerade' }
const statistics = { connections: 5n, inBytes: 2n ** 63n }
const listedServer = { ...server, weight: 3, upperThreshold: 0, lowerThreshold: 0, activeConnections: 1, statistics }
const settings = { scheduler: 'wlc', schedulerFlags: [], onePacket: false, statistics }
const double = Float64Array.of(80)[0] // V8 keeps it as it is

const plain: Readonly<Record<string, Record<string, unknown>>> = {
  'a mark': { operation: 'addService', service: { fwmark: 7 } },
  'the largest mark': { operation: 'addService', service: { fwmark: 0xffffffff, family: 'ipv6', scheduler: 'mh' } },
  'an address': { operation: 'addService', service: { ...vip, scheduler: 'rr' } },
  'an IPv6 address': { operation: 'addService', service: { ...vip6, family: 'ipv6', scheduler: 'any-module_1' } },
  sctp: { operation: 'addService', service: { ...vip, protocol: 'sctp' } },
  'undefined fields': { operation: 'addService', service: { ...vip, fwmark: undefined, persistence: undefined } },
  'a listed service': { operation: 'addService', service: { ...vip, family: 'ipv4', ...settings } },
  'a persistent service': { operation: 'addService', service: { ...vip, persistence: {} } },
  'all ports': { operation: 'addService', service: { ...vip, port: 0, persistence: { timeoutSeconds: 4294967 } } },
  'a netmask': { operation: 'addService', service: { fwmark: 1, persistence: { netmask: '255.255.254.0' } } },
  'a netmask with gaps': { operation: 'addService', service: { fwmark: 1, persistence: { netmask: '0.0.255.1' } } },
  'no netmask': { operation: 'addService', service: { fwmark: 1, persistence: { timeoutSeconds: 0, netmask: 0 } } },
  'a netmask by its length': { operation: 'addService', service: { fwmark: 1, persistence: { netmask: 17 } } },
  'a netmask of IPv6': {
    operation: 'addService',
    service: { ...vip6, persistence: { timeoutSeconds: 1, netmask: 64 } },
  },
  'all ports without persistence': { operation: 'addService', service: { ...vip, port: 0 } },
  'a service of a snapshot': {
    operation: 'addService',
    service: { ...vip, scheduler: 'rr', destinations: [server], statistics },
  },
  'a removal': { operation: 'removeService', service: vip },
  'port 0 as a key': { operation: 'removeService', service: { ...vip, port: 0 } },
  'settings beside a key': {
    operation: 'removeService',
    service: { fwmark: 3, persistence: { timeoutSeconds: 10 }, schedulerFlags: ['flag-1'] },
  },
  'a snapshot beside a key': { operation: 'removeService', service: { ...vip, destinations: [server, listedServer] } },
  'a destination': { operation: 'addDestination', service: vip, destination: server },
  'its defaults': { operation: 'addDestination', service: vip, destination: { address: '10.0.0.8' } },
  'all its settings': {
    operation: 'addDestination',
    service: vip,
    destination: { ...server, weight: 0, upperThreshold: 9, lowerThreshold: 9 },
  },
  'of a mark': {
    operation: 'addDestination',
    service: { fwmark: 1 },
    destination: { address: '10.0.0.8', forwarding: 'tunnel' },
  },
  'a port that stays as it is': {
    operation: 'addDestination',
    service: { fwmark: 1 },
    destination: { address: '10.0.0.8', port: 80, forwarding: 'direct' },
  },
  'of the other family': {
    operation: 'addDestination',
    service: vip,
    destination: { address: 'fd00::1', forwarding: 'tunnel' },
  },
  'a listed destination': { operation: 'addDestination', service: vip, destination: listedServer },
  'a removal of a destination': { operation: 'removeDestination', service: vip, destination: listedServer },
  'a patch': { operation: 'updateDestination', service: vip, destination: server, patch: { weight: 0 } },
  'a patch of forwarding': {
    operation: 'updateDestination',
    service: vip,
    destination: server,
    patch: { forwarding: 'masquerade', upperThreshold: 7 },
  },
  'a patch to a tunnel': {
    operation: 'updateDestination',
    service: vip,
    destination: { address: '10.0.0.8' },
    patch: { forwarding: 'tunnel', lowerThreshold: 3 },
  },
  'a patch of nothing': { operation: 'updateDestination', service: vip, destination: server, patch: {} },
  'fields in another order': {
    destination: server,
    service: { port: 80, address: '172.16.0.100', protocol: 'tcp' },
    operation: 'addDestination',
  },
  'an integer that is a double': { operation: 'addService', service: { ...vip, port: double } },
}

describe('plain items', () => {
  test.each(Object.entries(plain))('%s', (_, item) => {
    expect(packed([item])).toEqual([lookedAt(item)])
  })

  test('all at once, with objects that they share', () => {
    const shared = { ...vip }
    const more = [
      { operation: 'addService', service: shared },
      { operation: 'addDestination', service: shared, destination: server },
      { operation: 'removeDestination', service: shared, destination: server },
      { operation: 'updateDestination', service: shared, destination: server, patch: { weight: 2 } },
    ]
    const items = [...Object.values(plain), ...more]
    const wanted = items.map(lookedAt)
    expect(packed(items)).toEqual(wanted)
    expect(packed(Object.values(Object.fromEntries(items.entries())))).toEqual(wanted) // V8 keeps this array as if it had holes
  })

  test('the items of one service share its row', () => {
    const block = new BatchBlock<unknown>(new Recorder(), most)
    const item = { operation: 'addDestination', service: vip, destination: server }
    expect(block.pack([item, { ...item, service: { ...vip } }, { ...item }], 0)).toBe(0)
    let rows = 0
    const channel = new Recorder()
    channel.session.execute = async (_, __, services) => {
      rows = services.length / serviceSize
      return { failures: [] }
    }
    void block.send(channel, channel.batchCall())
    expect(rows).toBe(1)
  })
})

// V8 writes these as plain objects.
class Getters {
  get timeoutSeconds(): number {
    return 10
  }
  get weight(): number {
    return 3
  }
}

const instance = (fields: object): object => Object.setPrototypeOf({ ...fields }, Getters.prototype) as object

const itself: Record<string, unknown> = { operation: 'addService' }
itself['service'] = itself

const unusual: Readonly<Record<string, unknown>> = {
  'a persistence engine': {
    operation: 'addService',
    service: { ...vip, protocol: 'udp', persistence: {}, persistenceEngine: 'sip' },
  },
  'flags of a scheduler': {
    operation: 'addService',
    service: { ...vip, scheduler: 'sh', schedulerFlags: ['sh-port'] },
  },
  'a mark as text': { operation: 'addService', service: { fwmark: '0x7' } },
  'a patch of a service': { operation: 'updateService', service: vip, patch: { scheduler: 'rr' } },
  flush: { operation: 'flush' },
  zeroCounters: { operation: 'zeroCounters' },
  'a gue tunnel': {
    operation: 'addDestination',
    service: vip,
    destination: { address: '10.0.0.8', forwarding: 'tunnel', tunnel: { type: 'gue', port: 6080 } },
  },
  'a forwarding that others make': {
    operation: 'addDestination',
    service: vip,
    destination: { address: '10.0.0.8', forwarding: 'local' },
  },
  'a limit that few kernels take': {
    operation: 'addDestination',
    service: vip,
    destination: { address: '10.0.0.8', upperThreshold: 0xffffffff },
  },
  'an item that is none': 7,
  'an item in itself': itself,
}

const arrayTwice = ['fwmark', 7]

/** Objects of which V8 writes less than there is, or in a way of its own: nothing beside them is packed either. */
const foreign: Readonly<Record<string, unknown>> = {
  'an item of a class': instance({ operation: 'addService', service: { fwmark: 7 } }),
  'a service of a class': { operation: 'addService', service: instance({ fwmark: 7 }) },
  'getters of a class': { operation: 'addService', service: { fwmark: 7, persistence: new Getters() } },
  'inherited values': {
    operation: 'addService',
    service: Object.create({ scheduler: 'rr' }, { fwmark: { value: 7, enumerable: true } }) as object,
  },
  'a boxed number': { operation: 'addService', service: { fwmark: 7, persistence: Object(80) as object } },
  'a date': { operation: 'addService', service: { fwmark: 7, persistence: new Date() } },
  'a destination of a class': { operation: 'addDestination', service: vip, destination: instance(server) },
  'a patch of a class': { operation: 'updateDestination', service: vip, destination: server, patch: new Getters() },
  'a service that is an array': { operation: 'removeDestination', service: arrayTwice, destination: arrayTwice },
  'a map': { operation: 'addService', service: new Map() },
}

describe('what is no plain object is refused', () => {
  test.each(Object.entries(foreign))('%s', (_, item) => {
    const first = plain['a mark']
    expect(packed([item])).toEqual([undefined])
    expect(packed([first, item, first])).toEqual([undefined, undefined, undefined])
    expect(lookedAt(item)).toMatch(/is not an? (plain )?object with the properties/)
  })

  test('objects of another realm, and those without a prototype, are plain', () => {
    const service = runInNewContext('({ fwmark: 7, persistence: {} })') as object
    const bare = Object.assign(Object.create(null) as object, { fwmark: 7, persistence: {} })
    const wanted = lookedAt({ operation: 'addService', service: { fwmark: 7, persistence: {} } })
    for (const each of [service, bare]) {
      expect(lookedAt({ operation: 'addService', service: each })).toBe(wanted)
      expect(packed([{ operation: 'addService', service: each }])).toEqual([wanted])
    }
  })
})

describe('unusual items are left alone, and those between them are not', () => {
  test.each(Object.entries(unusual))('%s', (_, item) => {
    expect(packed([item])).toEqual([undefined])
    const first = plain['a mark']
    const last = plain['a destination']
    expect(packed([first, item, last])).toEqual([lookedAt(first), undefined, lookedAt(last)])
  })

  test('a hole', () => {
    const item = plain['a mark']
    const items = [item, item]
    items[3] = { ...item }
    expect(packed(items)).toEqual([lookedAt(item), undefined, undefined, lookedAt(item)]) // the second is the first again
  })

  test('what cannot be serialized', () => {
    const item = plain['a mark']
    expect(packed([item, { operation: 'addService', service: () => {} }])).toEqual([undefined, undefined])
  })
})

const next = randomSource(11)
const random = (below: number): number => next() % below
function pick<Value>(values: readonly Value[]): Value {
  return values[random(values.length)] as Value
}

const addresses = [
  ['10.0.0.7', '0.0.0.0', '0.0.0.1', '255.255.255.255', '224.0.0.1', '239.1.1.1', '169.254.1.1', '127.0.0.1'],
  ['010.0.0.7', '10.0.0', '10.0.0.256', '1.2.3.4.5', '10.0.0.7 ', ' 10.0.0.7', '10.0.0.7\0', '', '10.0.0.7/32'],
  ['::', '::1', 'fe80::1', 'febf::1', 'fec0::1', 'ff02::1', 'fd00::1', '2001:DB8::1', '2001:db8::1%eth0'],
  ['::ffff:10.0.0.7', '64:ff9b::10.0.0.7', '2001:db8:0:0:0:0:0:1', '2001:db8::1::2', '[2001:db8::1]', 'é', '中'],
].flat()
const odd: readonly unknown[] = [
  [undefined, null, true, false, 0, -0, -1, 1.5, NaN, Infinity, 2 ** 31, 2 ** 32, 2 ** 53, 2 ** 60, 65535, 65536],
  ['', '7', '0x7', 'rr', 'tcp', 'TCP', 'ipv4', 'x'.repeat(15), 'x'.repeat(16), '-rr', 'a\0', 'é', '\u{1f600}', '中'],
  [
    7n,
    [],
    [7],
    {},
    { a: 1 },
    new Getters(),
    instance({ timeoutSeconds: 9 }),
    new Date(0),
    new Map(),
    new Uint8Array(4),
    Object(7),
    /x/,
  ],
].flat()
const names = {
  service: 'fwmark family protocol address port scheduler schedulerFlags persistence onePacket statistics destinations',
  destination: 'address port forwarding weight upperThreshold lowerThreshold tunnel activeConnections statistics x',
  item: 'operation service destination patch constructor __proto__x',
  persistence: 'timeoutSeconds netmask x',
}
const values: Readonly<Record<string, () => unknown>> = {
  address: () => pick(addresses),
  port: () => pick([0, 80, 8080, 65535]),
  fwmark: () => pick([0, 1, 0xffffffff]),
  family: () => pick(['ipv4', 'ipv6']),
  protocol: () => pick(['tcp', 'udp', 'sctp', '6', 'icmp']),
  scheduler: () => pick(['rr', 'mh', 'my_own-1', 'RR', '']),
  forwarding: () => pick(['masquerade', 'direct', 'tunnel', 'local', 'bypass']),
  weight: () => pick([0, 1, 0x7fffffff, 0x80000000]),
  persistence: () => pick([{}, { timeoutSeconds: 5 }, { netmask: 24 }, null]),
  timeoutSeconds: () => pick([0, 1, 4294967, 4294968]),
  netmask: () => pick(['255.255.255.0', '255.0.255.0', '0.0.0.0', '255.255.255.255', 0, 1, 32, 33, 128, 129, null]),
  operation: () => pick(['addService', 'removeService', 'addDestination', 'updateDestination', 'removeDestination']),
}

// The same object with a field more, less, or changed.
function changed(given: object, kind: keyof typeof names): object {
  const fields: Record<string, unknown> = { ...given }
  const name = pick(names[kind].split(' '))
  const way = random(4)
  if (way === 0) delete fields[name]
  else fields[name] = way === 1 ? pick(odd) : (values[name]?.() ?? pick(odd))
  return random(20) === 0 ? instance(fields) : fields
}

function changedItem(given: Record<string, unknown>): unknown {
  const kind = pick(['item', 'service', 'service', 'destination', 'destination', 'patch'])
  if (kind === 'item') return random(50) === 0 ? pick(odd) : changed(given, 'item')
  const inner = given[kind]
  if (typeof inner !== 'object' || inner === null) return given
  const { persistence } = inner as { readonly persistence?: unknown }
  if (typeof persistence === 'object' && persistence !== null && random(2) === 0) {
    return { ...given, [kind]: { ...inner, persistence: changed(persistence, 'persistence') } }
  }
  return { ...given, [kind]: changed(inner, kind === 'service' ? 'service' : 'destination') }
}

test('any item: what native code takes makes the same rows, and is right', () => {
  const samples = Object.values(plain)
  const differing: unknown[] = []
  let taken = 0
  let wrong = 0
  for (let round = 0; round < 30_000; round++) {
    let item: unknown = pick(samples)
    for (let changes = 1 + random(3); changes > 0; changes--) {
      if (typeof item === 'object' && item !== null) item = changedItem(item as Record<string, unknown>)
    }
    const [rows] = packed([item])
    const wanted = lookedAt(item)
    if (rows !== undefined && rows !== wanted) differing.push({ item, rows, wanted })
    if (rows !== undefined) taken++
    else if (wanted.startsWith('Error')) wrong++
  }
  expect(differing).toEqual([])
  // Neither side of the comparison may be empty.
  expect(taken).toBeGreaterThan(5000)
  expect(wrong).toBeGreaterThan(5000)
}, 60_000)
