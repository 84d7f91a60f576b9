// What is left on draining servers, by the kernel's counters.
import type { Ipvs } from 'ipvs'
import { expect, test } from 'vitest'
import { remainingOf } from '../../src/control/remaining.ts'
import { NOW, order } from '../support/decide.ts'
import { server, service, site } from '../support/sites.ts'

type Snapshot = Awaited<ReturnType<Ipvs['snapshot']>>

const shop = site(
  service('shop', {
    virtuals: [
      { address: '172.16.0.100', family: 'ipv4', protocol: 'tcp', ports: 'all' },
      { address: '2001:db8::100', family: 'ipv6', protocol: 'tcp', ports: 'all' },
    ],
    servers: [server('a', '10.0.0.1'), server('b', '10.0.0.2'), server('t', '10.0.0.3', { forwarding: 'tunnel' })],
  }),
)

type Counts = readonly [address: string, weight: number, active: number, inactive: number, persistent: number]

/** The services of the mark: IPv4, IPv6. */
function kernel(...families: readonly (readonly Counts[])[]): Pick<Ipvs, 'snapshot'> {
  const services = families.map((destinations, index) => ({
    fwmark: 7,
    family: index === 0 ? 'ipv4' : 'ipv6',
    scheduler: 'wlc',
    destinations: destinations.map(
      ([address, weight, activeConnections, inactiveConnections, persistentConnections]) => ({
        address,
        port: 0,
        forwarding: address === '10.0.0.3' ? 'tunnel' : 'direct',
        weight,
        activeConnections,
        inactiveConnections,
        persistentConnections,
      }),
    ),
  }))
  return { snapshot: () => Promise.resolve(services as unknown as Snapshot) }
}

const input = (ipvs: Pick<Ipvs, 'snapshot'>, ...targets: readonly string[]) => ({
  site: shop,
  marks: new Map([['shop', 7]]),
  overrides: targets.map((target) => order('drain', target)),
  ipvs,
  now: NOW,
})

test('connections of a draining server: active, inactive, persistent clients, of both families', async () => {
  const ipvs = kernel(
    [
      ['10.0.0.1', 0, 2, 3, 1],
      ['10.0.0.2', 1, 9, 9, 9],
      ['10.0.0.3', 0, 1, 0, 0],
    ],
    [['10.0.0.3', 0, 4, 0, 2]],
  )
  expect(await remainingOf(input(ipvs, 'a', 'shop/t'))).toEqual(
    new Map([
      ['shop/a', { connections: 5, templates: 1 }],
      ['shop/t', { connections: 5, templates: 2 }],
    ]),
  )
})

test('a server that still has a weight is not counted: it gets connections after this moment', async () => {
  expect(await remainingOf(input(kernel([['10.0.0.1', 1, 0, 0, 0]]), 'a'))).toEqual(new Map())
  const half = kernel([['10.0.0.3', 0, 0, 0, 0]], [['10.0.0.3', 1, 0, 0, 0]])
  expect(await remainingOf(input(half, 't'))).toEqual(new Map())
})

test('a server that is not in the table has nothing left', async () => {
  const nothing = { connections: 0, templates: 0 }
  expect(await remainingOf(input(kernel([]), 'a'))).toEqual(new Map([['shop/a', { absent: true, ...nothing }]]))
})

test('the kernel is not asked while nothing drains', async () => {
  const refusing = { snapshot: () => Promise.reject(new Error('asked')) }
  expect(await remainingOf(input(refusing))).toEqual(new Map())
})
