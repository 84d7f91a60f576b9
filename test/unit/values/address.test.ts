import { isIPv6 } from 'node:net'

import { describe, expect, test } from 'vitest'

import { addressKind, formatAddress, formatEndpoint, parseAddress } from '../../../lib/values/address.ts'
import { randomSource } from '../support/random.ts'
import { refused } from '../support/refused.ts'

const parse = (text: unknown) => parseAddress(text, 'address')
const roundTrip = (text: string) => {
  const { bytes, family } = parse(text)
  return formatAddress(bytes, family)
}
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')

describe('IPv4', () => {
  test('is in the first four of 16 bytes', () => {
    expect(hex(parse('172.16.0.100').bytes)).toBe(`ac100064${'00'.repeat(12)}`)
  })

  test('every octet is formatted as it was parsed', () => {
    const random = randomSource(4)
    for (let i = 0; i < 2000; i++) {
      const word = random()
      const text = [word >>> 24, (word >>> 16) & 255, (word >>> 8) & 255, word & 255].join('.')
      expect(roundTrip(text)).toBe(text)
    }
  })
})

describe('IPv6', () => {
  test.each([
    ['2001:db8::7', '20010db8000000000000000000000007'],
    ['::', '00000000000000000000000000000000'],
    ['::1', '00000000000000000000000000000001'],
    ['1::', '00010000000000000000000000000000'],
    ['1:2:3:4:5:6:7:8', '00010002000300040005000600070008'],
    ['64:ff9b::192.0.2.33', '0064ff9b0000000000000000c0000221'],
    ['1:2:3:4:5:6:192.0.2.33', '000100020003000400050006c0000221'],
  ])('%s is %s', (text, bytes) => expect(hex(parse(text).bytes)).toBe(bytes))

  // RFC 5952, section 4 and 5.
  test.each([
    ['2001:0db8::0001', '2001:db8::1'],
    ['2001:db8:0:0:0:0:2:1', '2001:db8::2:1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['2001:DB8::ABCD', '2001:db8::abcd'],
    ['0:0:0:0:0:0:0:0', '::'],
    ['1:0:0:0:0:0:0:0', '1::'],
    ['0:0:0:0:0:0:0:1', '::1'],
  ])('%s is written %s', (text, written) => expect(roundTrip(text)).toBe(written))

  test('a mapped address is written with dots', () => {
    const bytes = new Uint8Array(16)
    bytes.set([0xff, 0xff, 192, 0, 2, 1], 10)
    expect(formatAddress(bytes, 'ipv6')).toBe('::ffff:192.0.2.1')
  })

  test('formatted addresses are parsed to the same bytes', () => {
    const random = randomSource(6)
    for (let i = 0; i < 5000; i++) {
      const bytes = new Uint8Array(16)
      // Many zero groups, so that all shapes of "::" occur; the first is not zero, so none is a mapped address.
      for (let group = 0; group < 8; group++) {
        const value = group === 0 || random() % 3 === 0 ? (random() & 0xffff) | 1 : 0
        bytes.set([value >> 8, value & 255], group * 2)
      }
      const text = formatAddress(bytes, 'ipv6')
      expect(text).toSatisfy(isIPv6)
      expect(hex(parse(text).bytes)).toBe(hex(bytes))
    }
  })
})

test.each([
  '',
  ' ',
  '1.2.3',
  '1.2.3.4.5',
  '256.1.1.1',
  '01.2.3.4',
  '0x7f.1',
  '0x7f.0.0.1',
  '1.2.3.4/32',
  '1.2.3.4 ',
  ' 1.2.3.4',
  '1.2.3.4\n',
  '１.2.3.4',
  '1.2.3.4\0',
  '1.2.3.4\0.5',
  '1.2.3.-4',
  '1..2.3',
  '2130706433',
  ':::',
  '1::2::3',
  '1:2:3:4:5:6:7:8:9',
  '1:2:3:4:5:6:7',
  '[::1]',
  '::1%lo',
  'fe80::1%eth0',
  '12345::',
  '::g',
  '::1.2.3',
  '::ffff:1.2.3.4',
  '::ffff:102:304',
  '0:0:0:0:0:FFFF:1.2.3.4',
  '1.2.3.4:80',
  'localhost',
  '2001:db8::/32',
])('refuses %j', (text) => {
  expect(refused(() => parse(text)).field).toBe('address')
})

test.each([
  [3232235777],
  [null],
  [undefined],
  [true],
  [10n],
  [['1.2.3.4']],
  [{ toString: () => '1.2.3.4' }],
  [Buffer.from('1.2.3.4')],
  [new Uint8Array(4)],
  [Object('1.2.3.4')],
  [Symbol('1.2.3.4')],
])('refuses values that are not text: %s', (value) => {
  expect(refused(() => parse(value)).message).toContain('is not the text of an IP address')
})

test.each([
  ['::ffff:1.2.3.4', 'write "1.2.3.4"'],
  ['::ffff:102:304', 'write "1.2.3.4"'],
  ['01.2.3.4', 'without leading zeros'],
  ['1.2.3.4/24', 'not a block'],
  ['1.2.3.4 ', 'white space'],
  ['fe80::1%eth0', 'zone'],
  ['[::1]', 'without brackets'],
  ['1.2.3.4:80', 'port separately'],
])('the message has the fix: %j', (text, fix) => {
  expect(refused(() => parse(text)).message).toContain(fix)
})

test.each([
  ['0.0.0.0', 'unspecified'],
  ['::', 'unspecified'],
  ['224.0.0.1', 'multicast'],
  ['239.255.255.255', 'multicast'],
  ['ff02::1', 'multicast'],
  ['255.255.255.255', 'broadcast'],
  ['fe80::1', 'link-local'],
  ['febf::1', 'link-local'],
  ['fec0::1', 'unicast'],
  ['240.0.0.1', 'unicast'],
  ['10.0.0.7', 'unicast'],
  ['::1', 'unicast'],
])('%s is %s', (text, kind) => {
  expect(addressKind(parse(text))).toBe(kind)
})

test('endpoints', () => {
  expect(formatEndpoint(parse('10.0.0.7').bytes, 'ipv4', 80)).toBe('10.0.0.7:80')
  expect(formatEndpoint(parse('2001:db8::7').bytes, 'ipv6', 80)).toBe('[2001:db8::7]:80')
})
