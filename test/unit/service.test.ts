import { describe, expect, test } from 'vitest'

import type { ServiceRow } from '../../lib/records.ts'
import { parseServiceKey, serviceIdentity } from '../../lib/service-key.ts'
import { serviceChange } from '../../lib/service-patch.ts'
import { beyondServiceKey, listedService, newServiceRow, readService } from '../../lib/service.ts'
import { refused } from './refused.ts'

const ALL = 0xffffffff
const host = Uint8Array.of(255, 255, 255, 255)
const prefix = (length: number) => new Uint8Array(Uint32Array.of(length).buffer)
const ipv4 = (...octets: number[]) => Uint8Array.from({ length: 16 }, (_, index) => octets[index] ?? 0)
const vip = { protocol: 'tcp', address: '172.16.0.100', port: 80 }

const keyOf = (key: unknown) => parseServiceKey(key, beyondServiceKey)

function added(service: unknown): ServiceRow {
  const fields = readService(service, 'service')
  return newServiceRow(serviceIdentity(fields, 'service'), fields)
}

function changed(key: unknown, patch: unknown, current?: ServiceRow): ServiceRow {
  const { row } = serviceChange(keyOf(key), readService(patch, 'patch'))
  return Object.fromEntries(Object.entries(row(current)).filter(([, value]) => value !== undefined))
}

const needsCurrent = (key: unknown, patch: unknown) =>
  serviceChange(keyOf(key), readService(patch, 'patch')).needsCurrent

describe('keys', () => {
  test.each([
    [{ fwmark: 7 }, { family: 2, fwmark: 7 }, 'FWM 7 ipv4'],
    [{ fwmark: '0x7' }, { family: 2, fwmark: 7 }, 'FWM 7 ipv4'],
    [{ fwmark: '0XfF' }, { family: 2, fwmark: 255 }, 'FWM 255 ipv4'],
    [{ fwmark: '4294967295', family: 'ipv6' }, { family: 10, fwmark: ALL }, 'FWM 4294967295 ipv6'],
    [vip, { family: 2, protocol: 6, address: ipv4(172, 16, 0, 100), port: 80 }, 'TCP 172.16.0.100:80'],
    [
      { protocol: 'sctp', address: '2001:DB8::', port: 0, family: 'ipv6' },
      { family: 10, protocol: 132, address: ipv4(0x20, 1, 0xd, 0xb8), port: 0 },
      'SCTP [2001:db8::]:0',
    ],
  ])('%j', (key, row, text) => {
    const identity = keyOf(key)
    expect(identity.row).toEqual(row)
    expect(identity.text).toBe(text)
  })

  test.each<[string, unknown]>([
    ['service', {}],
    ['service', { scheduler: 'rr' }],
    ['service', null],
    ['service.fwmark', { fwmark: 0 }],
    ['service.fwmark', { fwmark: -1 }],
    ['service.fwmark', { fwmark: 2 ** 32 }],
    ['service.fwmark', { fwmark: NaN }],
    ['service.fwmark', { fwmark: 7.5 }],
    ['service.fwmark', { fwmark: 7n }],
    ['service.fwmark', { fwmark: '07' }],
    ['service.fwmark', { fwmark: '0x0' }],
    ['service.fwmark', { fwmark: '0x100000000' }],
    ['service.fwmark', { fwmark: '4294967296' }],
    ['service.fwmark', { fwmark: ' 7' }],
    ['service.fwmark', { fwmark: '0x7/0xff' }],
    ['service.fwmark', { fwmark: null }],
    ['service.protocol', { fwmark: 7, ...vip }],
    ['service.port', { fwmark: 7, port: 80 }],
    ['service.family', { fwmark: 7, family: 4 }],
    ['service.family', { fwmark: 7, family: null }],
    ['service.family', { ...vip, family: 'ipv6' }],
    ['service.protocol', { ...vip, protocol: undefined }],
    ['service.protocol', { ...vip, protocol: 'icmp' }],
    ['service.protocol', { ...vip, protocol: 'TCP ' }],
    ['service.protocol', { ...vip, protocol: 47 }],
    ['service.protocol', { ...vip, protocol: '__proto__' }],
    ['service.address', { ...vip, address: undefined }],
    ['service.address', { ...vip, address: '172.16.0.100/32' }],
    ['service.address', { ...vip, address: '::ffff:172.16.0.100' }],
    ['service.port', { ...vip, port: undefined }],
    ['service.port', { ...vip, port: 65536 }],
    ['service.port', { ...vip, port: '80' }],
    ['service.port', { ...vip, port: -0 }],
    ['service.sched', { ...vip, sched: 'rr' }],
    ['service.destinations', { ...vip, destinations: [] }],
  ])('refuses %s (%#)', (field, key) => expect(refused(() => keyOf(key)).field).toBe(field))
})

