import { describe, expect, test, vi } from 'vitest'

import { formatAddressBlock, parseAddressBlock } from '../../../lib/values/address-block.ts'
import { elementsOf, ruleOf } from '../../../lib/marks/mark-element.ts'
import { describeRule } from '../../../lib/marks/checked-rule.ts'
import { listedRule, parseMarkRule, type MarkRule } from '../../../lib/marks/mark-rule.ts'
import { listedNatRule, parseNatRule, type NatRule } from '../../../lib/marks/nat-rule.ts'
import { ruleId } from '../../../lib/marks/rule-id.ts'
import { refused } from '../support/refused.ts'

vi.mock('../../../lib/binding/addon.ts', () => import('../support/fake-binding.ts'))

const web: MarkRule = { mark: 7, address: '172.16.0.100', protocol: 'tcp', ports: [80, 443] }
const parse = (change: object = {}) => parseMarkRule({ ...web, ...change }, 'rule')
const listed = (change: object = {}) => listedRule(parse(change))

describe('rules', () => {
  test('are listed in one spelling', () => {
    expect(listed()).toEqual(web)
    expect(listed({ mark: '0x15', ports: ['10000-20000', 21] })).toEqual({
      ...web,
      mark: 21,
      ports: [21, '10000-20000'],
    })
    expect(listed({ ports: 80 }).ports).toEqual([80])
    expect(listed({ ports: '80-80' }).ports).toEqual([80])
    expect(listed({ ports: [81, 80, '82-90'] }).ports).toEqual([80, 81, '82-90']) // neighbours are not joined
    expect(listed({ comment: '' })).not.toHaveProperty('comment')
    expect(listed({ comment: 'café' }).comment).toBe('café')
  })

  test('listed rules can be passed back', () => {
    const rule = listed({ address: '2001:DB8::/32', ports: [1, '5-9', 65535], comment: 'a, b; {c}' })
    expect(listedRule(parseMarkRule(rule, 'rule'))).toEqual(rule)
    expect(rule.address).toBe('2001:db8::/32')
  })

  test('rules that maps cannot express are listed, too', () => {
    const special = { source: '10.0.0.0/8', interface: 'eth*', mask: 0xff, counter: true }
    expect(listed(special)).toEqual({ ...web, ...special, packets: 0n, bytes: 0n })
    expect(listed({ mask: '0xffffffff', source: '0.0.0.0/0', counter: false })).toEqual(web) // which say nothing
    expect(listed({ protocol: 'all', ports: undefined })).toEqual({ ...web, protocol: 'all', ports: 'all' })
    expect(listed({ ports: 'all' }).ports).toBe('all')
    const counted = listed({ counter: true })
    expect(listedRule(parseMarkRule({ ...counted, packets: 5n, bytes: 300n }, 'rule'))).toEqual(counted)
  })

  test('elements are converted back to the rule', () => {
    const changes = [
      {},
      { address: '::1', ports: ['1-65535'] },
      { address: '10.0.0.5-10.0.0.9', comment: 'x' },
      { protocol: 'all', ports: 'all', counter: true },
      { mask: 0xff, source: '10.9.0.0/16', interface: 'eth0', counter: true },
      { address: '2001:db8::/32', ports: 'all', source: '2001:db8::1-2001:db8::9' },
    ]
    for (const change of changes) {
      const rule = parse({ ports: [21, '10000-20000'], ...change })
      expect(listedRule(ruleOf(elementsOf(rule)))).toEqual(listedRule(rule))
    }
  })

  test('are described in one line', () => {
    expect(describeRule(parse())).toBe('tcp 172.16.0.100 ports 80, 443 -> mark 7')
    expect(describeRule(parse({ ports: ['5-9'] }))).toBe('tcp 172.16.0.100 ports 5-9 -> mark 7')
    const many = Array.from({ length: 100 }, (_, index) => index * 2 + 1)
    expect(describeRule(parse({ protocol: 'all', ports: 'all' }))).toBe('all protocols 172.16.0.100 -> mark 7')
    expect(describeRule(parse({ ports: 'all', source: '10.0.0.0/8', interface: 'eth0', mask: 255 }))).toBe(
      'tcp 172.16.0.100 all ports from 10.0.0.0/8 on eth0 -> mark 0x7/0xff',
    )
    expect(describeRule(parse({ ports: many }))).toMatch(/ports 1, 3, 5, 7, 9, 11, 13, 15, \.\.\. \(100 in all\)/)
  })

  test.each<[string, object, RegExp?]>([
    ['rule.mark', { mark: 0 }],
    ['rule.mark', { mark: 2 ** 32 }],
    ['rule.mark', { mark: '7x' }],
    ['rule.mark', { mark: undefined }],
    ['rule.address', { address: '172.16.0' }],
    ['rule.address', { address: undefined }],
    ['rule.address', { address: '0.0.0.0' }, /write "0.0.0.0\/0"/],
    ['rule.protocol', { protocol: 'TCP' }, /did you mean "tcp"/],
    ['rule.protocol', { protocol: 'icmp' }],
    ['rule.protocol', { protocol: '256' }],
    ['rule.protocol', { protocol: undefined }],
    ['rule.ports', { ports: [] }, /"all"/],
    ['rule.ports', { ports: undefined }],
    ['rule.ports', { ports: [80, 80] }, /port 80 is listed twice: 80 and 80/],
    ['rule.ports', { ports: ['70-90', 80] }, /port 80 is listed twice: 70-90 and 80/],
    ['rule.ports[1]', { ports: [1, 0] }],
    ['rule.ports[0]', { ports: [65536] }],
    ['rule.ports[0]', { ports: ['9-1'] }, /write "1-9"/],
    ['rule.ports[0]', { ports: ['0-9'] }],
    ['rule.ports[0]', { ports: ['80'] }, /the number 80 without quotes/],
    ['rule.ports[0]', { ports: ['http'] }],
    ['rule.ports[0]', { ports: [[80]] }],
    ['rule.comment', { comment: 'a "b"' }],
    ['rule.comment', { comment: 'a\nb' }],
    ['rule.comment', { comment: 7 }],
    ['rule.comment', { comment: 'é'.repeat(65) }, /128 bytes/],
    ['rule.port', { port: 80 }, /did you mean "ports"/],
    ['rule.ports', { protocol: 'all' }, /leave ports out/],
    ['rule.ports', { ports: undefined }, /or "all"/],
    ['rule.mask', { mask: 0 }],
    ['rule.mask', { mask: 0x3 }, /does not include the bits 0x4 of mark 0x7/],
    ['rule.source', { source: '2001:db8::1' }, /is ipv6, but the address is ipv4/],
    ['rule.source', { source: '10.0.0.1/8' }, /write "10.0.0.0\/8"/],
    ['rule.interface', { interface: '' }],
    ['rule.interface', { interface: '*' }],
    ['rule.interface', { interface: 'eth 0' }],
    ['rule.interface', { interface: 'e*h' }],
    ['rule.interface', { interface: 'a-very-long-name' }, /15 bytes/],
    ['rule.counter', { counter: 1 }, /true nor false/],
  ])('refuse %s (%#)', (field, change, text = /./) => {
    const error = refused(() => parse(change))
    expect(error.field).toBe(field)
    expect(error.message).toMatch(text)
  })
})

