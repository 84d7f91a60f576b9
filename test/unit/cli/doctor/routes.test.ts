// `ipvs doctor`: where destinations are, and what fits the way there.
import type { ListedDestination, ServiceSnapshot } from 'ipvs'
import { expect, test } from 'vitest'
import type { Facts } from '../../../../cli/doctor/facts.ts'
import { parseListeners, type Listener } from '../../../../cli/doctor/listeners.ts'
import { parseRoutes } from '../../../../cli/doctor/routes.ts'
import { destination, found, rule, service } from './given.ts'

const printed = `[{"ifname":"lo","flags":["LOOPBACK","UP"],"mtu":65536,"addr_info":[{"local":"127.0.0.1"},{"local":"2001:db8::100"}]},{"ifname":"front","flags":["UP"],"mtu":1500,"addr_info":[{"local":"172.16.0.100"}]}]
[{"dst":"default","gateway":"172.16.0.254","dev":"front"}]
[{"dst":"10.0.0.7","dev":"back","prefsrc":"10.0.0.1"}]

[{"type":"local","dst":"172.16.0.1","dev":"lo"}]
[{"dst":"10.9.0.7","gateway":"10.0.0.254","dev":"back","metrics":[{"mtu":1400}]}]
`

test('output of ip', () => {
  expect(parseRoutes(printed)).toEqual({
    interfaces: [
      { name: 'lo', mtu: 65536, loopback: true, addresses: ['127.0.0.1', '2001:db8::100'] },
      { name: 'front', mtu: 1500, loopback: false, addresses: ['172.16.0.100'] },
    ],
    routes: {
      '10.0.0.7': { device: 'back', gateway: undefined, mtu: undefined, local: false },
      '10.9.0.7': { device: 'back', gateway: '10.0.0.254', mtu: 1400, local: false },
      '172.16.0.1': { device: 'lo', gateway: undefined, mtu: undefined, local: true },
    },
    defaultDevices: ['front'],
  })
})

const wire = (mtu: number, frontMtu = 1500): Partial<Facts> => ({
  interfaces: [
    { name: 'lo', mtu: 65536, loopback: true, addresses: ['127.0.0.1'] },
    { name: 'front', mtu: frontMtu, loopback: false, addresses: ['172.16.0.100', '2001:db8::100'] },
    { name: 'back', mtu, loopback: false, addresses: ['10.0.0.1'] },
  ],
  routes: { '10.0.0.7': { device: 'back', local: false }, 'fd00::7': { device: 'back', local: false } },
})

const only = (given: Partial<Facts>, more: Partial<ListedDestination>, service6 = false): string[] => {
  const made = service(7, destination(more))
  const ipv6 = { ...rule, address: '2001:db8::100' }
  const services = [service6 ? ({ ...made, family: 'ipv6' } as ServiceSnapshot) : made]
  return found({ services, marks: [service6 ? ipv6 : rule], ...given })
}

const pmtu = 'risk: sysctl -w net.ipv4.vs.pmtu_disc=0'
test.each<[Partial<ListedDestination>, number]>([
  [{}, 1520],
  [{ tunnel: { type: 'ipip' } }, 1520],
  [{ tunnel: { type: 'gre' } }, 1524],
  [{ tunnel: { type: 'gre', checksum: 'local' } }, 1528],
  [{ tunnel: { type: 'gue', port: 6080 } }, 1532],
  [{ address: 'fd00::7' }, 1540],
])('a tunnel, IPv4 inside: %o needs an MTU of %d', (more, enough) => {
  const tunnel = { forwarding: 'tunnel', ...more } as const
  expect(only(wire(enough - 1), tunnel)).toEqual([pmtu])
  expect(only(wire(enough), tunnel)).toEqual(['good: '])
  expect(only(wire(enough, 9000), tunnel)).toEqual([pmtu])
  expect(only({ ...wire(1500), sysctls: { 'net.ipv4.vs.pmtu_disc': '0' } }, tunnel)).toEqual(['good: '])
  expect(only({}, tunnel)).toEqual(['good: ']) // nothing is known of routes
  expect(only(wire(1500), { ...more, forwarding: 'direct' })).toEqual(['good: '])
})

test('a tunnel whose path is narrower than its device', () => {
  const routes = { '10.0.0.7': { device: 'back', mtu: 1400, local: false } }
  expect(only({ ...wire(9000), routes }, { forwarding: 'tunnel' })).toEqual([pmtu])
})

