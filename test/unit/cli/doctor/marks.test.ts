// `ipvs doctor`: Marks and the services that they lead to.
import type { FoundMark } from 'ipvs'
import { expect, test } from 'vitest'
import { diagnose } from '../../../../cli/doctor/diagnose.ts'
import { destination, facts, found, rule, sentence, service } from './given.ts'

test('marks and services belong together', () => {
  expect(found({ marks: [rule] })).toEqual(['bad: ipvs add service mark:7'])
  expect(found({ services: [service(8, destination())] })).toEqual(['bad: ipvs marks add --help'])
  expect(found({ services: [service(8, destination())], marks: undefined })).toEqual(['good: '])
})

test('a mark is one service for each family', () => {
  const ipv6 = { ...rule, address: '2001:db8::100' }
  expect(found({ services: [service(7, destination())], marks: [rule, ipv6] })).toEqual([
    'bad: ipvs add service mark:7/ipv6',
  ])
  expect(found({ services: [service(7, destination())], marks: [ipv6] })).toContain('bad: ipvs marks add --help')
})

test('a mask: the service needs the whole resulting mark', () => {
  const masked = { ...rule, mask: 0xff }
  const risk =
    'risk: ipvs marks remove 7 172.16.0.100 tcp 80,443 --mask 0xff && ipvs marks add 7 172.16.0.100 tcp 80,443'
  expect(found({ services: [service(7, destination())], marks: [masked] })).toEqual([risk])
  expect(found({ services: [service(0x107, destination())], marks: [masked] })).toEqual(['good: '])
  const both = [service(7, destination()), service(0x107, destination())]
  expect(found({ services: both, marks: [masked] })).toEqual(['good: '])
  expect(found({ services: [service(0x108, destination())], marks: [masked] })).toEqual([
    'bad: ipvs add service mark:7',
    'bad: ipvs marks add --help',
  ])
  const high = { ...rule, mark: 0x80000000, mask: 0x80000000 }
  expect(found({ services: [service(0x80000001, destination())], marks: [high] })).toEqual(['good: '])
})

test.each([
  [{ mark: 8 }, 'good', 'table inet filter, chain pre, rule 5'],
  [{ mark: 8, family: 'ip' }, 'good', 'table ip filter'],
  [{ mark: 8, mask: 0xf }, 'good', 'table inet filter'],
  [{ mark: 8, family: 'ip6' }, 'bad', 'no saved file has it'],
  [{ mark: 8, family: 'arp' }, 'bad', 'no saved file has it'],
  [{ mark: 0, mask: 0xf0 }, 'bad', 'no saved file has it'],
  [{ mark: 9 }, 'bad', 'no saved file has it'],
  [{}, 'risk', 'with a computed mark sets it: table inet filter'],
] as const)('a service whose mark another program sets: %o', (more, level, what) => {
  const other: FoundMark = { family: 'inet', table: 'filter', chain: 'pre', handle: 5n, ...more }
  const findings = diagnose(facts({ services: [service(8, destination())], foundMarks: [other] }))
  expect(findings.at(-1)?.level).toBe(level)
  expect(sentence(findings.at(-1))).toContain(what)
  expect(findings).toHaveLength(level === 'good' ? 2 : 1)
})

test.each([
  ['ERR_IPVS_UNAVAILABLE', 'risk: modprobe nf_tables', 'whether packets get their marks is unknown'],
  ['ERR_IPVS_PERMISSION_DENIED', 'risk: sudo ipvs doctor', 'CAP_NET_ADMIN'],
  ['ERR_IPVS_INVALID_ARGUMENT', 'risk: nft -a list table inet ipvs', 'another program that uses the same table name'],
  ['ERR_IPVS_KERNEL', 'risk: ', 'whether packets get their marks is unknown'],
] as const)('rules for marks that cannot be read: %s', (code, fix, why) => {
  const unread = { marks: undefined, marksProblem: { code, message: 'the reason' } }
  const given = { services: [service(7, destination())], ...unread }
  expect(found(given)).toEqual([fix])
  const [finding] = diagnose(facts(given))
  expect(finding).toMatchObject({ code: 'marks-unreadable' })
  expect(finding?.what).toBe('there are services by mark, but rules for marks cannot be read: the reason')
  expect(finding?.why).toContain(why)
  expect(found(unread)).toEqual(['good: '])
})

test('a mark that no rule sets any more is bad; the fix loads the file that has it', () => {
  const lost = { services: [service(8, destination())] }
  const saved = [
    { file: '/etc/ipvs-marks.nft', marks: [7] },
    { file: '/etc/ipvs.json', marks: [7, 8] },
  ]
  expect(found({ ...lost, saved })).toEqual(['bad: ipvs restore /etc/ipvs.json'])
  expect(found({ services: [service(7, destination())], saved })).toEqual(['bad: nft -f /etc/ipvs-marks.nft'])
})

test('rules of iptables-legacy may set it', () => {
  const [finding] = diagnose(facts({ services: [service(8, destination())], legacyTables: ['filter', 'mangle'] }))
  expect(finding).toMatchObject({ level: 'risk', code: 'service-without-mark' })
  expect(sentence(finding)).toContain('iptables-legacy')
  const [lost] = diagnose(facts({ services: [service(8, destination())], legacyTables: ['filter'] }))
  expect(lost).toMatchObject({ level: 'bad', code: 'marks-lost' })
})
