import { constants } from 'node:os'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'

import type { Reply } from '../../lib/binding/replies.ts'
import type { AnyReply } from './support/any-reply.ts'
import { Ipvs } from '../../lib/ipvs.ts'
import { IpvsError } from '../../lib/values/errors.ts'
import { RowWriter } from '../../lib/binding/row-writer.ts'
import type { DestinationRow, InfoRow, ServiceRow } from '../../lib/binding/record-types.ts'
import { opened, operationNames as names } from './support/fake-binding.ts'
import { FakeSession, failed, type Received } from './support/fake-session.ts'
import { schema } from './support/schema.ts'

vi.mock('../../lib/binding/addon.ts', () => import('./support/fake-binding.ts'))

const services = new RowWriter<ServiceRow>(schema, 'service')
const destinations = new RowWriter<DestinationRow>(schema, 'destination')
const mark = { fwmark: 7 }
const server = { address: '10.0.0.7' }

let ipvs: Ipvs
let session: FakeSession
beforeEach(async () => {
  ipvs = await Ipvs.open()
  session = opened.sessions.at(-1) as FakeSession
  session.calls.length = 0
})
afterEach(() => ipvs.close())

const answer = (reply: AnyReply | ((received: Received) => AnyReply)) => {
  session.reply = typeof reply === 'function' ? reply : () => reply
}
const sent = () => session.calls.map(({ codes }) => codes.map((code) => names[code]).join())

describe('open', () => {
  // Calls get what remains of the time-out: at a standstill of the clock, all of it.
  beforeEach(() => void vi.spyOn(performance, 'now').mockReturnValue(1))
  afterEach(() => void vi.restoreAllMocks())

  test('passes the namespace on', async () => {
    await (await Ipvs.open({ netns: '/run/netns/blue', timeoutMs: 77 })).close()
    expect(opened.options.slice(-2)).toEqual([{}, { netns: { path: '/run/netns/blue', closed: 1 } }])
    expect(opened.sessions.at(-1)?.last.call.timeoutMs).toBe(77)
  })

  test('the default timeout is 5 s', async () => {
    await ipvs.flush()
    expect(session.last.call.timeoutMs).toBe(5000)
  })

  test.each<[string, unknown]>([
    ['options', null],
    ['options', '/run/netns/blue'],
    ['options.netns', { netns: '' }],
    ['options.netns', { netns: 'a\0b' }],
    ['options.netns', { netns: 7 }],
    ['options.timeoutMs', { timeoutMs: 0 }],
    ['options.timeoutMs', { timeoutMs: null }],
    ['options.timeoutMs', { timeoutMs: Infinity }],
    ['options.timeoutMs', { timeoutMs: 2 ** 31 }],
    ['options.timeout', { timeout: 5 }],
    ['options.signal', { signal: {} }],
  ])('refuses %s (%#)', async (attribute, options) => {
    const count = opened.sessions.length
    const code = 'ERR_IPVS_INVALID_ARGUMENT'
    await expect(Ipvs.open(options as never)).rejects.toMatchObject({ code, attribute, operation: 'open' })
    expect(opened.sessions).toHaveLength(count)
  })

  test('a session that does not open is closed', async () => {
    const opening = vi.spyOn(FakeSession.prototype, 'open').mockResolvedValue(failed('local', 2) as Reply)
    const rejection = { code: 'ERR_IPVS_INVALID_ARGUMENT', target: '/run/netns/none', errno: 2 }
    await expect(Ipvs.open({ netns: '/run/netns/none' })).rejects.toMatchObject(rejection)
    opening.mockRestore()
    expect(opened.sessions.at(-1)?.closed).toBe(1)
    expect(opened.options.at(-1)?.netns).toMatchObject({ closed: 1 })
  })

  test.each<[string, AnyReply]>([
    ['current', {}],
    ['replaced', failed('local', constants.errno.ESTALE, { attribute: 'netns' })],
    ['missing', failed('local', constants.errno.ENOENT, { attribute: 'netns' })],
    ['missing', failed('local', constants.errno.ENOTDIR, { attribute: 'netns' })],
  ])('its namespace is %s (%#)', async (status, reply) => {
    answer(reply)
    expect(await ipvs.namespaceStatus()).toBe(status)
    expect(session.last.method).toBe('followPath')
  })

  test('a path that cannot be followed is an error, and no status', async () => {
    answer(failed('local', constants.errno.EACCES, { attribute: 'netns' }))
    await expect(ipvs.namespaceStatus()).rejects.toMatchObject({ operation: 'namespaceStatus', errno: 13 })
  })
})

