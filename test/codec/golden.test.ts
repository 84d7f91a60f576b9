// The codec against ipvsadm and the kernel, byte by byte, in both directions.
import { describe, expect, test } from 'vitest'

import { binding } from '../../lib/binding/addon.ts'
import type { DestinationRow, ServiceRow } from '../../lib/binding/record-types.ts'
import { RowReader } from '../../lib/binding/row-reader.ts'
import { RowWriter } from '../../lib/binding/row-writer.ts'
import { golden, goldenNames, nested } from './golden.ts'
import { testing } from '../kernel/testing.ts'

const SERVICE = 1
const DESTINATION = 2
const services = new RowReader<ServiceRow>(binding.schema, 'service')
const destinations = new RowReader<DestinationRow>(binding.schema, 'destination')

const ipv4 = (...octets: number[]): Uint8Array => Uint8Array.from({ length: 16 }, (_, i) => octets[i] ?? 0)
const ipv6 = (last: number): Uint8Array => {
  const address = ipv4(0x20, 0x01, 0x0d, 0xb8)
  new DataView(address.buffer).setUint16(14, last)
  return address
}
const all = 0xffffffff
const host = Uint8Array.of(255, 255, 255, 255)
const prefix = (length: number): Uint8Array => new Uint8Array(Uint32Array.of(length).buffer)
const notPersistent = { flags: { value: 0, mask: all }, timeout: 0, netmask: host }

const sentServices: Record<string, ServiceRow> = {
  'add-service-mark': { family: 2, fwmark: 7, scheduler: 'rr', ...notPersistent },
  'add-service-mark-persistent': {
    family: 2,
    fwmark: 21,
    scheduler: 'wlc',
    flags: { value: 1, mask: all },
    timeout: 540,
    netmask: Uint8Array.of(255, 255, 255, 0),
  },
  'add-service-mark-ipv6': {
    family: 10,
    fwmark: 7,
    scheduler: 'rr',
    flags: { value: 1, mask: all },
    timeout: 360,
    netmask: prefix(64),
  },
  'add-service-tcp': {
    family: 2,
    protocol: 6,
    address: ipv4(172, 16, 0, 100),
    port: 80,
    scheduler: 'wrr',
    ...notPersistent,
  },
  'add-service-udp-ipv6-one-packet': {
    family: 10,
    protocol: 17,
    address: ipv6(0x100),
    port: 53,
    scheduler: 'sh',
    flags: { value: 0x14, mask: all },
    timeout: 0,
    netmask: prefix(128),
  },
  'add-service-engine': {
    family: 2,
    protocol: 17,
    address: ipv4(172, 16, 0, 100),
    port: 5060,
    scheduler: 'rr',
    persistenceEngine: 'sip',
    flags: { value: 1, mask: all },
    timeout: 60,
    netmask: host,
  },
  'edit-service': {
    family: 2,
    fwmark: 7,
    scheduler: 'rr',
    flags: { value: 1, mask: all },
    timeout: 3600,
    netmask: host,
  },
}

const plain = { weight: 1, tunnelType: 0, tunnelPort: 0, tunnelFlags: 0, upperThreshold: 0, lowerThreshold: 0 }
const sentDestinations: Record<string, DestinationRow> = {
  'add-destination-direct': { family: 2, address: ipv4(10, 0, 0, 7), port: 0, forwarding: 3, ...plain },
  'add-destination-masquerade': {
    family: 2,
    address: ipv4(10, 0, 0, 7),
    port: 8080,
    forwarding: 0,
    ...plain,
    weight: 5,
    upperThreshold: 100,
    lowerThreshold: 50,
  },
  'add-destination-tunnel-gue': {
    family: 2,
    address: ipv4(10, 0, 0, 17),
    port: 0,
    forwarding: 2,
    ...plain,
    tunnelType: 1,
    tunnelPort: 6080,
    tunnelFlags: 1,
  },
  'add-destination-ipv6': { family: 10, address: ipv6(7), port: 53, forwarding: 3, ...plain },
  'edit-destination': { family: 2, address: ipv4(10, 0, 0, 7), port: 0, forwarding: 3, ...plain, weight: 0 },
}

function fieldsOf(row: object): Record<string, unknown> {
  const prototype: object = Object.getPrototypeOf(row) as object
  const entries = Object.keys(prototype).map((name) => [name, Reflect.get(row, name) as unknown] as const)
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined))
}

describe('what ipvsadm sends', () => {
  test.each(Object.entries(sentServices))('%s', (name, row) => {
    const bytes = nested(golden(`ipvs/${name}`).attributes, SERVICE)
    expect(fieldsOf(services.rows(testing.decode('service', bytes)).at(0))).toEqual(row)
    const encoded = testing.encode('service', new RowWriter<ServiceRow>(binding.schema, 'service').encode(row))
    expect(encoded).toEqual(bytes)
  })

  test.each(Object.entries(sentDestinations))('%s', (name, row) => {
    const bytes = nested(golden(`ipvs/${name}`).attributes, DESTINATION)
    expect(fieldsOf(destinations.rows(testing.decode('destination', bytes)).at(0))).toEqual(row)
    const encoded = testing.encode(
      'destination',
      new RowWriter<DestinationRow>(binding.schema, 'destination').encode(row),
    )
    expect(encoded).toEqual(bytes)
  })
})

describe('what the kernel answers', () => {
  test.each([
    ['list-service-mark', { family: 2, fwmark: 7, scheduler: 'rr', timeout: 3600 }],
    [
      'list-service-tcp',
      { family: 2, protocol: 6, address: ipv4(172, 16, 0, 100), port: 80, scheduler: 'wrr', timeout: 0 },
    ],
    ['list-service-ipv6', { family: 10, protocol: 17, address: ipv6(0x100), port: 53, scheduler: 'sh', timeout: 0 }],
  ])('%s', (name, row) => {
    const fields = fieldsOf(
      services.rows(testing.decode('service', nested(golden(`ipvs/${name}`).attributes, SERVICE))).at(0),
    )
    expect(fields).toMatchObject(row)
    expect('fwmark' in fields).not.toBe('port' in fields)
    expect(Object.values(fieldsOf(fields['statistics'] as object))).toEqual(Array.from({ length: 10 }, () => 0n))
  })

  test('list-destination-direct: the newest first, with its tunnel', () => {
    const bytes = nested(golden('ipvs/list-destination-direct').attributes, DESTINATION)
    const row = fieldsOf(destinations.rows(testing.decode('destination', bytes)).at(0))
    const { statistics, ...fields } = row
    const counts = { activeConnections: 0, inactiveConnections: 0, persistentConnections: 0 }
    expect(fields).toEqual({ ...sentDestinations['add-destination-tunnel-gue'], ...counts })
    expect(Object.keys(fieldsOf(statistics as object))).toHaveLength(10)
  })

  test('what is listed can be sent: only what the kernel alone tells is left out', () => {
    const bytes = nested(golden('ipvs/list-destination-direct').attributes, DESTINATION)
    const again = testing.encode('destination', testing.decode('destination', bytes))
    expect(again).toEqual(nested(golden('ipvs/add-destination-tunnel-gue').attributes, DESTINATION))
  })
})

test.each(goldenNames('ipvs'))('the debug dump of %s reads as the file', (name) => {
  const { text, attributes } = golden(name)
  expect(text.endsWith(binding.describe(attributes))).toBe(true)
})