describe('a new service', () => {
  test('sends all that the kernel wants', () => {
    expect(added({ fwmark: 7 })).toEqual({
      family: 2,
      fwmark: 7,
      scheduler: 'wlc',
      persistenceEngine: undefined,
      flags: { value: 0, mask: ALL },
      timeout: 0,
      netmask: host,
    })
    expect(added({ fwmark: 7, family: 'ipv6' }).netmask).toEqual(prefix(128))
  })

  test.each([
    [{}, 360, host],
    [{ timeoutSeconds: 540 }, 540, host],
    [{ timeoutSeconds: 4294967, netmask: '255.255.255.0' }, 4294967, Uint8Array.of(255, 255, 255, 0)],
    [{ netmask: 24 }, 360, Uint8Array.of(255, 255, 255, 0)],
    [{ netmask: 1 }, 360, Uint8Array.of(128, 0, 0, 0)],
    [{ netmask: 32 }, 360, host],
    [{ netmask: '255.255.254.0' }, 360, Uint8Array.of(255, 255, 254, 0)],
  ])('persistence %j', (persistence, timeout, netmask) => {
    const row = added({ ...vip, persistence })
    expect(row.flags?.value).toBe(1)
    expect([row.timeout, row.netmask]).toEqual([timeout, netmask])
  })

  test('IPv6 persistence has a prefix length in host order', () => {
    expect(added({ fwmark: 7, family: 'ipv6', persistence: { netmask: 64 } }).netmask).toEqual(prefix(64))
  })

  test('flags', () => {
    const flags = (service: object) => added({ ...vip, ...service }).flags?.value
    expect(flags({ scheduler: 'sh', schedulerFlags: ['sh-fallback', 'sh-port'] })).toBe(0x18)
    expect(flags({ scheduler: 'mh', schedulerFlags: ['mh-port', 'flag-3'] })).toBe(0x30)
    expect(flags({ scheduler: 'rr', schedulerFlags: ['flag-1'], persistence: {} })).toBe(0x09)
    expect(flags({ protocol: 'udp', onePacket: true })).toBe(0x04)
    expect(added({ fwmark: 7, onePacket: true }).flags?.value).toBe(0x04)
    expect(flags({ onePacket: false, schedulerFlags: [] })).toBe(0)
  })

  test('persistence engine', () => {
    const row = added({ ...vip, protocol: 'udp', port: 5060, persistence: {}, persistenceEngine: 'sip' })
    expect(row.persistenceEngine).toBe('sip')
  })

  test.each<[string, object]>([
    ['service.address', { address: '0.0.0.0' }],
    ['service.address', { address: '::' }],
    ['service.address', { address: 'fe80::1' }],
    ['service.protocol', { protocol: '47' }],
    ['service.scheduler', { scheduler: '' }],
    ['service.scheduler', { scheduler: 'sixteen-letters-' }],
    ['service.scheduler', { scheduler: '../x' }],
    ['service.scheduler', { scheduler: 'rr\0x' }],
    ['service.scheduler', { scheduler: 'rr ' }],
    ['service.scheduler', { scheduler: 'RR' }],
    ['service.scheduler', { scheduler: '⚖️' }],
    ['service.scheduler', { scheduler: null }],
    ['service.scheduler', { scheduler: 7 }],
    ['service.schedulerFlags', { schedulerFlags: 'flag-1' }],
    ['service.schedulerFlags', { schedulerFlags: null }],
    ['service.schedulerFlags', { schedulerFlags: Array.from({ length: 1e6 }, () => 'flag-1') }],
    ['service.schedulerFlags[0]', { schedulerFlags: ['flag-4'] }],
    ['service.schedulerFlags[0]', { schedulerFlags: [8] }],
    ['service.schedulerFlags[1]', { schedulerFlags: ['flag-1', 'flag-1'] }],
    ['service.schedulerFlags[1]', { scheduler: 'sh', schedulerFlags: ['flag-1', 'sh-fallback'] }],
    ['service.schedulerFlags[0]', { schedulerFlags: ['sh-port'] }],
    ['service.schedulerFlags[0]', { scheduler: 'sh', schedulerFlags: ['mh-port'] }],
    ['service.persistence', { persistence: null }],
    ['service.persistence', { persistence: true }],
    ['service.persistence', { persistence: 360 }],
    ['service.persistence.timeout', { persistence: { timeout: 360 } }],
    ['service.persistence.timeoutSeconds', { persistence: { timeoutSeconds: 0 } }],
    ['service.persistence.timeoutSeconds', { persistence: { timeoutSeconds: 4294968 } }],
    ['service.persistence.timeoutSeconds', { persistence: { timeoutSeconds: -1 } }],
    ['service.persistence.timeoutSeconds', { persistence: { timeoutSeconds: 1.5 } }],
    ['service.persistence.netmask', { persistence: { netmask: '255.0.255.0' } }],
    ['service.persistence.netmask', { persistence: { netmask: '0.0.0.0' } }],
    ['service.persistence.netmask', { persistence: { netmask: '24' } }],
    ['service.persistence.netmask', { persistence: { netmask: 0 } }],
    ['service.persistence.netmask', { persistence: { netmask: 33 } }],
    ['service.persistence.netmask', { address: '2001:db8::1', persistence: { netmask: 0 } }],
    ['service.persistence.netmask', { address: '2001:db8::1', persistence: { netmask: 129 } }],
    ['service.persistence.netmask', { address: '2001:db8::1', persistence: { netmask: '255.255.255.0' } }],
    ['service.persistence.netmask', { address: '2001:db8::1', persistence: { netmask: 'ffff::' } }],
    ['service.persistence', { port: 0 }],
    ['service.persistenceEngine', { persistence: {}, persistenceEngine: '' }],
    ['service.persistenceEngine', { persistence: {}, persistenceEngine: 'sixteen-letters-' }],
    ['service.persistenceEngine', { persistence: {}, persistenceEngine: 'sip' }],
    ['service.persistenceEngine', { protocol: 'udp', persistenceEngine: 'sip' }],
    ['service.persistenceEngine', { protocol: 'udp', persistence: {}, persistenceEngine: null }],
    ['service.onePacket', { onePacket: true }],
    ['service.onePacket', { protocol: 'udp', onePacket: 1 }],
    ['service.weight', { weight: 1 }],
  ])('refuses %s (%#)', (field, settings) => expect(refused(() => added({ ...vip, ...settings })).field).toBe(field))

  test('says what was meant', () => {
    expect(refused(() => added({ ...vip, sched: 'rr' })).message).toContain('did you mean "scheduler"?')
    expect(refused(() => added({ ...vip, scheduler: 'RR' })).message).toContain('did you mean "rr"?')
    expect(refused(() => added({ ...vip, persistence: { timeout: 1 } })).message).toContain('"timeoutSeconds"')
    expect(refused(() => added({ ...vip, port: 0 })).message).toContain('persistence')
  })

  test('unusual but right', () => {
    added({ ...vip, scheduler: 'none' })
    added({ ...vip, scheduler: 'my_own-sched2' })
    added({ fwmark: 7, persistence: {}, persistenceEngine: 'sip' })
    added({ ...vip, port: 0, persistence: {} })
    added(Object.freeze({ ...vip, persistence: Object.freeze({}) }))
  })
})

