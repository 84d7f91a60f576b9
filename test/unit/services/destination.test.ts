import { describe, expect, test, vi } from 'vitest'

import { changedDestinationRow } from '../../../lib/services/destination-patch.ts'
import {
  destinationIdentity,
  listedDestination,
  newDestinationRow,
  parseDestinationKey,
  readDestination,
} from '../../../lib/services/destination.ts'
import type { DestinationRow } from '../../../lib/binding/record-types.ts'
import { parseServiceKey } from '../../../lib/services/service.ts'
import { refused } from '../support/refused.ts'
import { ipv4, ipv6, present } from '../support/service-rows.ts'

vi.mock('../../../lib/binding/addon.ts', () => import('../support/fake-binding.ts'))

const mark = parseServiceKey({ fwmark: 7 })
const web = parseServiceKey({ protocol: 'tcp', address: '172.16.0.100', port: 80 })
const server = { address: '10.0.0.7' }
const key = { family: 2, address: ipv4(10, 0, 0, 7) }

function added(destination: unknown, service = web): DestinationRow {
  const fields = readDestination(destination, 'destination')
  return present(newDestinationRow(service, destinationIdentity(service, fields), fields))
}

describe('keys', () => {
  test('the port is the service’s, and 0 with marks', () => {
    expect(parseDestinationKey(web, server)).toMatchObject({
      row: { ...key, port: 80 },
      text: 'TCP 172.16.0.100:80 -> 10.0.0.7:80',
    })
    expect(parseDestinationKey(mark, server)).toMatchObject({
      row: { ...key, port: 0 },
      text: 'FWM 7 ipv4 -> 10.0.0.7:0',
    })
    expect(parseDestinationKey(mark, { address: '2001:db8::7', port: 1 }).text).toBe('FWM 7 ipv4 -> [2001:db8::7]:1')
  })

  test.each<[string, unknown]>([
    ['destination', '10.0.0.7'],
    ['destination', null],
    ['destination.address', {}],
    ['destination.address', { address: '10.0.0.7:80' }],
    ['destination.address', { address: '::ffff:10.0.0.7' }],
    ['destination.port', { address: '10.0.0.7', port: 65536 }],
    ['destination.port', { address: '10.0.0.7', port: '80' }],
    ['destination.port', { address: '10.0.0.7', port: null }],
    ['destination.adress', { adress: '10.0.0.7' }],
  ])('refuses %s (%#)', (field, value) => expect(refused(() => parseDestinationKey(web, value)).field).toBe(field))
})

