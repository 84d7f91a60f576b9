// Rules of other packet filters: the files are outputs of iptables-save 1.8.9, ip6tables-save and nft 1.0.6.
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { checkMarkRules, IpvsError } from 'ipvs'
import { readPacketFilter } from 'ipvs/state'
import { markRuleText, natRuleText } from '../../../state/rule-text.ts'

const file = (name: string): string => readFileSync(new URL(`packet-filter/${name}`, import.meta.url), 'utf8')

function lines(text: string): string[] {
  const { marks, nat, remarks } = readPacketFilter(text)
  checkMarkRules(marks)
  return [
    ...marks.map(markRuleText),
    ...nat.map((rule) => natRuleText(rule)),
    ...remarks.map(({ line, text: what }) => `${line}: ${what}`),
  ]
}

test('iptables-save', () => {
  expect(lines(file('iptables.save'))).toEqual([
    "53 172.16.0.53 udp 53 --mask 0xff --interface eth0 --comment 'the '\\''dns'\\'' service'",
    '9 172.16.0.101 all all --source 10.0.0.0/8',
    '7 172.16.0.100 tcp 80,443',
    '21 192.168.1.11 tcp 21,10000-20000',
    'redirect 172.16.0.100 tcp 80 --to-port 8080',
    'masquerade 10.0.0.0/24 tcp 20',
    '13: not taken over: ! -s has no equivalent',
    '14: not taken over: -m conntrack has no equivalent',
    '16: not taken over: RETURN in PREROUTING: it may keep packets from the rules behind it',
    '20: not taken over: only some packets meet the chain SOME',
    '39: not taken over: -o eth0 has no equivalent',
  ])
})

test('ip6tables-save: no address is every IPv6 address', () => {
  expect(lines(file('ip6tables.save'))).toEqual(['7 fd00::100 tcp 80'])
  expect(lines(file('ip6tables.save').replace('-d fd00::100/128 ', ''))).toEqual(['7 ::/0 tcp 80'])
})

test('nft -j list ruleset', () => {
  expect(lines(file('nft.txt'))).toEqual([
    '21 192.168.1.11 tcp 21,10000-20000',
    '7 172.16.0.100 tcp 80,443 --comment web',
    '53 10.0.0.5-10.0.0.9 udp 53 --mask 0xff',
    '9 172.16.0.0/16 all all --source 10.0.0.0/8 --interface eth0',
    '7 fd00::100 tcp 80',
    '12 10.1.0.0/16 udp all',
    'masquerade 10.0.0.0/24 tcp 20',
    'redirect 172.16.0.100 tcp 80 --to-port 8080',
    '5: not taken over: ip balance marks: {"match":{"op":"in","left":{"ct":{"key":"state"}},"right":"new"}} has no equivalent',
    '9: not taken over: ip balance forwarded: only some packets meet this chain',
  ])
})

const saved = (...rules: string[]): string => ['*mangle', ...rules, 'COMMIT', ''].join('\n')

describe('single rules', () => {
  test.each([
    ['-A PREROUTING -j MARK --set-xmark 0x0/0xffffffff', 'not taken over: the mark 0 is no mark'],
    ['-A PREROUTING -j MARK --set-xmark 0x101/0xff', 'not taken over: it changes bits outside of its mask'],
    ['-A PREROUTING -p tcp --sport 80 -j MARK --set-xmark 0x1/0xffffffff', 'not taken over: a rule by source port'],
    ['-A FORWARD -j MARK --set-xmark 0x1/0xffffffff', 'not taken over: only some packets meet the chain FORWARD'],
    ['-A PREROUTING -f -j MARK --set-xmark 0x1/0xffffffff', 'not taken over: -f has no equivalent'],
    ['-A PREROUTING -j MARK --or-mark 0x1', 'not taken over: --or-mark 0x1 has no equivalent'],
  ])('%s', (rule, text) => {
    expect(readPacketFilter(saved(rule))).toEqual({ marks: [], nat: [], remarks: [{ line: 2, text }] })
  })

  test('counters before the rule, and all ports with one port', () => {
    const rules = [
      '[5:300] -A PREROUTING -p tcp -d 10.0.0.1 --dport 80 -j MARK --set-mark 1',
      '-A PREROUTING -p tcp -d 10.0.0.1 -j MARK --set-mark 1',
    ]
    expect(lines(saved(...rules))).toEqual(['1 10.0.0.1 tcp all'])
  })
})

const ruleset = (family: string, hook: string, ...expr: object[]): string => {
  const place = { family, table: 't' }
  return JSON.stringify({
    nftables: [{ chain: { ...place, name: 'c', hook } }, { rule: { ...place, chain: 'c', expr } }],
  })
}

describe('single rules of nft', () => {
  const mark = { mangle: { key: { meta: { key: 'mark' } }, value: 7 } }
  test('families: bridges and devices have the same hooks, and other packets', () => {
    expect(lines(ruleset('inet', 'prerouting', mark))).toEqual(['7 0.0.0.0/0 all all'])
    expect(lines(ruleset('bridge', 'prerouting', mark))).toEqual([])
    expect(lines(ruleset('netdev', 'ingress', mark))).toEqual([])
  })

  test('a verdict may keep packets from the rules behind it; in another chain it says nothing', () => {
    const text = '1: not taken over: ip t c: return: it may keep packets from the rules behind it'
    expect(lines(ruleset('ip', 'prerouting', { return: null }))).toEqual([text])
    expect(lines(ruleset('ip', 'forward', { return: null }))).toEqual([])
  })
})

test.each(['', 'Chain PREROUTING (policy ACCEPT)', '{"a": 1}', '{', '{"nftables": 1}'])('refuses %j', (text) => {
  const error = new IpvsError('ERR_IPVS_INVALID_ARGUMENT', '', { operation: '', target: '' })
  expect(() => readPacketFilter(text)).toThrow(expect.objectContaining({ code: error.code, attribute: 'text' }))
})
