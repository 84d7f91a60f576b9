import { describe, expect, test, vi } from 'vitest'

import type { ServiceRow } from '../../../lib/binding/record-types.ts'
import { listedService } from '../../../lib/services/service.ts'
import { refused } from '../support/refused.ts'
import { ALL_FLAGS, added, changed, host, ipv4, ipv6, keyOf, prefix, vip } from '../support/service-rows.ts'

vi.mock('../../../lib/binding/addon.ts', () => import('../support/fake-binding.ts'))

const flagBits = (service: object) => added({ ...vip, ...service }).flags?.value

describe('a new service', () => {
  test('sends every setting that the kernel requires', () => {
    expect(added({ fwmark: 7 })).toEqual({
      family: 2,
      fwmark: 7,
      scheduler: 'wlc',
      persistenceEngine: undefined,
      flags: { value: 0, mask: ALL_FLAGS },
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
    expect(flagBits({ scheduler: 'sh', schedulerFlags: ['sh-fallback', 'sh-port'] })).toBe(0x18)
    expect(flagBits({ scheduler: 'mh', schedulerFlags: ['mh-port', 'flag-3'] })).toBe(0x30)
    expect(flagBits({ scheduler: 'rr', schedulerFlags: ['flag-1'], persistence: {} })).toBe(0x09)
    expect(flagBits({ protocol: 'udp', onePacket: true })).toBe(0x04)
    expect(added({ fwmark: 7, onePacket: true }).flags?.value).toBe(0x04)
    expect(flagBits({ onePacket: false, schedulerFlags: [] })).toBe(0)
  })

  test('persistence engine', () => {
    const row = added({ ...vip, protocol: 'udp', port: 5060, persistence: {}, persistenceEngine: 'sip' })
    expect(row.persistenceEngine).toBe('sip')
  })

  test.each<[string, object]>([
    ['service.address', { address: '::ffff:10.0.0.7' }],
    ['service.address', { address: '::ffff:10.0.0.7', family: 'ipv4' }],
    ['service.protocol', { protocol: 'icmp' }],
    ['service.protocol', { protocol: '047' }],
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
    ['service.persistence.timeoutSeconds', { persistence: { timeoutSeconds: 4294968 } }],
    ['service.persistence.timeoutSeconds', { persistence: { timeoutSeconds: -1 } }],
    ['service.persistence.timeoutSeconds', { persistence: { timeoutSeconds: 1.5 } }],
    ['service.persistence.netmask', { persistence: { netmask: '24' } }],
    ['service.persistence.netmask', { persistence: { netmask: -1 } }],
    ['service.persistence.netmask', { persistence: { netmask: '255.255.255.256' } }],
    ['service.persistence.netmask', { persistence: { netmask: 33 } }],
    ['service.persistence.netmask', { address: '2001:db8::1', persistence: { netmask: 0 } }],
    ['service.persistence.netmask', { address: '2001:db8::1', persistence: { netmask: 129 } }],
    ['service.persistence.netmask', { address: '2001:db8::1', persistence: { netmask: '255.255.255.0' } }],
    ['service.persistence.netmask', { address: '2001:db8::1', persistence: { netmask: 'ffff::' } }],
    ['service.persistenceEngine', { persistence: {}, persistenceEngine: '' }],
    ['service.persistenceEngine', { persistence: {}, persistenceEngine: 'sixteen-letters-' }],
    ['service.persistenceEngine', { protocol: 'udp', persistence: {}, persistenceEngine: null }],
    ['service.onePacket', { protocol: 'udp', onePacket: 1 }],
    ['service.weight', { weight: 1 }],
  ])('refuses %s (%#)', (field, settings) => expect(refused(() => added({ ...vip, ...settings })).field).toBe(field))

  test('suggests the likely name', () => {
    expect(refused(() => added({ ...vip, sched: 'rr' })).message).toContain('did you mean "scheduler"?')
    expect(refused(() => added({ ...vip, scheduler: 'RR' })).message).toContain('did you mean "rr"?')
    expect(refused(() => added({ ...vip, persistence: { timeout: 1 } })).message).toContain('"timeoutSeconds"')
    expect(refused(() => added({ ...vip, address: '::ffff:10.0.0.7' })).message).toContain('write "10.0.0.7"')
  })

  test('unusual values are accepted', () => {
    expect(added({ ...vip, scheduler: 'none' }).scheduler).toBe('none')
    expect(added({ ...vip, scheduler: 'my_own-sched2' }).scheduler).toBe('my_own-sched2')
    expect(added({ fwmark: 7, persistence: {}, persistenceEngine: 'sip' }).persistenceEngine).toBe('sip')
    expect(added({ ...vip, port: 0, persistence: {} }).port).toBe(0)
    expect(added(Object.freeze({ ...vip, persistence: Object.freeze({}) })).timeout).toBe(360)
  })
})

describe('a listed service', () => {
  const zeros = { connections: 0n, inPackets: 0n, outPackets: 0n, inBytes: 0n, outBytes: 0n }
  const rates = { connections: 0, inPackets: 0, outPackets: 0, inBytes: 0, outBytes: 0 }
  const statistics = { ...zeros, rates }

  test('a mark', () => {
    const row = {
      family: 2,
      fwmark: 7,
      scheduler: 'rr',
      flags: { value: 0x2, mask: ALL_FLAGS },
      timeout: 0,
      netmask: host,
    }
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
      address: ipv6(0x20, 1, 0xd, 0xb8),
      port: 5060,
      scheduler: 'sh',
      persistenceEngine: 'sip',
      flags: { value: 0x3f, mask: ALL_FLAGS },
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
    const row = { fwmark: 7, flags: { value: 0x1a, mask: ALL_FLAGS } }
    expect(listedService({ ...row, scheduler: 'mh' }).schedulerFlags).toEqual(['mh-fallback', 'mh-port'])
    expect(listedService({ ...row, scheduler: 'rr' }).schedulerFlags).toEqual(['flag-1', 'flag-2'])
  })

  test.each([
    { fwmark: 7, family: 'ipv6', persistence: { netmask: 64 } },
    { fwmark: ALL_FLAGS, persistence: { timeoutSeconds: 540, netmask: '255.255.255.0' }, scheduler: 'rr' },
    { ...vip, scheduler: 'mh', schedulerFlags: ['mh-port'] },
    { ...vip, port: 0, persistence: {} },
    { ...vip, protocol: 'udp', onePacket: true, persistence: {}, persistenceEngine: 'sip' },
    { protocol: 'sctp', address: '2001:db8::1', port: 9 },
  ])('%j can be passed back', (service) => {
    const row = added(service)
    const listed = listedService({ ...row, flags: { value: (row.flags?.value ?? 0) | 0x2, mask: ALL_FLAGS } })
    expect(added(listed)).toEqual(row)
    expect(keyOf(listed).row).toEqual(keyOf({ ...listed, scheduler: undefined }).row)
    const { flags, ...patched } = changed(listed, listed, row)
    const { persistenceEngine, flags: all, ...rest } = row
    expect(patched).toMatchObject(listed.persistence ? rest : { scheduler: rest.scheduler })
    expect(flags?.value).toBe(all?.value)
    expect(patched.persistenceEngine).toBe(persistenceEngine)
  })

  test('an entry of a snapshot, with its destinations, can be passed back', () => {
    const row = added({ fwmark: 7 })
    const snapshot = { ...listedService(row), destinations: [{ address: '10.0.0.7' }] }
    expect(added(snapshot)).toEqual(row)
    expect(changed(snapshot, snapshot, row).scheduler).toBe('wlc')
  })

  const useless: ServiceRow = {
    family: 2,
    protocol: 6,
    address: ipv4(10, 0, 0, 1),
    port: 80,
    scheduler: 'rr',
    flags: { value: 0x2, mask: ALL_FLAGS },
    timeout: 0,
    netmask: host,
  }
  const persistent = { flags: { value: 0x3, mask: ALL_FLAGS }, timeout: 60 }
  test.each<[string, Partial<ServiceRow>]>([
    ['all zeros', { address: ipv4(0, 0, 0, 0), port: 0 }],
    ['0.0.0.0', { address: ipv4(0, 0, 0, 0) }],
    ['broadcast', { address: ipv4(255, 255, 255, 255) }],
    ['link-local', { family: 10, address: ipv6(0xfe, 0x80), netmask: prefix(128) }],
    ['IPv4-mapped', { family: 10, address: ipv6(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10), netmask: prefix(128) }],
    ['all ports without persistence', { port: 0 }],
    ['protocol 0', { protocol: 0 }],
    ['protocol 47', { protocol: 47 }],
    ['protocol 65535', { protocol: 65535 }],
    ['one-packet TCP', { flags: { value: 0x6, mask: ALL_FLAGS } }],
    ['an engine alone', { persistenceEngine: 'sip' }],
    ['an engine of TCP', { ...persistent, persistenceEngine: 'sip' }],
    ['persistent for no time', { ...persistent, timeout: 0 }],
    ['all clients are one', { ...persistent, netmask: Uint8Array.of(0, 0, 0, 0) }],
    ['a netmask with gaps', { ...persistent, netmask: Uint8Array.of(255, 0, 255, 0) }],
    ['a netmask from the end', { ...persistent, netmask: Uint8Array.of(0, 0, 0, 128) }],
  ])('an unusual service, stored by another program, can be passed back: %s', (_, more) => {
    const row = { ...useless, ...more }
    const listed = listedService(row)
    const again = added(listed)
    expect(listedService(again)).toEqual(listed)
    expect(again.flags?.value).toBe((row.flags?.value ?? 0) & ~0x2)
    expect(keyOf(listed).row).toEqual(keyOf(again.fwmark === undefined ? listed : {}).row)
    expect(listedService({ ...row, ...changed(listed, listed, row), flags: row.flags })).toEqual(listed)
  })

  test('a service with an odd protocol, stored by another program, can be listed and removed', () => {
    const listed = listedService({ family: 2, protocol: 47, address: ipv4(10, 0, 0, 1), port: 80, scheduler: 'rr' })
    expect(listed).toMatchObject({ protocol: '47' })
    expect(keyOf(listed).row.protocol).toBe(47)
    expect(keyOf({ ...vip, protocol: '17' }).protocol).toBe('udp')
    expect(refused(() => keyOf({ ...vip, protocol: '65536' })).field).toBe('service.protocol')
    expect(keyOf({ ...listed, address: '0.0.0.0' }).text).toBe('47 0.0.0.0:80')
  })

  test('rows that no kernel sends are listed without an exception', () => {
    expect(listedService({})).toMatchObject({ address: '0.0.0.0', port: 0, scheduler: 'none' })
    expect(listedService({ fwmark: 7, flags: { value: 1, mask: ALL_FLAGS } })).toMatchObject({
      persistence: { timeoutSeconds: 0 },
    })
  })
})