describe('a new destination', () => {
  test('sends every setting that the kernel requires', () => {
    const defaults = { weight: 1, upperThreshold: 0, lowerThreshold: 0 }
    expect(added(server)).toEqual({ ...key, port: 80, forwarding: 3, ...defaults })
    expect(added(server, mark)).toEqual({ ...key, port: 0, forwarding: 3, ...defaults })
  })

  test.each<[object, DestinationRow]>([
    [
      { forwarding: 'masquerade', port: 8080 },
      { forwarding: 0, port: 8080 },
    ],
    [{ forwarding: 'tunnel' }, { forwarding: 2 }],
    [
      { forwarding: 'direct', weight: 0 },
      { forwarding: 3, weight: 0 },
    ],
    [{ weight: 2147483647, upperThreshold: 2147483647, lowerThreshold: 2147483647 }, { lowerThreshold: 2147483647 }],
    [
      { upperThreshold: 10, lowerThreshold: 10 },
      { upperThreshold: 10, lowerThreshold: 10 },
    ],
    [
      { port: 8080, forwarding: 'direct', upperThreshold: 4294967295 },
      { port: 8080, forwarding: 3, upperThreshold: 4294967295 },
    ],
    [
      { port: 0, forwarding: 'local' },
      { port: 0, forwarding: 1 },
    ],
    [{ forwarding: 'bypass' }, { forwarding: 4 }],
    [
      { forwarding: 'tunnel', tunnel: {} },
      { tunnelType: 0, tunnelPort: 0, tunnelFlags: 0 },
    ],
    [
      { forwarding: 'tunnel', tunnel: { type: 'ipip', checksum: 'none' } },
      { tunnelType: 0, tunnelFlags: 0 },
    ],
    [
      { forwarding: 'tunnel', tunnel: { type: 'gue', port: 6080, checksum: 'remote' } },
      { tunnelType: 1, tunnelPort: 6080, tunnelFlags: 2 },
    ],
    [
      { forwarding: 'tunnel', tunnel: { type: 'gre', checksum: 'local' } },
      { tunnelType: 2, tunnelPort: 0, tunnelFlags: 1 },
    ],
    [
      { forwarding: 'tunnel', address: '2001:db8::7' },
      { family: 10, forwarding: 2 },
    ],
  ])('%j', (settings, row) => expect(added({ ...server, ...settings })).toMatchObject(row))

  test.each<[string, object]>([
    ['destination.address', { address: '0.0.0.0' }],
    ['destination.address', { address: '224.0.0.1' }],
    ['destination.address', { address: '255.255.255.255' }],
    ['destination.address', { address: '::', forwarding: 'tunnel' }],
    ['destination.address', { address: 'ff02::1', forwarding: 'tunnel' }],
    ['destination.address', { address: '2001:db8::7' }],
    ['destination.address', { address: '2001:db8::7', forwarding: 'masquerade' }],
    ['destination.port', { port: 8080 }],
    ['destination.port', { port: 0 }],
    ['destination.port', { port: -1, forwarding: 'masquerade' }],
    ['destination.forwarding', { forwarding: 'DR' }],
    ['destination.forwarding', { forwarding: 'dr ' }],
    ['destination.forwarding', { forwarding: 5 }],
    ['destination.forwarding', { forwarding: 7 }],
    ['destination.forwarding', { forwarding: 0xfffffff8 }],
    ['destination.weight', { weight: -1 }],
    ['destination.weight', { weight: 2147483648 }],
    ['destination.weight', { weight: 1.5 }],
    ['destination.weight', { weight: NaN }],
    ['destination.weight', { weight: '10%' }],
    ['destination.weight', { weight: 1_000_000_000n }],
    ['destination.upperThreshold', { upperThreshold: 4294967296 }],
    ['destination.lowerThreshold', { lowerThreshold: 1 }],
    ['destination.lowerThreshold', { lowerThreshold: 11, upperThreshold: 10 }],
    ['destination.tunnel', { tunnel: {} }],
    ['destination.tunnel', { tunnel: { type: 'ipip' }, forwarding: 'masquerade' }],
    ['destination.tunnel', { tunnel: 'gue', forwarding: 'tunnel' }],
    ['destination.tunnel', { tunnel: null, forwarding: 'tunnel' }],
    ['destination.tunnel.type', { tunnel: { type: 9 }, forwarding: 'tunnel' }],
    ['destination.tunnel.port', { tunnel: { type: 'gue' }, forwarding: 'tunnel' }],
    ['destination.tunnel.port', { tunnel: { type: 'gue', port: 0 }, forwarding: 'tunnel' }],
    ['destination.tunnel.port', { tunnel: { type: 'gue', port: 70000 }, forwarding: 'tunnel' }],
    ['destination.tunnel.port', { tunnel: { port: 6080 }, forwarding: 'tunnel' }],
    ['destination.tunnel.port', { tunnel: { type: 'gre', port: 6080 }, forwarding: 'tunnel' }],
    ['destination.tunnel.checksum', { tunnel: { checksum: 'local' }, forwarding: 'tunnel' }],
    ['destination.tunnel.checksum', { tunnel: { type: 'gre', checksum: 'remote' }, forwarding: 'tunnel' }],
    ['destination.tunnel.checksum', { tunnel: { type: 'gue', port: 1, checksum: 0xffff }, forwarding: 'tunnel' }],
    ['destination.tunnel.flags', { tunnel: { type: 'gue', port: 1, flags: 1 }, forwarding: 'tunnel' }],
    ['destination.wieght', { wieght: 1 }],
  ])('refuses %s (%#)', (field, settings) => {
    expect(refused(() => added({ ...server, ...settings })).field).toBe(field)
  })

  test('for a service with a mark, a port needs forwarding', () => {
    expect(refused(() => added({ ...server, port: 80 }, mark)).message).toContain('leave port out (0)')
    expect(added({ ...server, port: 80, forwarding: 'direct' }, mark)).toMatchObject({ port: 80, forwarding: 3 })
    expect(added({ ...server, port: 80, forwarding: 'tunnel' }, mark)).toMatchObject({ port: 80, forwarding: 2 })
    expect(added({ ...server, port: 8080, forwarding: 'masquerade' }, mark).port).toBe(8080)
  })
})

