import { readFileSync } from 'node:fs'

import { describe, expect, test } from 'vitest'

import type { RecordSchema } from '../../../lib/binding/addon.ts'
import type { DestinationRow, InfoRow, ServiceRow, StatisticsRow } from '../../../lib/binding/record-types.ts'
import { RowReader } from '../../../lib/binding/row-reader.ts'
import { RowWriter } from '../../../lib/binding/row-writer.ts'
import { randomSource } from '../support/random.ts'
import { refused } from '../support/refused.ts'
import { schema } from '../support/schema.ts'

const services = {
  reader: new RowReader<ServiceRow>(schema, 'service'),
  writer: new RowWriter<ServiceRow>(schema, 'service'),
}
const statistics = new RowWriter<StatisticsRow>(schema, 'statistics')
const fieldNames = (name: string) =>
  schema.find((record) => record.name === name)?.fields.map((field) => field.name) ?? []

const offsetOf = (field: string) => schema[1]?.fields.find(({ name }) => name === field)?.offset as number

function written(row: ServiceRow): ServiceRow {
  return services.reader.rows(services.writer.encode(row)).at(0)
}

function plain(row: ServiceRow): ServiceRow {
  const entries = fieldNames('service').map((name) => [name, row[name as keyof ServiceRow]] as const)
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined))
}

