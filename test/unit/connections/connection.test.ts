import { inspect } from 'node:util'
import { describe, expect, test, vi } from 'vitest'

import type { RecordSchema } from '../../../lib/binding/addon.ts'
import { layoutOfKinds } from '../../../lib/binding/row-layout.ts'
import { connectionKinds } from '../../../lib/connections/row.ts'
import { ConnectionRows } from '../../../lib/connections/connection.ts'
import { connectionRows, connectionSchema, engineBytes, type FakeRow } from '../support/fake-connections.ts'

vi.mock('../../../lib/binding/addon.ts', () => import('../support/fake-binding.ts'))

const row: FakeRow = {
  protocol: 6,
  client: [10, 0, 0, 1],
  clientPort: 40000,
  virtualAddress: [172, 16, 0, 100],
  virtualPort: 80,
  destination: [10, 0, 0, 7],
  destinationPort: 8080,
  state: 1,
  expires: 899,
}
const at = (given: FakeRow, engines?: ArrayBuffer) =>
  new ConnectionRows({ rows: connectionRows([given]), length: 1, ...(engines && { engines }) }).at(0)

const plain = {
  protocol: 'tcp',
  client: { address: '10.0.0.1', port: 40000 },
  virtual: { address: '172.16.0.100', port: 80 },
  destination: { address: '10.0.0.7', port: 8080 },
  state: 'ESTABLISHED',
  expiresSeconds: 899,
  template: false,
}

test('a connection', () => {
  expect(at(row).toJSON()).toEqual(plain)
  expect(inspect(at(row))).toContain("state: 'ESTABLISHED'")
  expect(JSON.parse(JSON.stringify(at(row)))).toEqual(plain)
})

test('a tunnel from IPv6 to IPv4', () => {
  const client = [0xfd, 0, ...Array.from({ length: 13 }, () => 0), 1]
  const connection = at({ ...row, family: 10, client })
  expect(connection.client).toEqual({ address: 'fd00::1', port: 40000 })
  expect(connection.destination).toEqual({ address: '10.0.0.7', port: 8080 })
})

test('templates, by address and by mark', () => {
  const template = { ...row, clientPort: 0, kind: 1, state: 24 }
  expect(at(template).toJSON()).toMatchObject({ template: true, state: 'ASSURED', virtual: plain.virtual })
  const mark = at({ ...template, protocol: 0, kind: 2, virtualAddress: [255, 0, 0, 7], virtualPort: 0 }).toJSON()
  expect(mark).toMatchObject({ template: true, protocol: 'ip', fwmark: 0xff000007 })
  expect(mark).not.toHaveProperty('virtual')
})

test.each([
  [17, 'udp'],
  [132, 'sctp'],
  [1, 'icmp'],
  [58, 'icmpv6'],
  [50, '50'],
])('protocol %i is %s', (protocol, name) => {
  expect(at({ ...row, protocol }).protocol).toBe(name)
})

test('origins of connections', () => {
  expect(at({ ...row, origin: 1 }).toJSON().origin).toBe('local')
  expect(at({ ...row, origin: 2 }).toJSON().origin).toBe('synced')
})

test('persistence engines, of the rows that have one', () => {
  const data = `${'x'.repeat(300)} ü`
  const engines = engineBytes([
    [1, 'sip a@b'],
    [3, `sip ${data}`],
  ])
  const rows = new ConnectionRows({ rows: connectionRows([row, row, row, row]), length: 4, engines })
  expect([0, 1, 2, 3].map((index) => rows.at(index).persistenceEngine)).toEqual([
    undefined,
    { name: 'sip', data: 'a@b' },
    undefined,
    { name: 'sip', data },
  ])
})

const layout = (record: RecordSchema) => layoutOfKinds([record], 'connection', connectionKinds)

describe('the layout', () => {
  test('comes from the addon', () => {
    expect(layout(connectionSchema).at.client.offset).toBe(
      connectionSchema.fields.find(({ name }) => name === 'client')?.offset,
    )
  })

  test('of another build is refused', () => {
    expect(() => layout({ ...connectionSchema, name: 'other' })).toThrow('knows no record "connection"; build it again')
    const other = { ...connectionSchema, fields: connectionSchema.fields.slice(1) }
    expect(() => layout(other)).toThrow(`knows no "connection.${connectionSchema.fields[0]?.name}" of kind`)
    const fields = connectionSchema.fields.map((field) =>
      field.name === 'expires' ? { ...field, kind: 'u16' } : field,
    )
    expect(() => layout({ ...connectionSchema, fields } as RecordSchema)).toThrow('"connection.expires" of kind u32')
  })

  test('has the fields of the native side', async () => {
    const { readFileSync } = await import('node:fs')
    const source = readFileSync(new URL('../../../native/connections/connection.h', import.meta.url), 'utf8')
    const native = [...source.matchAll(/NETLINK_REPLY\(Connection, (\w+), (\w+),/g)].map(([, name, kind]) => [
      name,
      kind,
    ])
    expect(Object.fromEntries(native)).toEqual(connectionKinds)
  })
})