describe('a patch', () => {
  const key = { fwmark: 7 }
  const identity = { family: 2, fwmark: 7 }
  const persistent: ServiceRow = {
    ...identity,
    scheduler: 'sh',
    flags: { value: 0x3, mask: ALL },
    timeout: 60,
    netmask: host,
  }
  const plain: ServiceRow = { ...persistent, scheduler: 'rr', flags: { value: 0x2, mask: ALL }, timeout: 0 }

  test.each<[object, ServiceRow]>([
    [{}, {}],
    [{ scheduler: 'rr' }, { scheduler: 'rr' }],
    [{ schedulerFlags: ['flag-2'] }, { flags: { value: 0x10, mask: 0x38 } }],
    [{ schedulerFlags: null }, { flags: { value: 0, mask: 0x38 } }],
    [{ schedulerFlags: [] }, { flags: { value: 0, mask: 0x38 } }],
    [{ onePacket: true }, { flags: { value: 4, mask: 4 } }],
    [{ onePacket: false }, { flags: { value: 0, mask: 4 } }],
    [{ persistence: { timeoutSeconds: 3600 } }, { flags: { value: 1, mask: 1 }, timeout: 3600 }],
    [
      { persistence: { timeoutSeconds: 60, netmask: 24 }, onePacket: false },
      { flags: { value: 1, mask: 5 }, timeout: 60, netmask: Uint8Array.of(255, 255, 255, 0) },
    ],
    [{ persistence: null }, { flags: { value: 0, mask: 1 }, timeout: 0, netmask: host, persistenceEngine: '' }],
    [{ persistenceEngine: null }, { persistenceEngine: '' }],
  ])('%j names what changes and nothing else', (patch, row) => {
    expect(needsCurrent(key, patch)).toBe(false)
    expect(changed(key, patch)).toEqual({ ...identity, ...row })
  })

  test('scheduler flags of an unnamed scheduler: the service decides', () => {
    const patch = { schedulerFlags: ['sh-port'] }
    expect(needsCurrent(key, patch)).toBe(true)
    expect(changed(key, patch, persistent).flags).toEqual({ value: 0x10, mask: 0x38 })
    expect(refused(() => changed(key, patch, plain)).message).toContain('the scheduler is "rr"')
    expect(needsCurrent(key, { ...patch, scheduler: 'sh' })).toBe(false)
    expect(refused(() => changed(key, { ...patch, scheduler: 'rr' })).field).toBe('patch.schedulerFlags[0]')
  })

  test('persistence without a timeout keeps the one there is, or starts with the default', () => {
    const patch = { persistence: { netmask: 24 } }
    const netmask = Uint8Array.of(255, 255, 255, 0)
    expect(needsCurrent(key, patch)).toBe(true)
    expect(changed(key, patch, persistent)).toEqual({ ...identity, flags: { value: 1, mask: 1 }, netmask })
    expect(changed(key, patch, plain)).toEqual({ ...identity, flags: { value: 1, mask: 1 }, netmask, timeout: 360 })
  })

  test('a persistence engine needs a persistent service', () => {
    const patch = { persistenceEngine: 'sip' }
    expect(needsCurrent(key, patch)).toBe(true)
    expect(changed(key, patch, persistent).persistenceEngine).toBe('sip')
    expect(refused(() => changed(key, patch, plain)).field).toBe('patch.persistenceEngine')
    expect(needsCurrent(key, { ...patch, persistence: { timeoutSeconds: 1 } })).toBe(false)
    expect(refused(() => changed(key, { ...patch, persistence: null })).field).toBe('patch.persistenceEngine')
  })

  test('port 0 stays persistent', () => {
    expect(refused(() => changed({ ...vip, port: 0 }, { persistence: null })).field).toBe('patch.persistence')
  })

  test.each<[string, object]>([
    ['patch.fwmark', { fwmark: 8 }],
    ['patch.family', { family: 'ipv6' }],
    ['patch.address', { address: '10.0.0.1' }],
    ['patch.scheduler', { scheduler: null }],
    ['patch.scheduler', { scheduler: 'RR' }],
    ['patch.onePacket', { onePacket: null }],
    ['patch.persistence.timeoutSeconds', { persistence: { timeoutSeconds: 0 } }],
    ['patch.timeout', { timeout: 7 }],
    ['patch.weight', { weight: 7 }],
  ])('refuses %s', (field, patch) => expect(refused(() => changed(key, patch)).field).toBe(field))

  test('may repeat the key in any spelling', () => {
    expect(changed(key, { fwmark: '0x7', family: 'ipv4', scheduler: 'rr' })).toEqual({ ...identity, scheduler: 'rr' })
    expect(refused(() => changed(vip, { port: 81 })).field).toBe('patch.port')
  })
})

