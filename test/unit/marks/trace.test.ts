// `FirewallMarks.trace`: packets as rows, and what comes back.
import { beforeEach, expect, test, vi } from 'vitest'

vi.mock('../../../lib/binding/addon.ts', async () => import('../support/fake-binding.ts'))

import { FirewallMarks, type IpvsError, type TracePacket } from '../../../lib/index.ts'
import { RowReader } from '../../../lib/binding/row-reader.ts'
import { RowWriter } from '../../../lib/binding/row-writer.ts'
import { TableSession, opened, traceSchema, tracedPacketSchema } from '../support/fake-marks.ts'

let marks: FirewallMarks
let session: TableSession
beforeEach(async () => {
  marks = await FirewallMarks.open()
  session = opened.sessions.at(-1) as TableSession
})

const nowhere = { table: '', base: '', chain: '', markTable: '', markChain: '', askedTable: '', askedChain: '' }
const numbers = { mark: 0, formerMark: 0, position: 0, markPosition: 0, tableFlags: 0 }
const handles = { handle: 0n, markHandle: 0n, askedHandle: 0n }
const known = { outcome: 0, hook: 0, route: 0, markKnown: 1, formerKnown: 1 }
const quiet = { ...nowhere, ...numbers, ...handles, ...known, family: 0, markFamily: 0, askedFamily: 0 }

test('packets are rows', async () => {
  await marks.trace([
    { protocol: 'tcp', destination: '172.16.0.100', destinationPort: 80 },
    { path: 'through', protocol: 47, source: '2001:db8::7', state: 'invalid', mark: 7 },
  ])
  const rows = new RowReader<Record<string, unknown>>([tracedPacketSchema], 'tracedPacket').rows(session.packets)
  expect(rows.length).toBe(2)
  const [first, second] = [rows.at(0), rows.at(1)]
  expect(first).toMatchObject({ family: 2, protocol: 6, path: 1, state: 8, mark: 0, destinationPort: 80 })
  expect([first['source'], first['sourcePort']]).toEqual([undefined, undefined])
  expect(second).toMatchObject({ family: 10, protocol: 47, path: 2, state: 1, mark: 7 })
  expect(second['destination']).toBe(undefined)
})

test('results are objects', async () => {
  const block = new RowWriter<object>([traceSchema], 'trace').block()
  block.append({ ...quiet, route: 2, mark: 7, markFamily: 1, markTable: 'ipvs', markChain: 'marks', markHandle: 3n })
  const drop = { outcome: 1, hook: 2, family: 2, table: 'filter', base: 'FORWARD', chain: 'FORWARD', tableFlags: 2 }
  block.append({ ...quiet, ...drop })
  block.append({ ...quiet, outcome: 2, markKnown: 0 })
  session.traces = block.toBuffer()
  expect(await marks.trace([])).toEqual([
    {
      outcome: 'accepted',
      route: 'local',
      mark: 7,
      formerMark: 0,
      markedBy: { family: 'inet', table: 'ipvs', chain: 'marks', handle: 3n },
    },
    {
      outcome: 'dropped',
      mark: 0,
      droppedBy: { family: 'ip', table: 'filter', chain: 'FORWARD', base: 'FORWARD', hook: 'forward', owned: true },
    },
    { outcome: 'unknown' },
  ])
})

test.each([
  [{ protocol: 'tcp' }, 'packets[0].destination'],
  [{ protocol: 'tcp', path: 'sent' }, 'packets[0]'],
  [{ protocol: 'tcp', source: '10.0.0.7' }, 'packets[0].destination'],
  [{ protocol: 'tcp', source: '10.0.0.7', destination: '2001:db8::1' }, 'packets[0].source'],
  [{ protocol: 256, destination: '10.0.0.7' }, 'packets[0].protocol'],
  [{ protocol: 'tcp', destination: '10.0.0.7', destinationPort: 65536 }, 'packets[0].destinationPort'],
  [{ protocol: 'tcp', destination: '10.0.0.7', state: 'related' }, 'packets[0].state'],
  [{ protocol: 'tcp', destination: '10.0.0.7', path: 'up' }, 'packets[0].path'],
  [{ protocol: 'tcp', destination: '10.0.0.7', port: 80 }, 'packets[0].port'],
])('refuses the packet %o', async (packet, attribute) => {
  const error = await marks.trace([packet as TracePacket]).catch((reason: unknown) => reason as IpvsError)
  expect(error).toMatchObject({ code: 'ERR_IPVS_INVALID_ARGUMENT', attribute })
  expect(session.log).not.toContain('trace')
})