describe('every method', () => {
  const calls: Record<string, (options?: object) => Promise<unknown>> = {
    addService: (options) => ipvs.addService(mark, options),
    updateService: (options) => ipvs.updateService(mark, { scheduler: 'rr' }, options),
    removeService: (options) => ipvs.removeService(mark, options),
    getService: (options) => ipvs.getService(mark, options),
    listServices: (options) => ipvs.listServices(options),
    addDestination: (options) => ipvs.addDestination(mark, server, options),
    updateDestination: (options) => ipvs.updateDestination(mark, server, { weight: 0 }, options),
    removeDestination: (options) => ipvs.removeDestination(mark, server, options),
    listDestinations: (options) => ipvs.listDestinations(mark, options),
    flush: (options) => ipvs.flush(options),
    info: (options) => ipvs.info(options),
  }

  test.each(Object.entries(calls))('%s', async (operation, call) => {
    answer(({ codes }) => ({
      rows: codes[0] === names.indexOf('getService') ? services.encode(mark) : new ArrayBuffer(16),
    }))
    await call()
    expect(sent()).toEqual([operation])

    const aborted = { code: 'ERR_IPVS_ABORTED', outcome: 'not-applied', operation }
    await expect(call({ signal: AbortSignal.abort() })).rejects.toMatchObject(aborted)
    const refused = { code: 'ERR_IPVS_INVALID_ARGUMENT', attribute: 'options.singal', operation }
    await expect(call({ singal: undefined })).rejects.toMatchObject(refused)
    await expect(call({ signal: 7 })).rejects.toMatchObject({ ...refused, attribute: 'options.signal' })
    expect(sent()).toEqual([operation])

    answer(failed('rejected', 1))
    await expect(call()).rejects.toThrow(IpvsError)
    await expect(call()).rejects.toMatchObject({ code: 'ERR_IPVS_PERMISSION_DENIED', errno: 1, operation })

    await ipvs.close()
    await expect(call()).rejects.toMatchObject({ code: 'ERR_IPVS_CLOSED', operation })
  })

  test.each<[string, (key: never) => Promise<unknown>]>([
    ['addService', (key) => ipvs.addService(key)],
    ['updateService', (key) => ipvs.updateService(key, {})],
    ['removeService', (key) => ipvs.removeService(key)],
    ['getService', (key) => ipvs.getService(key)],
    ['addDestination', (key) => ipvs.addDestination(key, server)],
    ['updateDestination', (key) => ipvs.updateDestination(key, server, {})],
    ['removeDestination', (key) => ipvs.removeDestination(key, server)],
    ['listDestinations', (key) => ipvs.listDestinations(key)],
  ])('%s never throws and never sends a bad key', async (operation, call) => {
    for (const key of [
      undefined,
      null,
      {},
      { fwmark: 0 },
      { fwmark: 7, address: '10.0.0.1' },
      'FWM 7',
      [],
      mark.fwmark,
    ]) {
      await expect(call(key as never)).rejects.toMatchObject({ code: 'ERR_IPVS_INVALID_ARGUMENT', operation })
    }
    expect(session.calls).toHaveLength(0)
  })
})

describe('errors have a target', () => {
  test('if the key is valid', async () => {
    await expect(ipvs.addService({ fwmark: 7, scheduler: 'RR' })).rejects.toMatchObject({ target: 'FWM 7 ipv4' })
    const target = 'FWM 7 ipv4 -> 10.0.0.7:0'
    await expect(ipvs.addDestination(mark, { ...server, weight: -1 })).rejects.toMatchObject({ target })
    await expect(ipvs.updateDestination(mark, server, { weight: -1 })).rejects.toMatchObject({ target })
  })

  test('and the requested scheduler or persistence engine', async () => {
    answer(failed('rejected', 2))
    const adding = ipvs.addService({ fwmark: 7, persistence: {}, persistenceEngine: 'none' })
    await expect(adding).rejects.toMatchObject({ code: 'ERR_IPVS_PERSISTENCE_ENGINE_NOT_FOUND' })
    await expect(ipvs.updateService(mark, { scheduler: 'x' })).rejects.toThrow('scheduler "x"')
  })
})

