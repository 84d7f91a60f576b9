// `ipvs marks`: what its words mean, what it prints.
import type { FoundMark, ListedMarkRule, ListedNatRule, NatRule } from 'ipvs'
import { describe, expect, test } from 'vitest'
import { ruleOf } from '../../../../cli/marks/marks.ts'
import { masqueradeOf, redirectOf } from '../../../../cli/marks/nat.ts'
import { renderFound, renderMarks, renderNat } from '../../../../cli/marks/rule-tables.ts'
import { markRuleText, natRuleText, portsOf } from '../../../../state/rule-text.ts'
import { runProgram } from '../../../../cli/verbs/program.ts'
import { Written } from '../written.ts'

const plain: ListedMarkRule = { mark: 7, address: '172.16.0.100', protocol: 'tcp', ports: [80, '1000-2000'] }
const full: ListedMarkRule = {
  mark: 8,
  mask: 0xff,
  address: '10.0.0.0/24',
  protocol: 'all',
  ports: 'all',
  source: '192.168.0.0/16',
  interface: 'eth*',
  counter: true,
  packets: 12_345n,
  bytes: 99_999_999n,
  comment: "it's",
}
const masquerade: ListedNatRule = { action: 'masquerade', source: '10.0.0.0/24', protocol: 'tcp', sourcePorts: [20] }
const redirect: ListedNatRule = {
  action: 'redirect',
  address: '172.16.0.100',
  protocol: 'tcp',
  ports: [80],
  toPort: 8080,
  interface: 'eth0',
}
const lines = (text: string): string[] => text.trimEnd().split('\n')

describe('text of rules', () => {
  test('ports', () => {
    expect(portsOf('80,443,10000-20000')).toEqual([80, 443, '10000-20000'])
    expect(portsOf('all')).toBe('all')
    expect(portsOf(undefined)).toBe(undefined)
  })

  test('of rules', () => {
    expect(markRuleText(plain)).toBe('7 172.16.0.100 tcp 80,1000-2000')
    expect(markRuleText(full)).toBe(
      "8 10.0.0.0/24 all all --mask 0xff --source 192.168.0.0/16 --interface 'eth*' --counter --comment 'it'\\''s'",
    )
    expect(natRuleText(masquerade)).toBe('masquerade 10.0.0.0/24 tcp 20')
    expect(natRuleText({ ...masquerade, address: '172.16.0.0/24' })).toBe(
      'masquerade 10.0.0.0/24 tcp 20 --to 172.16.0.0/24',
    )
    expect(natRuleText(redirect)).toBe('redirect 172.16.0.100 tcp 80 --to-port 8080 --interface eth0')
  })

  test('rules of arguments', () => {
    expect(ruleOf(['7', '172.16.0.100', 'tcp', '80,1000-2000'], {})).toEqual({ ...plain, mark: '7' })
    expect(ruleOf(['9', '::/0', 'all'], { mask: '0xff', counter: true })).toEqual({
      mark: '9',
      address: '::/0',
      protocol: 'all',
      ports: undefined,
      mask: '0xff',
      counter: true,
    })
    const wanted: NatRule = { action: 'masquerade', source: '10.0.0.7', protocol: 'all', address: '10.1.0.0/16' }
    expect(masqueradeOf(['10.0.0.7', 'all'], { to: '10.1.0.0/16' })).toEqual(wanted)
    expect(redirectOf(['172.16.0.100', 'tcp', '80'], { toPort: 8080, interface: 'eth0' })).toEqual(redirect)
  })
})

describe('tables', () => {
  test('columns that no rule needs are left out', () => {
    expect(lines(renderMarks([plain], new Written()))).toEqual([
      'MARK  ADDRESS       PROTOCOL  PORTS         COMMENT',
      '   7  172.16.0.100  tcp       80,1000-2000',
    ])
    expect(lines(renderMarks([plain, full], new Written()))).toEqual([
      'MARK  MASK  ADDRESS       PROTOCOL  PORTS         SOURCE          INTERFACE  PACKETS  BYTES  COMMENT',
      '   7        172.16.0.100  tcp       80,1000-2000',
      "   8  0xff  10.0.0.0/24   all       all           192.168.0.0/16  eth*         12.3k  99.9M  it's",
    ])
  })

  test('rules that translate addresses', () => {
    expect(lines(renderNat([masquerade, redirect], new Written()))).toEqual([
      'ACTION      SOURCE       SOURCE-PORTS  ADDRESS       PROTOCOL  PORTS  TO-PORT  INTERFACE',
      'masquerade  10.0.0.0/24  20                          tcp',
      'redirect                               172.16.0.100  tcp       80        8080  eth0',
    ])
  })

  test('rules of other programs, and a mark without a number', () => {
    const found: FoundMark = { mark: 7, family: 'inet', table: 'filter', chain: 'pre', handle: 5n }
    const { mark: _mark, ...unknown } = { ...found, mask: 0xff, handle: 6n }
    expect(lines(renderFound([found, unknown], new Written()))).toEqual([
      'MARK  MASK  TABLE        CHAIN  RULE',
      '   7        inet filter  pre       5',
      '   ?  0xff  inet filter  pre       6',
    ])
  })
})

test.each([
  ['marks', 'add', '7', '172.16.0.100', 'tcp', '80,', '443'],
  ['marks', 'nat', 'add', 'drop', '172.16.0.100', 'tcp'],
  ['marks', 'nat', 'add', 'redirect', '172.16.0.100', 'tcp', '80', '--to-port', 'http'],
  ['marks', 'allocate', '--from'],
])('%s %s %s %s is refused', async (...words) => {
  const nowhere = ['--netns', '/nowhere/at/all'] // nothing of this may get anywhere
  expect(await runProgram([...nowhere, ...words], new Written())).toBe(2)
})