const again = (rule: object) => listedNatRule(ruleOf(elementsOf(parseNatRule(rule, 'rule'))))

describe('rules that translate addresses', () => {
  const ftp = { action: 'masquerade', source: '10.0.0.0/24', protocol: 'tcp', sourcePorts: [20] } as const
  const real = { action: 'redirect', address: '172.16.0.100', protocol: 'tcp', ports: [80], toPort: 8080 } as const

  test.each<[NatRule, string]>([
    [ftp, 'tcp source port 20 from 10.0.0.0/24 -> masquerade'],
    [
      { ...ftp, protocol: 'all', sourcePorts: 'all', address: '10.9.0.0/16', comment: 'x' },
      'all protocols 10.9.0.0/16 from 10.0.0.0/24 -> masquerade',
    ],
    [real, 'tcp 172.16.0.100 port 80 -> redirect to port 8080'],
    [
      { action: 'redirect', address: '2001:db8::7', protocol: 'udp', ports: 'all', interface: 'eth0' },
      'udp 2001:db8::7 all ports on eth0 -> redirect',
    ],
    [{ ...real, source: '10.0.0.0/8' }, 'tcp 172.16.0.100 port 80 from 10.0.0.0/8 -> redirect to port 8080'],
  ])('%j: %s', (rule, text) => {
    expect(again(rule)).toEqual(rule)
    expect(describeRule(parseNatRule(rule, 'rule'))).toBe(text)
  })

  test('several ports, and counters', () => {
    expect(again({ ...ftp, sourcePorts: [443, 20, '80-90'] })).toEqual({ ...ftp, sourcePorts: [20, '80-90', 443] })
    expect(again({ ...real, counter: true, packets: 7n })).toEqual({ ...real, counter: true, packets: 0n, bytes: 0n })
  })

  test.each<[string, object, RegExp?]>([
    ['rule.action', { action: 'snat' }, /"masquerade" or "redirect"/],
    ['rule.ports', { ...ftp, ports: 80 }, /"masquerade" has no such property/],
    ['rule.sourcePorts', { ...real, sourcePorts: 80 }, /"redirect" has no such property/],
    ['rule.source', { ...ftp, source: undefined }],
    ['rule.address', { ...ftp, address: '::/0' }, /is ipv6, but the address is ipv4/],
    ['rule.toPort', { ...real, toPort: 0 }],
    ['rule.toPort', { ...real, protocol: 'all', ports: 'all' }, /a port needs a protocol/],
    ['rule.mark', { ...real, mark: 7 }, /no such property/],
  ])('refuse %s (%#)', (field, rule, text = /./) => {
    const error = refused(() => parseNatRule(rule, 'rule'))
    expect(error.field).toBe(field)
    expect(error.message).toMatch(text)
  })
})

