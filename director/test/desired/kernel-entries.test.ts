// Services, marks and rules of the kernel for a site.
import { expect, test } from 'vitest'
import { desired, type DesiredInput } from '../../src/desired/desired.ts'
import type { ServerId } from '../../src/desired/inputs.ts'
import { NOW, decide, weights } from '../support/decide.ts'
import { server, service, site } from '../support/sites.ts'

test('a mark without a number is the kept one, or the lowest that nobody uses', () => {
  const free = service('shop', { mark: undefined })
  const other = service('other', {
    mark: 10_000,
    virtuals: [{ address: '172.16.0.101', family: 'ipv4', protocol: 'tcp', ports: 'all' }],
  })
  const input = { health: new Map(), overrides: [], remaining: new Map(), adopted: new Set<ServerId>(), now: NOW }
  const marked = (more: Partial<DesiredInput>): readonly [number | undefined, object] => {
    const { marks, memory } = desired({ ...input, site: site(free, other), memory: { marks: {} }, ...more })
    return [marks.get('shop'), memory.marks]
  }
  expect(marked({})).toEqual([10_001, { shop: 10_001 }])
  expect(marked({ foreignMarks: new Set([10_001]) })).toEqual([10_002, { shop: 10_002 }])
  expect(marked({ memory: { marks: { shop: 10_050 } }, foreignMarks: new Set([10_050]) })).toEqual([
    10_050,
    { shop: 10_050 },
  ])
  // Another service names the kept mark now.
  expect(marked({ memory: { marks: { shop: 10_000 } } })).toEqual([10_001, { shop: 10_001 }])
})

test('a mark service with addresses of both families is two services of the kernel', () => {
  const both = service('shop', {
    virtuals: [
      { address: '172.16.0.100', family: 'ipv4', protocol: 'tcp', ports: 'all' },
      { address: '2001:db8::100', family: 'ipv6', protocol: 'tcp', ports: [{ from: 10_000, to: 20_000 }] },
    ],
    servers: [server('a', '10.0.0.1'), server('b', 'fd00::2')],
  })
  const { state } = decide(both)
  expect(
    state.services?.map(({ service: { family }, destinations = [] }) => [
      family,
      destinations.map(({ address }) => address),
    ]),
  ).toEqual([
    ['ipv4', ['10.0.0.1']],
    ['ipv6', ['fd00::2']],
  ])
  expect(state.marks?.map(({ ports }) => ports)).toEqual(['all', ['10000-20000']])
})

test('an address service, with persistence, thresholds, ports and a tunnel', () => {
  const dns = service('shop', {
    by: 'address',
    mark: undefined,
    virtuals: [{ address: '172.16.0.53', family: 'ipv4', protocol: 'udp', ports: [{ from: 53, to: 53 }] }],
    persistence: { timeoutSeconds: 540, netmask: '255.255.255.0', engine: undefined },
    servers: [
      server('a', '10.0.0.1', { port: 5353, forwarding: 'masquerade', upperThreshold: 100, lowerThreshold: 80 }),
      server('b', 'fd00::2', { forwarding: 'tunnel', tunnel: { type: 'gue', port: 6080 } }),
    ],
  })
  expect(decide(dns).state).toEqual({
    services: [
      {
        service: {
          protocol: 'udp',
          address: '172.16.0.53',
          port: 53,
          scheduler: 'wlc',
          persistence: { timeoutSeconds: 540, netmask: '255.255.255.0' },
        },
        destinations: [
          {
            address: '10.0.0.1',
            port: 5353,
            forwarding: 'masquerade',
            weight: 1,
            upperThreshold: 100,
            lowerThreshold: 80,
          },
          { address: 'fd00::2', port: 53, forwarding: 'tunnel', weight: 1, tunnel: { type: 'gue', port: 6080 } },
        ],
      },
    ],
    marks: [],
    nat: [],
  })
})

test('active FTP masquerades port 20 of servers with masquerade', () => {
  const ftp = service('shop', {
    ftpActive: true,
    servers: [server('a', '10.0.0.1', { forwarding: 'masquerade' }), server('b', '10.0.0.2')],
  })
  expect(decide(ftp).state.nat).toEqual([
    { action: 'masquerade', source: '10.0.0.1', protocol: 'tcp', sourcePorts: 20, comment: 'shop' },
  ])
})

test('two names of one address are one destination, with the larger weight', () => {
  const shop = service('shop', { servers: [server('a', '10.0.0.1'), server('b', '10.0.0.1', { weight: 5 })] })
  expect(weights(decide(shop))).toEqual({ '10.0.0.1': 5 })
})