test('a tunnel, IPv6 inside: on the servers', () => {
  const given = { ...wire(1500), sysctls: { 'net.ipv4.vs.pmtu_disc': '0' } }
  expect(only(given, { address: 'fd00::7', forwarding: 'tunnel' }, true)).toEqual([
    `risk: ssh fd00::7 "nft 'add table inet ipvs-mss; add chain inet ipvs-mss out { type filter hook output priority mangle; }; add rule inet ipvs-mss out ip6 saddr { 2001:db8::100 } tcp flags syn tcp option maxseg size set 1400'"`,
  ])
  expect(only(wire(1540), { address: 'fd00::7', forwarding: 'tunnel' }, true)).toEqual(['good: '])
})

test('direct routing behind a router', () => {
  const routes = { '10.0.0.7': { device: 'back', gateway: '10.0.0.254', local: false } }
  expect(only({ routes }, {})).toEqual(['bad: ipvs set destination mark:7 10.0.0.7 --forwarding tunnel'])
  expect(only({ routes: { '10.0.0.7': { device: 'back', local: false } } }, {})).toEqual(['good: '])
  expect(only({ routes }, { forwarding: 'masquerade' })).toEqual(['good: '])
})

test('redirects where servers and clients share an interface', () => {
  const one = { routes: { '10.0.0.7': { device: 'lan.7', local: false } }, defaultDevices: ['lan.7'] }
  const fix = [
    'sysctl -w net.ipv4.conf.all.send_redirects=0 net.ipv4.conf.lan/7.send_redirects=0',
    'ssh 10.0.0.7 ip route flush cache',
  ].join(' && ')
  const masquerade = { forwarding: 'masquerade' } as const
  for (const sendRedirects of [
    { all: '1', 'lan.7': '0' },
    { all: '0', 'lan.7': '1' },
  ]) {
    expect(only({ ...one, sendRedirects }, masquerade)).toEqual([`risk: ${fix}`])
  }
  expect(only({ ...one, sendRedirects: { all: '0', 'lan.7': '0' } }, masquerade)).toEqual(['good: '])
  expect(only({ ...one, sendRedirects: { all: '1' }, defaultDevices: ['front'] }, masquerade)).toEqual(['good: '])
  expect(only({ ...one, sendRedirects: { all: '1' } }, {})).toEqual(['good: '])
})

test('output of ss', () => {
  const text = `tcp   LISTEN 0      128          0.0.0.0:22         0.0.0.0:*
tcp   LISTEN 0      128             [::]:80            [::]:*
udp   UNCONN 0      0      127.0.0.53%lo:53         0.0.0.0:*
tcp   LISTEN 0      511                *:8080             *:*
tcp   LISTEN 0      511    [2001:db8::1]:443           [::]:*
`
  expect(parseListeners(text)).toEqual([
    { protocol: 'tcp', address: '*', port: 22 },
    { protocol: 'tcp', address: '*', port: 80 },
    { protocol: 'udp', address: '127.0.0.53', port: 53 },
    { protocol: 'tcp', address: '*', port: 8080 },
    { protocol: 'tcp', address: '2001:db8::1', port: 443 },
  ])
})

test('a destination that is the director, where nothing listens', () => {
  const { fwmark: _, ...rest } = service(7)
  const at = (more: Partial<ListedDestination>) =>
    ({
      ...rest,
      protocol: 'tcp',
      address: '172.16.0.100',
      port: 80,
      destinations: [destination(more)],
    }) as ServiceSnapshot
  const routes = { '10.0.0.1': { device: 'lo', local: true } }
  const seen = (forwarding: 'masquerade' | 'direct', ...listeners: Listener[]) =>
    found({ services: [at({ address: '10.0.0.1', port: 81, forwarding })], routes, listeners })
  const fix = 'bad: ipvs remove destination tcp:172.16.0.100:80 10.0.0.1:81'
  expect(seen('masquerade')).toEqual([fix])
  expect(seen('masquerade', { protocol: 'tcp', address: '*', port: 80 })).toEqual([fix])
  expect(seen('masquerade', { protocol: 'udp', address: '*', port: 81 })).toEqual([fix])
  expect(seen('masquerade', { protocol: 'tcp', address: '172.16.0.100', port: 81 })).toEqual([fix])
  expect(seen('masquerade', { protocol: 'tcp', address: '10.0.0.1', port: 81 })).toEqual(['good: '])
  // What is not translated keeps the address of the service.
  expect(seen('direct', { protocol: 'tcp', address: '10.0.0.1', port: 81 })).toEqual([fix])
  expect(seen('direct', { protocol: 'tcp', address: '172.16.0.100', port: 80 })).toEqual(['good: '])
  expect(found({ services: [at({ address: '10.0.0.1', port: 81 })], routes })).toEqual(['good: '])
})
