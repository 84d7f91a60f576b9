// The methods on counters, timeouts, synchronisation daemons and whole tables.
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'

import type { AnyReply } from '../support/any-reply.ts'
import { Ipvs } from '../../../lib/ipvs.ts'
import type { DaemonRow, DestinationRow, ServiceRow, TimeoutsRow } from '../../../lib/binding/record-types.ts'
import { RowWriter } from '../../../lib/binding/row-writer.ts'
import { opened, operationNames } from '../support/fake-binding.ts'
import { failed, type FakeSession } from '../support/fake-session.ts'
import { schema } from '../support/schema.ts'
import { ipv4 } from '../support/service-rows.ts'

vi.mock('../../../lib/binding/addon.ts', () => import('../support/fake-binding.ts'))

const services = new RowWriter<ServiceRow>(schema, 'service')
const destinations = new RowWriter<DestinationRow>(schema, 'destination')
const timeouts = new RowWriter<TimeoutsRow>(schema, 'timeouts')
const daemons = new RowWriter<DaemonRow>(schema, 'daemon')
const master = { role: 'master', interface: 'eth0' } as const

let ipvs: Ipvs
let session: FakeSession
beforeEach(async () => {
  ipvs = await Ipvs.open()
  session = opened.sessions.at(-1) as FakeSession
  session.calls.length = 0
})
afterEach(() => ipvs.close())

const sent = () => session.calls.flatMap(({ codes }) => codes.map((code) => operationNames[code]))

describe('every method', () => {
  const calls: Record<string, (options?: object) => Promise<unknown>> = {
    snapshot: (options) => ipvs.snapshot(options),
    zeroCounters: (options) => ipvs.zeroCounters({ fwmark: 7 }, options),
    getTimeouts: (options) => ipvs.getTimeouts(options),
    setTimeouts: (options) => ipvs.setTimeouts({ tcpSeconds: 1 }, options),
    startSyncDaemon: (options) => ipvs.startSyncDaemon(master, options),
    stopSyncDaemon: (options) => ipvs.stopSyncDaemon('master', options),
    listSyncDaemons: (options) => ipvs.listSyncDaemons(options),
  }

  test.each(Object.entries(calls))('%s', async (operation, call) => {
    session.reply = () => ({ rows: operation === 'getTimeouts' ? timeouts.encode({}) : new ArrayBuffer(0) })
    await call()
    expect(session.calls).toHaveLength(1)

    const aborted = { code: 'ERR_IPVS_ABORTED', outcome: 'not-applied', operation }
    await expect(call({ signal: AbortSignal.abort() })).rejects.toMatchObject(aborted)
    const refused = { code: 'ERR_IPVS_INVALID_ARGUMENT', attribute: 'options.singal', operation }
    await expect(call({ singal: undefined })).rejects.toMatchObject(refused)
    expect(session.calls).toHaveLength(1)

    session.reply = () => failed('rejected', 1)
    await expect(call()).rejects.toMatchObject({ code: 'ERR_IPVS_PERMISSION_DENIED', errno: 1, operation })
    await ipvs.close()
    await expect(call()).rejects.toMatchObject({ code: 'ERR_IPVS_CLOSED', operation })
  })
})

describe('zeroCounters', () => {
  test('zeroes one service or all', async () => {
    await Promise.all([ipvs.zeroCounters({ fwmark: 7 }), ipvs.zeroCounters()])
    expect(sent()).toEqual(['zeroService', 'zeroAll'])
    expect(session.last.services[0]?.fwmark).toBe(7)
  })

  test.each<unknown>([null, {}, 7, { signal: undefined }])('an invalid service never zeroes all: %j', async (key) => {
    const refused = { code: 'ERR_IPVS_INVALID_ARGUMENT', operation: 'zeroCounters' }
    await expect(ipvs.zeroCounters(key as never)).rejects.toMatchObject(refused)
    expect(session.calls).toHaveLength(0)
  })
})

test('timeouts', async () => {
  session.reply = () => ({ rows: timeouts.encode({ tcp: 900, tcpFin: 120, udp: 300 }) })
  expect(await ipvs.getTimeouts()).toEqual({ tcpSeconds: 900, tcpFinSeconds: 120, udpSeconds: 300 })
  const refused = { attribute: 'timeouts.tcpSeconds', target: 'timeouts' }
  await expect(ipvs.setTimeouts({ tcpSeconds: 0 })).rejects.toMatchObject(refused)
})

