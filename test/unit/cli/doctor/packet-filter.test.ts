// `ipvs doctor`: firewalls that drop packets of services.
import type { DroppedBy } from 'ipvs'
import { expect, test } from 'vitest'
import { acceptCommand } from '../../../../cli/doctor/accept-rule.ts'
import type { Probe } from '../../../../cli/doctor/probes.ts'
import { destination, found, probed, web } from './given.ts'

const by = (more: Partial<DroppedBy> = {}): DroppedBy => ({
  family: 'inet',
  table: 'filter',
  chain: 'input',
  base: 'input',
  hook: 'input',
  owned: false,
  ...more,
})
const drops =
  (kind: Probe['kind'], more: Partial<DroppedBy> = {}) =>
  (probe: Probe) =>
    probe.kind === kind ? { outcome: 'dropped' as const, droppedBy: by(more) } : undefined
const masquerade = web(destination({ forwarding: 'masquerade', port: 8080 }))

test('nothing is dropped', () => {
  expect(found(probed({ services: [masquerade] }))).toEqual(['good: '])
})

test('input', () => {
  expect(found(probed({ services: [masquerade] }, drops('client')))).toEqual([
    'bad: nft insert rule inet filter input ip daddr 172.16.0.100 tcp dport 80 accept',
  ])
})

test.each([
  ['masquerade', 'ip daddr 10.0.0.7 tcp dport 8080'],
  ['direct', 'ip daddr 172.16.0.100 tcp dport 80'],
  ['tunnel', 'ip daddr 10.0.0.7 meta l4proto 4'],
] as const)('output: %s', (forwarding, match) => {
  const service = web(destination({ forwarding, port: 8080 }))
  const dropped = drops('server', { chain: 'output', base: 'output', hook: 'output' })
  expect(found(probed({ services: [service] }, dropped))).toEqual([
    `bad: nft insert rule inet filter output ${match} accept`,
  ])
})

const never = () => ({ outcome: 'dropped' as const })

test('forward: only replies of masquerade pass it', () => {
  const forward = { family: 'ip', chain: 'FORWARD', base: 'FORWARD', hook: 'forward' } as const
  expect(found(probed({ services: [masquerade] }, drops('reply', forward), never))).toEqual([
    'bad: iptables-nft -I FORWARD -s 10.0.0.7 -p tcp --sport 8080 -j ACCEPT',
  ])
  expect(found(probed({ services: [web(destination())] }, drops('reply', forward)))).toEqual(['good: '])
})

test('a forward chain that accepts known connections needs connection tracking', () => {
  const forward = { chain: 'forward', base: 'forward', hook: 'forward' } as const
  const facts = probed({ services: [masquerade] }, drops('reply', forward))
  const sysctls = { 'net.ipv4.vs.conntrack': '0' }
  expect(found({ ...facts, sysctls })).toEqual(['bad: sysctl -w net.ipv4.vs.conntrack=1'])
  const tracks = { sysctls: { 'net.ipv4.vs.conntrack': '1' } }
  expect(found({ ...facts, ...tracks })[0]).toContain('nft insert rule')
})

test('one finding for each rule that drops', () => {
  const other = { ...masquerade, port: 81 } as typeof masquerade
  const [finding, ...more] = found(probed({ services: [masquerade, other] }, drops('client')))
  expect(finding).toContain('dport 80 accept && nft')
  expect(finding).toContain('dport 81 accept')
  expect(more).toEqual([])
})

const packet = { protocol: 'tcp', destination: '2001:db8::100', destinationPort: 80 } as const
test.each([
  [{ family: 'ip6', base: 'INPUT' }, 'ip6tables-nft -I INPUT -d 2001:db8::100 -p tcp --dport 80 -j ACCEPT'],
  [
    { family: 'ip6', table: 'raw', base: 'PREROUTING' },
    'ip6tables-nft -t raw -I PREROUTING -d 2001:db8::100 -p tcp --dport 80 -j ACCEPT',
  ],
  [
    { family: 'ip6', table: 'own', base: 'INPUT' },
    'nft insert rule ip6 own INPUT ip6 daddr 2001:db8::100 tcp dport 80 accept',
  ],
  [
    { table: 'firewalld', owned: true },
    `firewall-cmd --add-rich-rule='rule family="ipv6" destination address="2001:db8::100" port port="80" protocol="tcp" accept'`,
  ],
] as const)('the fix is a command of the firewall in use: %o', (place, command) => {
  expect(acceptCommand(by(place), packet)).toBe(command)
})
