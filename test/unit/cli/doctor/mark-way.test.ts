// `ipvs doctor`: marks on their way to IPVS.
import type { RulePlace, Trace } from 'ipvs'
import { expect, test } from 'vitest'
import { destination, found, probed, rule, service } from './given.ts'

const others: RulePlace = { family: 'inet', table: 'later', chain: 'pre', handle: 5n, position: 2 }
const ours: RulePlace = { family: 'inet', table: 'ipvs', chain: 'special', handle: 9n, position: 1 }
const codes = (trace: Partial<Trace>, fwmark = 7, more: Partial<typeof rule> = {}): string[] => {
  const services = [service(7, destination()), ...(fwmark === 7 ? [] : [service(fwmark, destination())])]
  const marks = [{ ...rule, ports: [80], ...more }, ...(fwmark === 7 ? [] : [{ ...rule, mark: fwmark, ports: [81] }])]
  return found(probed({ services, marks }, ({ rule: of }) => (of?.mark === 7 ? trace : undefined)))
}

test('a later rule changes the mark', () => {
  expect(codes({ mark: 9, formerMark: 7, markedBy: others })).toEqual([
    'bad: nft insert rule inet later pre position 5 meta mark 7 return',
  ])
  const mangle = { ...others, family: 'ip', table: 'mangle', chain: 'VPN' } as const
  expect(codes({ mark: 0, formerMark: 7, markedBy: mangle })).toEqual([
    'bad: iptables-nft -t mangle -I VPN 2 -m mark --mark 7 -j RETURN',
  ])
})

test('no finding if a service has the resulting mark', () => {
  expect(codes({ mark: 9, formerMark: 7, markedBy: others }, 9)).toEqual(['good: '])
})

test('no finding if only a real packet would show the mark', () => {
  expect(codes({ mark: undefined, formerMark: 7, markedBy: others } as never)).toEqual(['good: '])
})

test('packets without a mark are reported once, by the status of the table', () => {
  expect(codes({ mark: 0 })).toEqual(['good: '])
  expect(codes({ mark: 9, formerMark: 0, markedBy: others })).toEqual(['good: '])
})

test('another rule of our table takes precedence', () => {
  expect(codes({ mark: 0x107, formerMark: 7, markedBy: ours })).toEqual(['good: '])
})

test('a chain that compares the mark before it is set', () => {
  expect(codes({ askedBy: others })).toEqual([
    'risk: ipvs marks export /run/ipvs-marks.nft && nft -f /run/ipvs-marks.nft',
  ])
})