test('info', async () => {
  answer({ rows: new RowWriter<InfoRow>(schema, 'info').encode({ version: 0x010201, connectionTableSize: 4096 }) })
  expect(await ipvs.info()).toEqual({ version: '1.2.1', connectionTableSize: 4096 })
})

test('rows that are sent', async () => {
  await Promise.all([ipvs.addService(mark), ipvs.addDestination(mark, server), ipvs.removeDestination(mark, server)])
  expect(sent()).toEqual(['addService,addDestination,removeDestination'])
  const [add, inDestination] = session.last.services
  expect([add?.scheduler, add?.timeout, add?.flags]).toEqual(['wlc', 0, { value: 0, mask: 0xffffffff }])
  expect([inDestination?.fwmark, inDestination?.family, inDestination?.scheduler]).toEqual([7, 2, undefined])
  expect(session.last.destinations[1]?.forwarding).toBe(3)
  expect(session.last.destinations[2]?.forwarding).toBeUndefined()
})

describe('updateService', () => {
  test('reads the service first only if the patch needs it', async () => {
    answer(({ method }) => (method === 'read' ? { rows: services.encode({ ...mark, scheduler: 'sh' }) } : {}))
    await ipvs.updateService(mark, { schedulerFlags: ['sh-port'] })
    expect(sent()).toEqual(['getService', 'updateService'])
    expect(session.last.services[0]?.flags).toEqual({ value: 0x10, mask: 0x38 })
    await expect(ipvs.updateService(mark, { schedulerFlags: ['mh-port'] })).rejects.toMatchObject({
      code: 'ERR_IPVS_INVALID_ARGUMENT',
      target: 'FWM 7 ipv4',
    })
  })

  test('of a missing service', async () => {
    answer(failed('rejected', 3))
    const missing = { code: 'ERR_IPVS_SERVICE_NOT_FOUND', operation: 'updateService' }
    await expect(ipvs.updateService(mark, { persistence: {} })).rejects.toMatchObject(missing)
  })
})

describe('listings', () => {
  test('an empty table is an empty list', async () => {
    expect(await ipvs.listServices()).toEqual([])
    expect(await ipvs.listDestinations(mark)).toEqual([])
    expect(session.calls.map(({ consistent }) => consistent)).toEqual([true, true])
  })

  test('the option consistent', async () => {
    await ipvs.listServices({ consistent: false })
    await ipvs.listDestinations(mark, { consistent: false })
    expect(session.calls.map(({ consistent }) => consistent)).toEqual([false, false])
    const refused = { code: 'ERR_IPVS_INVALID_ARGUMENT', attribute: 'options.consistent' }
    await expect(ipvs.listServices({ consistent: 'no' as never })).rejects.toMatchObject(refused)
    await expect(ipvs.getService(mark, { consistent: true } as never)).rejects.toMatchObject(refused)
  })

  test('destinations', async () => {
    answer({
      rows: destinations.encode({ family: 2, address: new Uint8Array(16).fill(10, 0, 1), port: 0, forwarding: 3 }),
    })
    expect(await ipvs.listDestinations(mark)).toMatchObject([{ address: '10.0.0.0', forwarding: 'direct' }])
  })

  test('the destinations of a missing service are an error, not an empty list', async () => {
    answer(failed('rejected', 3))
    await expect(ipvs.listDestinations(mark)).rejects.toMatchObject({ code: 'ERR_IPVS_SERVICE_NOT_FOUND' })
  })

  test('a long listing does not stop the event loop', async () => {
    const block = services.block(50_000)
    for (let fwmark = 1; fwmark <= 50_000; fwmark++) block.append({ family: 2, fwmark, scheduler: 'rr' })
    answer({ rows: block.toBuffer() })
    let turns = 0
    const counting = setInterval(() => turns++, 1)
    expect(await ipvs.listServices()).toHaveLength(50_000)
    clearInterval(counting)
    expect(turns).toBeGreaterThan(3)
  })
})

test('closing', async () => {
  {
    await using disposed = await Ipvs.open()
    await disposed.flush()
  }
  expect(opened.sessions.at(-1)?.closed).toBe(1)
  await ipvs.close()
  await ipvs.close()
  expect(session.closed).toBe(1)
})

test('arguments are read when the method is called', async () => {
  const service = { fwmark: 7, scheduler: 'rr' }
  const adding = ipvs.addService(service)
  service.fwmark = 8
  service.scheduler = 'RR'
  await adding
  expect(session.last.services[0]?.fwmark).toBe(7)
})