describe('ids', () => {
  test('are the same for the same rule, however it is written', () => {
    const id = ruleId(parse())
    expect(ruleId(parse({ ports: [443, 80], mark: '7', comment: 'other', address: '172.16.0.100/32' }))).toBe(id)
    expect(id).toBe(0x3012929115943f71n) // stored in kernels: it must not change
    const special = { ports: [53, '1000-2000'], mask: '0xff', source: 'fe80::/10', interface: 'eth*' }
    expect(ruleId(parse({ ...special, address: '2001:db8::/32', protocol: 'udp' }))).toBe(0xff7cc35da57d62b2n)
    const largest = { mark: 0xffffffff, address: '255.255.255.254', protocol: 'all', ports: 'all' }
    expect(ruleId(parse(largest))).toBe(0xa56be7d8aa692c75n)
  })

  test('differ for different rules', () => {
    const ids = new Set<bigint>()
    const changes = [{}, { mark: 8 }, { protocol: 'udp' }, { ports: 80 }, { ports: ['80-443'] }, { ports: [443] }]
    for (const change of changes) ids.add(ruleId(parse(change)))
    for (const address of ['172.16.0.101', '172.16.0.100/31', 'ac10:64::', '172.16.0.0/24'])
      ids.add(ruleId(parse({ address })))
    for (let mark = 100; mark < 20100; mark++) ids.add(ruleId(parse({ mark })))
    const others = [
      { mask: 0xff },
      { mask: 0x7f },
      { source: '10.0.0.0/8' },
      { interface: 'eth0' },
      { interface: 'eth1' },
    ]
    for (const change of others) ids.add(ruleId(parse(change)))
    expect(ids.size).toBe(changes.length + 4 + 20000 + others.length)
  })
})

describe('address blocks', () => {
  test.each([
    ['10.0.0.1', '10.0.0.1'],
    ['10.0.0.1/32', '10.0.0.1'],
    ['10.0.0.0/24', '10.0.0.0/24'],
    ['10.0.0.0-10.0.0.255', '10.0.0.0/24'],
    ['10.0.0.0-10.0.0.254', '10.0.0.0-10.0.0.254'],
    ['10.0.0.1-10.0.0.1', '10.0.0.1'],
    ['10.0.0.2-10.0.0.3', '10.0.0.2/31'],
    ['10.0.0.1-10.0.0.2', '10.0.0.1-10.0.0.2'],
    ['0.0.0.0/0', '0.0.0.0/0'],
    ['0.0.0.0-255.255.255.255', '0.0.0.0/0'],
    ['2001:DB8:0::/32', '2001:db8::/32'],
    ['::/0', '::/0'],
    ['2001:db8::5-2001:db8::9', '2001:db8::5-2001:db8::9'],
    ['fe80::1/128', 'fe80::1'],
  ])('%s is %s', (text, expected) => {
    const { from, to, family, text: spelling } = parseAddressBlock(text, 'address')
    expect(spelling).toBe(expected)
    expect(formatAddressBlock(from, to, family)).toBe(expected)
    expect([from.length, to.length]).toEqual([16, 16])
  })

  test.each<[unknown, RegExp]>([
    ['10.0.0.5/24', /write "10\.0\.0\.0\/24" or "10\.0\.0\.5"/],
    ['2001:db8::1/64', /write "2001:db8::\/64" or "2001:db8::1"/],
    ['10.0.0.0/33', /0 to 32/],
    ['10.0.0.0/', /prefix length/],
    ['10.0.0.0/024', /prefix length/],
    ['::/129', /0 to 128/],
    ['10.0.0.9-10.0.0.5', /lower address first/],
    ['10.0.0.9-::1', /mixes/],
    ['10.0.0.1-', /not an IPv4 or IPv6 address/],
    ['10.0.0.1-10', /not an IPv4 or IPv6 address/],
    ['::', /"::\/0"/],
    [7, /not the text/],
  ])('%s is refused', (value, text) => {
    expect(refused(() => parseAddressBlock(value, 'address')).message).toMatch(text)
  })
})