describe('a listed service', () => {
  const zeros = { connections: 0n, inPackets: 0n, outPackets: 0n, inBytes: 0n, outBytes: 0n }
  const rates = { connections: 0, inPackets: 0, outPackets: 0, inBytes: 0, outBytes: 0 }
  const statistics = { ...zeros, rates }

  test('a mark', () => {
    const row = { family: 2, fwmark: 7, scheduler: 'rr', flags: { value: 0x2, mask: ALL }, timeout: 0, netmask: host }
    expect(listedService(row)).toEqual({
      fwmark: 7,
      family: 'ipv4',
      scheduler: 'rr',
      schedulerFlags: [],
      onePacket: false,
      statistics,
    })
  })

  test('an address with everything', () => {
    const row = {
      family: 10,
      protocol: 17,
      address: ipv4(0x20, 1, 0xd, 0xb8),
      port: 5060,
      scheduler: 'sh',
      persistenceEngine: 'sip',
      flags: { value: 0x3f, mask: ALL },
      timeout: 60,
      netmask: prefix(64),
      statistics: { connections: 5n, inBytes: 2n ** 60n, inBytesPerSecond: 1000n },
    }
    expect(listedService(row)).toEqual({
      protocol: 'udp',
      address: '2001:db8::',
      port: 5060,
      family: 'ipv6',
      scheduler: 'sh',
      schedulerFlags: ['sh-fallback', 'sh-port', 'flag-3'],
      persistence: { timeoutSeconds: 60, netmask: 64 },
      persistenceEngine: 'sip',
      onePacket: true,
      statistics: { ...zeros, connections: 5n, inBytes: 2n ** 60n, rates: { ...rates, inBytes: 1000 } },
    })
  })

  test('flags are named by the scheduler', () => {
    const flagsOf = (scheduler: string) =>
      listedService({ fwmark: 7, scheduler, flags: { value: 0x1a, mask: ALL } }).schedulerFlags
    expect(flagsOf('mh')).toEqual(['mh-fallback', 'mh-port'])
    expect(flagsOf('rr')).toEqual(['flag-1', 'flag-2'])
  })

  test.each([
    { fwmark: 7, family: 'ipv6', persistence: { netmask: 64 } },
    { fwmark: ALL, persistence: { timeoutSeconds: 540, netmask: '255.255.255.0' }, scheduler: 'rr' },
    { ...vip, scheduler: 'mh', schedulerFlags: ['mh-port'] },
    { ...vip, port: 0, persistence: {} },
    { ...vip, protocol: 'udp', onePacket: true, persistence: {}, persistenceEngine: 'sip' },
    { protocol: 'sctp', address: '2001:db8::1', port: 9 },
  ])('%j can be passed back', (service) => {
    const row = added(service)
    const listed = listedService({ ...row, flags: { value: (row.flags?.value ?? 0) | 0x2, mask: ALL } })
    expect(added(listed)).toEqual(row)
    expect(keyOf(listed).row).toEqual(keyOf({ ...listed, scheduler: undefined }).row)
    const { flags, ...patched } = changed(listed, listed, row)
    const { persistenceEngine, flags: all, ...rest } = row
    expect(patched).toMatchObject(listed.persistence ? rest : { scheduler: rest.scheduler })
    expect(flags?.value).toBe(all?.value)
    expect(patched.persistenceEngine).toBe(persistenceEngine)
  })

  test('what others stored: an odd protocol can be listed and removed', () => {
    const listed = listedService({ family: 2, protocol: 47, address: ipv4(10, 0, 0, 1), port: 80, scheduler: 'rr' })
    expect(listed).toMatchObject({ protocol: '47' })
    expect(keyOf(listed).row.protocol).toBe(47)
    expect(keyOf({ ...listed, address: '0.0.0.0' }).text).toBe('47 0.0.0.0:80')
  })

  test('what no kernel sends does no harm', () => {
    expect(listedService({})).toMatchObject({ address: '0.0.0.0', port: 0, scheduler: 'none' })
    expect(listedService({ fwmark: 7, flags: { value: 1, mask: ALL } })).toMatchObject({
      persistence: { timeoutSeconds: 0 },
    })
  })
})
