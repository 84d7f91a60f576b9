// Random items: what native code takes makes the same rows as looking at them one by one. Properties come from lib/, and their
// values from the schema, so that a new attribute takes part in it by itself.
import { expect, test } from 'vitest'

import { itemFields } from '../../lib/batch/operation.ts'
import { binding, type FieldKind } from '../../lib/binding/addon.ts'
import { destinationFields } from '../../lib/services/destination.ts'
import { persistenceNames } from '../../lib/services/persistence.ts'
import { serviceFields } from '../../lib/services/service.ts'
import { randomSource } from '../unit/support/random.ts'
import { Getters, instance, lookedAt, packed, plain } from './items.ts'

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

// Properties of each kind of object; the last ones do not exist.
const names = {
  service: [...serviceFields.names, ...serviceFields.ignored, 'x'],
  destination: [...destinationFields.names, ...destinationFields.ignored, 'x'],
  item: [...itemFields.names, 'constructor', '__proto__x'],
  persistence: [...persistenceNames, 'x'],
}

// Values for properties that are no numbers, or have bounds of their own.
const values: Readonly<Record<string, () => unknown>> = {
  address: () => pick(addresses),
  fwmark: () => pick([0, 1, 0xffffffff]),
  family: () => pick(['ipv4', 'ipv6']),
  protocol: () => pick(['tcp', 'udp', 'sctp', '6', 'icmp']),
  scheduler: () => pick(['rr', 'mh', 'my_own-1', 'RR', '']),
  schedulerFlags: () => pick([[], ['flag-1'], ['sh-port'], ['x']]),
  persistence: () => pick([{}, { timeoutSeconds: 5 }, { netmask: 24 }, null]),
  persistenceEngine: () => pick(['sip', '', null]),
  onePacket: () => pick([true, false]),
  forwarding: () => pick(['masquerade', 'direct', 'tunnel', 'local', 'bypass']),
  tunnel: () => pick([{}, { type: 'gue', port: 6080 }, { type: 'gre' }, null]),
  timeoutSeconds: () => pick([0, 1, 4294967, 4294968]),
  netmask: () => pick(['255.255.255.0', '255.0.255.0', '0.0.0.0', '255.255.255.255', 0, 1, 32, 33, 128, 129, null]),
  statistics: () => pick([{ connections: 1n }, {}]),
  destinations: () => pick([[], [{ address: '10.0.0.7' }]]),
  operation: () => pick(['addService', 'removeService', 'addDestination', 'updateDestination', 'removeDestination']),
}

const largest: Partial<Record<FieldKind, number>> = { u8: 0xff, u16: 0xffff, be16: 0xffff, u32: 0xffffffff }

// The largest number of the attribute with that name.
function largestOf(kind: 'service' | 'destination', name: string): number | undefined {
  const field = binding.schema.find((record) => record.name === kind)?.fields.find((each) => each.name === name)
  return field && largest[field.kind]
}

function valueOf(kind: keyof typeof names, name: string): unknown {
  const most = kind === 'item' || kind === 'persistence' ? undefined : largestOf(kind, name)
  if (values[name] !== undefined) return values[name]()
  return most === undefined ? pick(odd) : pick([0, 1, 80, Math.floor(most / 2), most, most + 1, null])
}

test('there are values for every property: its own, or those of its attribute', () => {
  const { service, destination } = names
  const unknown = [
    ...service.filter((name) => values[name] === undefined && largestOf('service', name) === undefined),
    ...destination.filter((name) => values[name] === undefined && largestOf('destination', name) === undefined),
  ]
  expect(unknown).toEqual(['x', 'x'])
})

// The same object with a field more, less, or changed.
function changed(given: object, kind: keyof typeof names): object {
  const fields: Record<string, unknown> = { ...given }
  const name = pick<string>(names[kind])
  const way = random(4)
  if (way === 0) delete fields[name]
  else fields[name] = way === 1 ? pick(odd) : valueOf(kind, name)
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