test('daemons', async () => {
  session.reply = () => ({ rows: daemons.encode({ state: 2, interface: 'eth0', syncId: 3, port: 8848, ttl: 1 }) })
  expect(await ipvs.listSyncDaemons()).toMatchObject([{ role: 'backup', interface: 'eth0', syncId: 3 }])
  session.reply = () => ({})
  expect(await ipvs.listSyncDaemons()).toEqual([])
})

test('settings of one tick share a call with services, each with its own row', async () => {
  await Promise.all([
    ipvs.addService({ fwmark: 7 }),
    ipvs.setTimeouts({ tcpSeconds: 60 }),
    ipvs.startSyncDaemon(master),
    ipvs.stopSyncDaemon('backup'),
    ipvs.setTimeouts({ udpSeconds: 5 }),
  ])
  expect(session.calls).toHaveLength(1)
  expect(sent()).toEqual(['addService', 'setTimeouts', 'startSyncDaemon', 'stopSyncDaemon', 'setTimeouts'])
  const { timeouts: times, daemons: rows } = session.last
  expect([times?.[1]?.tcp, times?.[1]?.udp, times?.[4]?.tcp, times?.[4]?.udp]).toEqual([60, undefined, undefined, 5])
  expect([rows?.[2]?.state, rows?.[2]?.interface, rows?.[3]?.state]).toEqual([1, 'eth0', 2])
})

// What the native side answers to a snapshot.
const tables = (rows: readonly ServiceRow[], own: readonly (readonly DestinationRow[])[]): AnyReply => {
  const [left, right] = [services.block(), destinations.block()]
  for (const row of rows) left.append(row)
  for (const row of own.flat()) right.append(row)
  const counts = Uint32Array.from(own, ({ length }) => length).buffer
  return { services: left.toBuffer(), destinations: right.toBuffer(), counts }
}

const server = (last: number): DestinationRow => ({ family: 2, address: ipv4(10, 0, 0, last), port: 0, forwarding: 3 })

describe('snapshot', () => {
  test('an empty table is an empty list', async () => {
    session.reply = () => tables([], [])
    expect(await ipvs.snapshot()).toEqual([])
    expect(session.last).toMatchObject({ method: 'snapshot', consistent: true })
    await ipvs.snapshot({ consistent: false })
    expect(session.last.consistent).toBe(false)
    const refused = { attribute: 'options.consistent', operation: 'snapshot' }
    await expect(ipvs.snapshot({ consistent: 1 as never })).rejects.toMatchObject(refused)
  })

  test('each service has its own destinations', async () => {
    const marks = [1, 2, 3].map((fwmark) => ({ family: 2, fwmark, scheduler: 'rr' }))
    session.reply = () => tables(marks, [[server(1), server(2)], [], [server(3)]])
    const seen = await ipvs.snapshot()
    expect(seen.map((each) => [each.fwmark, each.destinations.map(({ address }) => address)])).toEqual([
      [1, ['10.0.0.1', '10.0.0.2']],
      [2, []],
      [3, ['10.0.0.3']],
    ])
  })

  test('an entry is a key, and can be added again, without its destinations', async () => {
    session.reply = () => tables([{ family: 2, fwmark: 1, scheduler: 'rr' }], [[]])
    const [entry] = await ipvs.snapshot()
    if (entry === undefined) throw new Error('no entry')
    session.reply = () => ({})
    await ipvs.listDestinations(entry)
    await ipvs.removeService(entry)
    await expect(ipvs.addService(entry)).resolves.toBeUndefined()
    await expect(ipvs.updateService(entry, entry)).resolves.toBeUndefined()
  })

  test('a long snapshot does not stop the event loop', async () => {
    const marks = Array.from({ length: 10_000 }, (_, index) => ({ family: 2, fwmark: index + 1, scheduler: 'rr' }))
    const own = marks.map(() => [{ port: 1 }, { port: 2 }, { port: 3 }])
    session.reply = () => tables(marks, own)
    let turns = 0
    const counting = setInterval(() => turns++, 1)
    expect(await ipvs.snapshot()).toHaveLength(10_000)
    clearInterval(counting)
    expect(turns).toBeGreaterThan(3)
  })

  test('a table that changes during every attempt', async () => {
    session.reply = () => failed('conflict')
    await expect(ipvs.snapshot()).rejects.toMatchObject({ code: 'ERR_IPVS_CONFLICT', outcome: 'not-applied' })
  })
})