describe('the schema of these tests is that of the native side', () => {
  const source = readFileSync(new URL('../../../native/ipvs/schema.h', import.meta.url), 'utf8')
  const lines = [...source.matchAll(/NETLINK_(\w+)\((\w+), (\w+), (\w+),/g)]

  test.each(schema.map(({ name, fields }) => [name, fields] as const))('%s', (name, fields) => {
    const struct = name.charAt(0).toUpperCase() + name.slice(1)
    const native = lines
      .filter(([, , record]) => record === struct)
      .map(([, macro, , field, kind]) => [field, macro?.endsWith('NESTED') ? 'nested' : kind])
    expect(Object.fromEntries(fields.map((field) => [field.name, field.kind]))).toEqual(Object.fromEntries(native))
  })
})

test('every field is read as it was written', () => {
  const row: ServiceRow = {
    family: 10,
    protocol: 132,
    address: Uint8Array.from({ length: 16 }, (_, index) => index + 1),
    port: 65535,
    fwmark: 0xffffffff,
    scheduler: 'fifteen-letters',
    persistenceEngine: 'sip',
    flags: { value: 0x38, mask: 0xffffffff },
    timeout: 4294967,
    netmask: Uint8Array.of(255, 255, 255, 0),
  }
  expect(plain(written(row))).toEqual(row)
})

test('absent is not zero', () => {
  expect(plain(written({}))).toEqual({})
  expect(plain(written({ port: 0, scheduler: '', timeout: undefined }))).toEqual({ port: 0, scheduler: '' })
})

test('a row is laid out as the schema says: presence bits, then fields in host order', () => {
  const view = new DataView(services.writer.encode({ family: 2, fwmark: 7 }))
  expect(view.byteLength).toBe(schema[1]?.size)
  expect(view.getUint32(0, true)).toBe((1 << 0) | (1 << 4))
  expect(view.getUint16(offsetOf('family'), true)).toBe(2)
  expect(view.getUint32(offsetOf('fwmark'), true)).toBe(7)
})

test('any fields, any values', () => {
  const random = randomSource(1)
  const make: { readonly [Name in keyof Required<ServiceRow>]: () => ServiceRow[Name] } = {
    family: () => random() & 0xffff,
    protocol: () => random() & 0xffff,
    address: () => Uint8Array.from({ length: 16 }, () => random() & 255),
    port: () => random() & 0xffff,
    fwmark: random,
    scheduler: () => 'x'.repeat(random() % 16),
    persistenceEngine: () => 'é'.repeat(random() % 12),
    flags: () => ({ value: random(), mask: random() }),
    timeout: random,
    netmask: () => Uint8Array.from({ length: 4 }, () => random() & 255),
    statistics: () => undefined,
  }
  const rows = Array.from({ length: 500 }, (): ServiceRow => {
    const chosen = fieldNames('service').filter(() => random() % 2 === 0)
    const entries = chosen.map((name) => [name, make[name as keyof ServiceRow]()] as const)
    return Object.fromEntries(entries.filter(([, value]) => value !== undefined))
  })
  const block = services.writer.block()
  for (const [index, row] of rows.entries()) expect(block.append(row)).toBe(index)
  const read = services.reader.rows(block.toBuffer())
  expect(read.length).toBe(500)
  for (const [index, row] of rows.entries()) expect(plain(read.at(index))).toEqual(row)
})

test('nested records have presence bits of their own', () => {
  const row = written({ statistics: { inBytes: 2n ** 64n - 1n, connections: 0n } })
  expect(row.statistics?.inBytes).toBe(18446744073709551615n)
  expect(row.statistics?.connections).toBe(0n)
  expect(row.statistics?.outBytes).toBeUndefined()
  expect(row.scheduler).toBeUndefined()
})

test('one-byte fields', () => {
  const writer = new RowWriter<DestinationRow>(schema, 'destination')
  const reader = new RowReader<DestinationRow>(schema, 'destination')
  const row = reader.rows(writer.encode({ tunnelType: 255, tunnelPort: 6080, tunnelFlags: 2 })).at(0)
  expect([row.tunnelType, row.tunnelPort, row.tunnelFlags, row.weight]).toEqual([255, 6080, 2, undefined])
  expect(refused(() => writer.encode({ tunnelType: 256 })).field).toBe('destination.tunnelType')
})

describe('refuses text that is too long and numbers out of range', () => {
  test.each<[keyof ServiceRow, unknown]>([
    ['port', 65536],
    ['port', -1],
    ['port', 1.5],
    ['port', '80'],
    ['fwmark', 2 ** 32],
    ['scheduler', 'x'.repeat(16)],
    ['scheduler', 'é'.repeat(8)],
    ['scheduler', 'rr\0x'],
    ['scheduler', '\ud800'],
    ['scheduler', 7],
    ['address', new Uint8Array(17)],
    ['address', '10.0.0.7'],
  ])('%s', (name, value) => {
    const { field } = refused(() => services.writer.encode({ [name]: value }))
    expect(field).toBe(`service.${name}`)
  })

  test('counters', () => {
    expect(refused(() => statistics.encode({ inBytes: 2n ** 64n })).field).toBe('statistics.inBytes')
    expect(refused(() => statistics.encode({ inBytes: -1n })).field).toBe('statistics.inBytes')
    refused(() => statistics.encode({ inBytes: 1 as unknown as bigint }))
  })

  test('flags', () => {
    expect(refused(() => services.writer.encode({ flags: { value: -1, mask: 0 } })).field).toBe('service.flags.value')
  })

  test('a refused row leaves nothing behind', () => {
    const block = services.writer.block()
    block.append({ fwmark: 7 })
    refused(() => block.append({ fwmark: 8, scheduler: 'x'.repeat(20) }))
    expect(block.append({ family: 2 })).toBe(1)
    const rows = services.reader.rows(block.toBuffer())
    expect(rows.length).toBe(2)
    expect(plain(rows.at(1))).toEqual({ family: 2 })
    expect(new Uint8Array(block.toBuffer()).subarray(schema[1]?.size).filter((byte) => byte !== 0)).toHaveLength(2)
  })
})

test('blocks are copies: rows that are appended later are not in them', () => {
  const block = services.writer.block(1)
  expect(block.toBuffer().byteLength).toBe(0)
  block.append({ fwmark: 7 })
  const one = block.toBuffer()
  block.append({ fwmark: 8 })
  expect(services.reader.rows(one).length).toBe(1)
  expect(block.length).toBe(2)
})

test('a row that was read can be written', () => {
  const buffer = services.writer.encode({ fwmark: 7, scheduler: 'rr', flags: { value: 1, mask: 3 } })
  expect(services.writer.encode(services.reader.rows(buffer).at(0))).toEqual(buffer)
})

test('an IPv4 address may be a number; another field of bytes may not', () => {
  const number = { address: 0xfedcba98 } as unknown as ServiceRow
  expect(services.writer.encode(number)).toEqual(
    services.writer.encode({ address: Uint8Array.of(0xfe, 0xdc, 0xba, 0x98) }),
  )
  expect(refused(() => services.writer.encode({ netmask: 7 as never })).message).toContain('is not at most 4 bytes')
})

test('a field of bytes does not change the next field', () => {
  const address = new Uint8Array(16).fill(7)
  expect(written({ port: 0xffff, address }).port).toBe(0xffff)
})

test('the error of a long text has the limit', () => {
  expect(refused(() => services.writer.encode({ scheduler: 'x'.repeat(16) })).message).toContain('longer than 15 bytes')
  expect(refused(() => services.writer.encode({ scheduler: 'é'.repeat(8) })).message).toContain('longer than 15 bytes')
})

describe('text without NUL', () => {
  test('ends with its field', () => {
    const buffer = services.writer.encode({ scheduler: 'rr' })
    const { offset = 0, size = 0 } = schema[1]?.fields.find(({ name }) => name === 'scheduler') ?? {}
    const bytes = new Uint8Array(buffer)
    bytes.fill(0x61, offset, offset + size)
    expect(services.reader.rows(buffer).at(0).scheduler).toBe('a'.repeat(16))
    bytes.fill(0x62, offset + size, offset + size + 2) // the NUL is in the next field
    expect(services.reader.rows(buffer).at(0).scheduler).toBe('a'.repeat(16))
  })

  test('ends with the last row', () => {
    const field = { name: 'note', kind: 'text', offset: 4, size: 12, constant: '', doc: '' } as const
    const reader = new RowReader<{ note?: string }>([{ name: 'note', size: 16, fields: [field] }], 'note')
    expect(reader.rows(new Uint8Array(16).fill(0x61).buffer).at(0).note).toBe('a'.repeat(12))
  })
})

test('native code writes rows into a block; the memory is cleared for later rows', () => {
  const block = services.writer.block(2)
  block.room().fill(0xff)
  block.adopt(2)
  expect([block.length, block.bytes().length]).toEqual([2, block.room().length])
  block.clear()
  expect(block.length).toBe(0)
  for (const fwmark of [7, 8]) block.append({ fwmark })
  const expected = services.writer.block(2)
  for (const fwmark of [7, 8]) expected.append({ fwmark })
  expect(block.toBuffer()).toEqual(expected.toBuffer())
})

test('a schema without the record is the error of an old build', () => {
  const empty: readonly RecordSchema[] = []
  expect(() => new RowReader<InfoRow>(empty, 'info')).toThrow('build it again')
  expect(() => new RowWriter<InfoRow>(empty, 'info')).toThrow('"info"')
})
