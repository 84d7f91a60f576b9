import { describe, expect, test } from 'vitest'

import { refused } from '../support/refused.ts'
import { ALL_FLAGS, ipv4, ipv6, keyOf, vip } from '../support/service-rows.ts'

describe('keys', () => {
  test.each([
    [{ fwmark: 7 }, { family: 2, fwmark: 7 }, 'FWM 7 ipv4'],
    [{ fwmark: '0x7' }, { family: 2, fwmark: 7 }, 'FWM 7 ipv4'],
    [{ fwmark: '0XfF' }, { family: 2, fwmark: 255 }, 'FWM 255 ipv4'],
    [{ fwmark: '4294967295', family: 'ipv6' }, { family: 10, fwmark: ALL_FLAGS }, 'FWM 4294967295 ipv6'],
    [vip, { family: 2, protocol: 6, address: ipv4(172, 16, 0, 100), port: 80 }, 'TCP 172.16.0.100:80'],
    [
      { protocol: 'sctp', address: '2001:DB8::', port: 0, family: 'ipv6' },
      { family: 10, protocol: 132, address: ipv6(0x20, 1, 0xd, 0xb8), port: 0 },
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
    ['service.destination', { ...vip, destination: {} }],
  ])('refuses %s (%#)', (field, key) => expect(refused(() => keyOf(key)).field).toBe(field))
})
