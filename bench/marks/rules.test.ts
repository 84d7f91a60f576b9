import { expect, test } from 'vitest'

import { exactRules, iptablesText, mapText, nftRulesText, rangeRules } from './rules.ts'

test('the same rule in all formats', () => {
  expect(exactRules(12)[11]).toEqual({ mark: 12, address: '10.64.0.1', protocol: 'udp', ports: 82 })
  expect(rangeRules(12)[11]).toEqual({ mark: 12, address: '10.64.0.1', protocol: 'udp', ports: '82-83' })
  expect(mapText(12, 'exact4')).toContain('10.64.0.1 . udp . 82 : 12,\n')
  expect(nftRulesText(12)).toContain('ip daddr 10.64.0.1 udp dport 82 meta mark set 12 accept\n')
  expect(iptablesText(12)).toContain('-d 10.64.0.1 -p udp -m udp --dport 82 -j MARK --set-mark 12\n')
})

test('only the interval map has the flag interval', () => {
  expect(mapText(1, 'exact4')).not.toContain('interval')
  expect(mapText(1, 'ranges4')).toContain('flags interval')
})

test('50,000 rules match different packets', () => {
  const keys = new Set(exactRules(50_000).map((rule) => JSON.stringify({ ...rule, mark: 0 })))
  expect(keys.size).toBe(50_000)
})
