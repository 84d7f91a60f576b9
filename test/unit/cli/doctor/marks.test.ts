// `ipvs doctor`: Marks and the services that they lead to.
import type { FoundMark } from 'ipvs'
import { expect, test } from 'vitest'
import { diagnose } from '../../../../cli/doctor/diagnose.ts'
import { destination, facts, found, rule, sentence, service } from './given.ts'

test('marks and services belong together', () => {
  expect(found({ marks: [rule] })).toEqual(['bad: ipvs add service mark:7'])
  expect(found({ services: [service(8, destination())] })).toEqual(['risk: ipvs marks add 8 ADDRESS tcp PORTS'])
  expect(found({ services: [service(8, destination())], marks: undefined })).toEqual(['good: '])
})

test('a mark is one service for each family', () => {
  const ipv6 = { ...rule, address: '2001:db8::100' }
  expect(found({ services: [service(7, destination())], marks: [rule, ipv6] })).toEqual([
    'bad: ipvs add service mark:7/ipv6',
  ])
  expect(found({ services: [service(7, destination())], marks: [ipv6] })).toContain(
    'risk: ipvs marks add 7 ADDRESS tcp PORTS',
  )
})

test('a mask: the service needs the whole mark that results', () => {
  const masked = { ...rule, mask: 0xff }
  const risk =
    'risk: ipvs marks remove 7 172.16.0.100 tcp 80,443 --mask 0xff && ipvs marks add 7 172.16.0.100 tcp 80,443'
  expect(found({ services: [service(7, destination())], marks: [masked] })).toEqual([risk])
  expect(found({ services: [service(0x107, destination())], marks: [masked] })).toEqual(['good: '])
  const both = [service(7, destination()), service(0x107, destination())]
  expect(found({ services: both, marks: [masked] })).toEqual(['good: '])
  expect(found({ services: [service(0x108, destination())], marks: [masked] })).toEqual([
    'bad: ipvs add service mark:7',
    'risk: ipvs marks add 264 ADDRESS tcp PORTS',
  ])
  const high = { ...rule, mark: 0x80000000, mask: 0x80000000 }
  expect(found({ services: [service(0x80000001, destination())], marks: [high] })).toEqual(['good: '])
})

test.each([
  [{ mark: 8 }, 'good', 'table inet filter, chain pre, rule 5'],
  [{ mark: 8, family: 'ip' }, 'good', 'table ip filter'],
  [{ mark: 8, mask: 0xf }, 'good', 'table inet filter'],
  [{ mark: 8, family: 'ip6' }, 'risk', 'iptables-legacy'],
  [{ mark: 8, family: 'arp' }, 'risk', 'iptables-legacy'],
  [{ mark: 0, mask: 0xf0 }, 'risk', 'iptables-legacy'],
  [{ mark: 9 }, 'risk', 'iptables-legacy'],
  [{}, 'risk', 'only the kernel knows: table inet filter'],
] as const)('a service whose mark others set: %o', (more, level, what) => {
  const other: FoundMark = { family: 'inet', table: 'filter', chain: 'pre', handle: 5n, ...more }
  const findings = diagnose(facts({ services: [service(8, destination())], foundMarks: [other] }))
  expect(findings.at(-1)?.level).toBe(level)
  expect(sentence(findings.at(-1))).toContain(what)
  expect(findings).toHaveLength(level === 'good' ? 2 : 1)
})

test('rules for marks that cannot be read', () => {
  const unread = { marks: undefined, marksProblem: 'no nf_tables' }
  expect(found({ services: [service(7, destination())], ...unread })).toEqual(['risk: modprobe nf_tables'])
  expect(found(unread)).toEqual(['good: '])
})
