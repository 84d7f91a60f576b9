// `ipvs doctor`: what it makes of what it sees.
import type { FoundMark, ListedDestination, ServiceSnapshot } from 'ipvs'
import { expect, test } from 'vitest'
import { diagnose, fromOutside } from '../../../cli/verbs/diagnosis.ts'
import type { Facts } from '../../../cli/verbs/facts.ts'
import { readNamespace, serviceBuckets } from '../../../cli/verbs/proc.ts'

const destination = (more: Partial<ListedDestination> = {}): ListedDestination =>
  ({ address: '10.0.0.7', port: 0, forwarding: 'direct', weight: 1, ...more }) as ListedDestination
const service = (fwmark: number, ...destinations: ListedDestination[]): ServiceSnapshot =>
  ({ fwmark, family: 'ipv4', destinations }) as unknown as ServiceSnapshot
const rule = { mark: 7, address: '172.16.0.100', protocol: 'tcp', ports: [80, 443] } as const
const facts = (more: Partial<Facts>): Facts => ({ services: [], marks: [], sysctls: {}, reversePath: {}, ...more })
const found = (more: Partial<Facts>): string[] =>
  diagnose(facts(more)).map(({ level, fix }) => `${level}: ${fix ?? ''}`)

test('nothing to complain of', () => {
  expect(found({ services: [service(7, destination())], marks: [rule] })).toEqual(['good: '])
})

const refused = (code: NonNullable<Facts['refused']>['code'], userNamespace = false): Partial<Facts> => ({
  refused: { code, message: 'no IPVS', userNamespace },
  marks: [rule],
})

test('no IPVS is all that is said', () => {
  expect(diagnose(facts(refused('ERR_IPVS_UNAVAILABLE')))).toEqual([
    { level: 'bad', what: 'no IPVS', fix: 'modprobe ip_vs' },
  ])
  expect(found(refused('ERR_IPVS_PERMISSION_DENIED'))).toEqual(['bad: sudo ipvs doctor'])
  expect(diagnose(facts(refused('ERR_IPVS_PERMISSION_DENIED', true)))).toMatchObject([
    { level: 'bad', what: expect.stringContaining('rootless') as string },
  ])
})

test('masquerade needs forwarding, of its family', () => {
  const services = [service(7, destination({ forwarding: 'masquerade' }))]
  const sysctls = { 'net.ipv4.ip_forward': '0', 'net.ipv6.conf.all.forwarding': '0' }
  expect(found({ services, marks: [rule], sysctls })).toEqual(['bad: sysctl -w net.ipv4.ip_forward=1'])
  expect(found({ services, marks: [rule], sysctls: { 'net.ipv4.ip_forward': '1' } })).toEqual(['good: '])
  const across = [service(7, destination({ forwarding: 'masquerade', address: '2001:db8::7' }))]
  expect(found({ services: across, marks: [rule], sysctls })).toEqual(['bad: sysctl -w net.ipv6.conf.all.forwarding=1'])
  expect(found({ services: [service(7, destination())], marks: [rule], sysctls })).toEqual(['good: '])
})

test('marks and services belong together', () => {
  expect(found({ marks: [rule] })).toEqual(['bad: ipvs add service mark:7'])
  expect(found({ services: [service(8, destination())] })).toEqual(['risk: ipvs marks add 8 ADDRESS tcp PORTS'])
  expect(found({ services: [service(8, destination())], marks: undefined })).toEqual(['good: '])
})

test('a service without destinations, or with drained ones only', () => {
  const expected = ['bad: ipvs add destination mark:7 ADDRESS']
  expect(found({ services: [service(7)], marks: [rule] })).toEqual(expected)
  expect(found({ services: [service(7, destination({ weight: 0 }))], marks: [rule] })).toEqual(expected)
})

test('sysctls that bite when something changes', () => {
  const persistent = { ...service(7, destination(), destination({ weight: 0 })), persistence: {} } as ServiceSnapshot
  const sysctls = {
    'net.ipv4.vs.expire_quiescent_template': '0',
    'net.ipv4.vs.expire_nodest_conn': '0',
    'net.ipv4.vs.conn_reuse_mode': '0',
    'net.ipv4.vs.run_estimation': '0',
  }
  expect(found({ services: [persistent], marks: [rule], sysctls })).toEqual([
    'risk: sysctl -w net.ipv4.vs.expire_quiescent_template=1',
    'risk: sysctl -w net.ipv4.vs.expire_nodest_conn=1',
    'risk: sysctl -w net.ipv4.vs.conn_reuse_mode=1',
    'risk: sysctl -w net.ipv4.vs.run_estimation=1',
  ])
})

test('masquerade beside a firewall that tracks connections', () => {
  const services = [service(7, destination({ forwarding: 'masquerade' }))]
  const sysctls = { 'net.netfilter.nf_conntrack_count': '3', 'net.ipv4.vs.conntrack': '0' }
  expect(found({ services, marks: [rule], sysctls })).toEqual(['risk: sysctl -w net.ipv4.vs.conntrack=1'])
  for (const other of [{ 'net.netfilter.nf_conntrack_count': '0' }, { 'net.ipv4.vs.conntrack': '1' }]) {
    expect(found({ services, marks: [rule], sysctls: { ...sysctls, ...other } })).toEqual(['good: '])
  }
  expect(found({ services: [service(7, destination())], marks: [rule], sysctls })).toEqual(['good: '])
})

