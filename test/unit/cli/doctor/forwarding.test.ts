// `ipvs doctor`: What the director forwards.
import { expect, test } from 'vitest'
import { destination, found, rule, service } from './given.ts'

test('masquerade needs forwarding, of its family', () => {
  const services = [service(7, destination({ forwarding: 'masquerade' }))]
  const sysctls = { 'net.ipv4.ip_forward': '0', 'net.ipv6.conf.all.forwarding': '0' }
  expect(found({ services, marks: [rule], sysctls })).toEqual(['bad: sysctl -w net.ipv4.ip_forward=1'])
  expect(found({ services, marks: [rule], sysctls: { 'net.ipv4.ip_forward': '1' } })).toEqual(['good: '])
  const across = [service(7, destination({ forwarding: 'masquerade', address: '2001:db8::7' }))]
  expect(found({ services: across, marks: [rule], sysctls })).toEqual(['bad: sysctl -w net.ipv6.conf.all.forwarding=1'])
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

test('strict reverse path filters matter on interfaces of clients, not on the interface of the default route', () => {
  const interfaces = ['front', 'back'].map((name) => {
    const addresses = name === 'front' ? ['172.16.0.100'] : ['10.0.0.1']
    return { name, mtu: 1500, loopback: false, addresses }
  })
  const strict = (reversePath: Record<string, string>, ...defaultDevices: string[]) =>
    found({ services: [service(7, destination())], marks: [rule], interfaces, reversePath, defaultDevices })
  const each = { all: '0', front: '1', back: '1' }
  expect(strict(each, 'front')).toEqual(['good: '])
  expect(strict(each, 'back')).toEqual(['risk: sysctl -w net.ipv4.conf.front.rp_filter=2'])
  expect(strict({ ...each, front: '0' }, 'back')).toEqual(['good: '])
  expect(strict({ ...each, front: '2' }, 'back')).toEqual(['good: '])
  expect(strict({ ...each, all: '1' }, 'back')).toEqual(['risk: sysctl -w net.ipv4.conf.all.rp_filter=2'])
  expect(strict(each)).toEqual(['risk: sysctl -w net.ipv4.conf.front.rp_filter=0'])
  expect(strict({ ...each, all: '1' })).toEqual([
    'risk: sysctl -w net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.front.rp_filter=0',
  ])
  expect(strict({ ...each, all: '1', front: '0' })).toEqual(['risk: sysctl -w net.ipv4.conf.all.rp_filter=0'])
})
