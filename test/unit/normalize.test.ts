// The form that listings will have of something, known before it is sent.
import type { Destination, MarkRule, NatRule, Service, SyncDaemon } from 'ipvs'
import {
  IpvsError,
  checkMarkRules,
  checkMarkRulesAsync,
  checkNatRules,
  normalizeDestination,
  normalizeMarkRule,
  normalizeNatRule,
  normalizeService,
  normalizeSyncDaemon,
} from 'ipvs'
import { describe, expect, test } from 'vitest'

const plain = { scheduler: 'wlc', schedulerFlags: [], onePacket: false }
const listed = { forwarding: 'direct', weight: 1, upperThreshold: 0, lowerThreshold: 0 }

test.each<[Service, object]>([
  [{ fwmark: '0x7' }, { fwmark: 7, family: 'ipv4', ...plain }],
  [
    { protocol: 'tcp', address: '2001:DB8:0::1', port: 80, schedulerFlags: ['flag-1'], scheduler: 'sh' },
    {
      protocol: 'tcp',
      address: '2001:db8::1',
      port: 80,
      family: 'ipv6',
      ...plain,
      scheduler: 'sh',
      schedulerFlags: ['sh-fallback'],
    },
  ],
  [
    { fwmark: 7, persistence: { netmask: 24 } },
    { fwmark: 7, family: 'ipv4', ...plain, persistence: { timeoutSeconds: 360, netmask: '255.255.255.0' } },
  ],
  [
    { fwmark: 7, family: 'ipv6', persistence: {}, persistenceEngine: 'sip' },
    {
      fwmark: 7,
      family: 'ipv6',
      ...plain,
      persistence: { timeoutSeconds: 360, netmask: 128 },
      persistenceEngine: 'sip',
    },
  ],
])('the service %j', (service, form) => {
  expect(normalizeService(service)).toStrictEqual(form)
  expect(normalizeService(form as Service)).toStrictEqual(form)
})

test.each<[Service, Destination, object]>([
  [{ fwmark: 7 }, { address: '10.0.0.7' }, { address: '10.0.0.7', port: 0, ...listed }],
  [
    { protocol: 'tcp', address: '172.16.0.100', port: 80 },
    { address: '2001:db8:0:0::7', forwarding: 'tunnel', weight: 5 },
    { address: '2001:db8::7', port: 80, ...listed, forwarding: 'tunnel', weight: 5, tunnel: { type: 'ipip' } },
  ],
  [
    { fwmark: 7 },
    { address: '10.0.0.7', forwarding: 'tunnel', tunnel: { type: 'gue', port: 6080 } },
    {
      address: '10.0.0.7',
      port: 0,
      ...listed,
      forwarding: 'tunnel',
      tunnel: { type: 'gue', port: 6080, checksum: 'none' },
    },
  ],
])('of %j the destination %j', (service, destination, form) => {
  expect(normalizeDestination(service, destination)).toStrictEqual(form)
  expect(normalizeDestination(service, form as Destination)).toStrictEqual(form)
})

test('rules', () => {
  const rule: MarkRule = {
    mark: '0x7',
    address: '10.0.0.0-10.0.0.255',
    protocol: 'tcp',
    ports: [443, 80],
    source: '0.0.0.0/0',
  }
  expect(normalizeMarkRule(rule)).toStrictEqual({ mark: 7, address: '10.0.0.0/24', protocol: 'tcp', ports: [80, 443] })
  const nat: NatRule = { action: 'masquerade', source: '10.0.0.0/24', protocol: 'tcp', sourcePorts: 20, counter: true }
  expect(normalizeNatRule(nat)).toStrictEqual({ ...nat, sourcePorts: [20] })
})

test.each<[SyncDaemon, object]>([
  [
    { role: 'master', interface: 'eth0' },
    { syncId: 0, multicast: { group: '224.0.0.81', port: 8848, ttl: 1 }, maxLength: 1472 },
  ],
  [
    { role: 'backup', interface: 'eth0', multicast: { group: 'FF01::1', ttl: 2 } },
    { syncId: 0, multicast: { group: 'ff01::1', port: 8848, ttl: 2 } },
  ],
  [
    { role: 'backup', interface: 'eth0', syncId: 3, maxLength: 100 },
    { syncId: 3, multicast: { group: '224.0.0.81', port: 8848, ttl: 1 }, maxLength: 1024 },
  ],
  [
    { role: 'master', interface: 'eth0', multicast: { group: 'ff01::1', port: 9 }, maxLength: 65535 },
    { syncId: 0, multicast: { group: 'ff01::1', port: 9, ttl: 1 }, maxLength: 65487 },
  ],
])('the daemon %j', (daemon, form) => {
  const { role, interface: name } = daemon
  expect(normalizeSyncDaemon(daemon)).toStrictEqual({ role, interface: name, ...form })
})

test('what cannot be is refused as when it is added', () => {
  const refusals = [
    () => normalizeService({ fwmark: 0 }),
    () => normalizeDestination({ fwmark: 7 }, { address: '10.0.0.7', weight: -1 }),
    () => normalizeMarkRule({ mark: 7, address: '10.0.0.7', protocol: 'tcp', ports: [] }),
    () => normalizeNatRule({ action: 'masquerade', source: 'x', protocol: 'all' }),
    () => normalizeSyncDaemon({ role: 'master', interface: '' }),
  ]
  for (const refuse of refusals) expect(refuse).toThrow(IpvsError)
  expect(() => normalizeService({ fwmark: 7, sheduler: 'rr' } as never)).toThrow('did you mean "scheduler"?')
})

const attributeOf = (check: () => void): string | undefined => {
  try {
    check()
  } catch (error) {
    return (error as IpvsError).attribute
  }
  return 'nothing thrown'
}

describe('rules together', () => {
  const web: MarkRule = { mark: 7, address: '172.16.0.100', protocol: 'tcp', ports: [80, 443] }

  test('overlaps and rules that cannot be', async () => {
    expect(() => checkMarkRules([web, { ...web, address: '172.16.0.101' }])).not.toThrow()
    expect(() => checkMarkRules([web, { ...web, mark: 8, ports: 443 }])).toThrow('overlaps')
    expect(() => checkMarkRules([{ ...web, mark: 8, ports: '400-500' }], [web])).toThrow(/existing .* in port 443$/)
    expect(attributeOf(() => checkMarkRules([web, { ...web, mark: 0 }]))).toBe('rules[1].mark')
    await expect(checkMarkRulesAsync([{ ...web, mark: 8 }], [web])).rejects.toThrow('overlaps the existing')
    await expect(checkMarkRulesAsync([web], [{ ...web, protocol: 'udp' }])).resolves.toBeUndefined()
  })

  test('translations', () => {
    const redirect: NatRule = { action: 'redirect', address: '172.16.0.100', protocol: 'tcp', ports: 80, toPort: 8080 }
    expect(() => checkNatRules([redirect], [{ ...redirect, toPort: 8081 }])).toThrow('overlaps the existing')
    expect(() => checkNatRules([redirect], [{ ...redirect, ports: 81 }])).not.toThrow()
  })
})