test.each([
  [
    { all: '0', default: '1', lo: '1', eth0: '1', 'eth0.7': '1', eth1: '2' },
    'net.ipv4.conf.eth0.rp_filter=2 net.ipv4.conf.eth0/7.rp_filter=2',
  ],
  [{ all: '1', default: '0', lo: '0', eth0: '0', eth1: '2' }, 'net.ipv4.conf.all.rp_filter=2'],
  [{ all: '2', default: '1', lo: '1', eth0: '1' }, ''],
  [{ all: '0', eth0: '0' }, ''],
])('strict reverse path filters: %o', (reversePath, fix) => {
  const expected = fix === '' ? ['good: '] : [`risk: sysctl -w ${fix}`]
  expect(found({ services: [service(7, destination())], marks: [rule], reversePath })).toEqual(expected)
  const masquerade = service(7, destination({ forwarding: 'masquerade' }))
  expect(found({ services: [masquerade], marks: [rule], reversePath })).toEqual(['good: '])
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

test('masquerade rules need forwarding, of their family; redirects do not', () => {
  const nat = [
    { action: 'masquerade', source: '10.0.0.0/24', protocol: 'tcp', sourcePorts: [20] },
    { action: 'redirect', address: '2001:db8::1', protocol: 'tcp', ports: [80] },
  ] as const
  const sysctls = { 'net.ipv4.ip_forward': '0', 'net.ipv6.conf.all.forwarding': '0' }
  expect(found({ nat, sysctls })).toEqual(['bad: sysctl -w net.ipv4.ip_forward=1'])
  const services = [service(7, destination({ forwarding: 'masquerade' }))]
  expect(found({ services, marks: [rule], nat, sysctls })).toEqual(['bad: sysctl -w net.ipv4.ip_forward=1'])
  expect(found({ nat, sysctls: { 'net.ipv4.ip_forward': '1' } })).toEqual(['good: '])
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
  expect(findings.at(-1)).toMatchObject({ level, what: expect.stringContaining(what) as string })
  expect(findings).toHaveLength(level === 'good' ? 2 : 1)
})

test('rules for marks that cannot be read', () => {
  const unread = { marks: undefined, marksProblem: 'no nf_tables' }
  expect(found({ services: [service(7, destination())], ...unread })).toEqual(['risk: modprobe nf_tables'])
  expect(found(unread)).toEqual(['good: '])
})

test('the service table of Linux 7 that has stopped growing', () => {
  const services = Array.from({ length: 100 }, (_, at) => service(at + 1, destination()))
  const table = (count: number, loadFactor: number) =>
    found({ services, marks: undefined, serviceBuckets: { count, loadFactor } })
  expect(table(16, -3)).toEqual(['risk: sysctl -w net.ipv4.vs.svc_lfactor=-3'])
  expect(table(1024, -3)).toEqual(['good: '])
  expect(table(16, 8)).toEqual(['good: '])
  const status = 'Services:\t100\nService buckets:\t16 (4 bits, lfactor -3)\nService buckets empty:\t15 (93%)\n'
  expect(serviceBuckets(status)).toEqual({ count: 16, loadFactor: -3 })
  expect(serviceBuckets(undefined)).toBe(undefined)
})

test('fixes of another namespace', () => {
  const findings = diagnose(facts({ marks: [rule], sysctls: { 'net.ipv4.vs.run_estimation': '0' } }))
  const fixes = (netns: string) => fromOutside(findings, netns).map(({ fix }) => fix)
  expect(fixes('blue')).toEqual([
    'ipvs add service mark:7 --netns blue',
    'ip netns exec blue sysctl -w net.ipv4.vs.run_estimation=1',
  ])
  const masked = diagnose(facts({ services: [service(7, destination())], marks: [{ ...rule, mask: 0xff }] }))
  expect(fromOutside(masked, 'blue')[0]?.fix).toMatch(/--mask 0xff --netns blue && ipvs .* --netns blue$/)
  expect(fixes('/proc/7/ns/net')[1]).toBe('nsenter --net=/proc/7/ns/net sysctl -w net.ipv4.vs.run_estimation=1')
})

test('sysctls of this namespace; what the kernel does not have is absent', async () => {
  const read = await readNamespace(['net.ipv4.ip_forward', 'net.ipv4.no_such_thing'], undefined)
  expect(read.sysctls).toEqual({ 'net.ipv4.ip_forward': expect.stringMatching(/^[01]$/) as string })
  expect(read.reversePath).toHaveProperty('all')
})

test('a namespace that cannot be entered', async () => {
  await expect(readNamespace([], '/nowhere/at/all')).rejects.toThrow(/nsenter/)
})