test('a link-local address may be a destination', () => {
  const service = parseServiceKey({ protocol: 'tcp', address: '2001:db8::1', port: 80 })
  expect(added({ address: 'fe80::7' }, service)).toMatchObject({ family: 10, port: 80 })
})

const tunnelOf = (row: DestinationRow) => listedDestination(row, web).tunnel

describe('a listed destination', () => {
  const counts = { activeConnections: 1, inactiveConnections: 2, persistentConnections: 3 }
  const listedRow = (settings: DestinationRow): DestinationRow => ({ ...added(server), ...counts, ...settings })

  test('has all properties', () => {
    const statistics = { connections: 6n, outBytesPerSecond: 9n }
    const listed = listedDestination(listedRow({ weight: 5, upperThreshold: 8, lowerThreshold: 4, statistics }), web)
    expect(listed).toEqual({
      address: '10.0.0.7',
      port: 80,
      forwarding: 'direct',
      weight: 5,
      upperThreshold: 8,
      lowerThreshold: 4,
      ...counts,
      statistics: {
        connections: 6n,
        inPackets: 0n,
        outPackets: 0n,
        inBytes: 0n,
        outBytes: 0n,
        rates: { connections: 0, inPackets: 0, outPackets: 0, inBytes: 0, outBytes: 9 },
      },
    })
  })

  test.each([
    [0, 'masquerade'],
    [1, 'local'],
    [2, 'tunnel'],
    [3, 'direct'],
    [4, 'bypass'],
    [0x103, 'direct'],
  ])('forwarding %d is %s', (forwarding, name) => {
    expect(listedDestination(listedRow({ forwarding }), web).forwarding).toBe(name)
  })

  test('tunnel options are listed with tunnels only', () => {
    expect(Object.keys(listedDestination(listedRow({}), web))).not.toContain('tunnel')
    const gue = { tunnelType: 1, tunnelPort: 6080, tunnelFlags: 2 }
    expect(tunnelOf({ forwarding: 2, ...gue })).toEqual({ type: 'gue', port: 6080, checksum: 'remote' })
    expect(tunnelOf({ forwarding: 2 })).toEqual({ type: 'ipip' })
    expect(tunnelOf({ forwarding: 2, tunnelType: 2, tunnelFlags: 1 })).toEqual({ type: 'gre', checksum: 'local' })
    expect(tunnelOf({ forwarding: 2, tunnelType: 9 })).toBeUndefined()
    expect(tunnelOf({ forwarding: 3, ...gue })).toBeUndefined()
  })

  test('without a family it has the service’s', () => {
    const v6 = parseServiceKey({ fwmark: 7, family: 'ipv6' })
    expect(listedDestination({ address: ipv6(0x20, 1), port: 0 }, v6).address).toBe('2001::')
    expect(listedDestination({ family: 0, address: ipv4(10, 0, 0, 1) }, web).address).toBe('10.0.0.1')
  })

  test.each<object>([
    {},
    { weight: 0, upperThreshold: 9 },
    { forwarding: 'masquerade', port: 8080 },
    { forwarding: 'tunnel', tunnel: {} },
    { forwarding: 'tunnel', tunnel: { type: 'gue', port: 6080 } },
    { forwarding: 'tunnel', tunnel: { type: 'gre', checksum: 'local' }, address: '2001:db8::7' },
  ])('%j can be passed back', (settings) => {
    const row = added({ ...server, ...settings })
    const listed = listedDestination({ ...row, ...counts }, web)
    expect(added(listed)).toEqual(row)
    expect(parseDestinationKey(web, listed).row).toMatchObject({ address: row.address, port: row.port })
    const patch = readDestination({ ...listed, weight: 7 }, 'patch')
    expect(changedDestinationRow(web, parseDestinationKey(web, listed), patch)).toMatchObject({ ...row, weight: 7 })
  })
})
