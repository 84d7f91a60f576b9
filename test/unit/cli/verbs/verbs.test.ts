// The verbs for people: what their words mean, what they print.
import type { ListedDestination, ServiceSnapshot, Statistics, TotalStatistics } from 'ipvs'
import type { Command } from 'commander'
import { describe, expect, test } from 'vitest'
import { destinationSettings, serviceSettings } from '../../../../cli/verbs/change.ts'
import { endFilter, filterOf, renderGroups } from '../../../../cli/verbs/connections.ts'
import { createContext } from '../../../../cli/shared/context.ts'
import { json, short } from '../../../../cli/shared/format.ts'
import { serviceText } from '../../../../state/key-text.ts'
import { destinationKey, serviceKey } from '../../../../cli/shared/keys.ts'
import { renderList } from '../../../../cli/verbs/list.ts'
import { createProgram, runProgram } from '../../../../cli/verbs/program.ts'
import { renderMarks } from '../../../../cli/marks/rule-tables.ts'
import { renderStats } from '../../../../cli/verbs/stats.ts'
import { listedDestination } from '../../../../lib/services/destination.ts'
import { Written } from '../written.ts'

describe('keys', () => {
  test.each([
    ['tcp:172.16.0.100:80', { protocol: 'tcp', address: '172.16.0.100', port: 80 }],
    ['udp:[2001:db8::1]:53', { protocol: 'udp', address: '2001:db8::1', port: 53, family: 'ipv6' }],
    ['mark:7', { fwmark: '7', family: 'ipv4' }],
    ['mark:0x10/ipv6', { fwmark: '0x10', family: 'ipv6' }],
  ])('%s', (text, key) => {
    expect(serviceKey(text)).toEqual(key)
    expect(serviceText(serviceKey(text))).toBe(text)
  })

  test.each(['172.16.0.100:80', 'tcp:172.16.0.100', 'mark:', 'http:1.2.3.4:80', ''])(
    '%j is refused as a service',
    (text) => {
      expect(() => serviceKey(text)).toThrow('tcp:172.16.0.100:80')
    },
  )

  test.each([
    ['10.0.0.7', { address: '10.0.0.7' }],
    ['10.0.0.7:80', { address: '10.0.0.7', port: 80 }],
    ['2001:db8::7', { address: '2001:db8::7' }],
    ['[2001:db8::7]:80', { address: '2001:db8::7', port: 80 }],
  ])('%s', (text, key) => {
    expect(destinationKey(text)).toEqual(key)
  })
})

describe('options', () => {
  test('of services', () => {
    expect(serviceSettings({ persistence: true })).toMatchObject({ persistence: {} })
    expect(serviceSettings({ persistence: 9, netmask: '24' })).toMatchObject({
      persistence: { timeoutSeconds: 9, netmask: 24 },
    })
    expect(serviceSettings({ persistence: false, flags: 'sh-port,sh-fallback' })).toMatchObject({
      persistence: null,
      schedulerFlags: ['sh-port', 'sh-fallback'],
    })
    expect(Object.values(serviceSettings({})).every((value) => value === undefined)).toBe(true)
  })

  test('of destinations', () => {
    expect(destinationSettings({ tunnel: 'gue', tunnelPort: 6080 })).toMatchObject({
      forwarding: 'tunnel',
      tunnel: { type: 'gue', port: 6080 },
    })
    expect(Object.values(destinationSettings({ weight: 0 })).filter((value) => value !== undefined)).toEqual([0])
  })

  test('of connections', () => {
    expect(endFilter(':443')).toEqual({ address: undefined, port: 443 })
    expect(endFilter('[::1]:443')).toEqual({ address: '::1', port: 443 })
    expect(endFilter('10.0.0.0/8')).toBe('10.0.0.0/8')
    expect(filterOf({ state: 'ESTABLISHED,FIN_WAIT', templates: 'only' })).toMatchObject({
      state: ['ESTABLISHED', 'FIN_WAIT'],
      templates: 'only',
    })
  })
})

const rates = { connections: 1, inPackets: 2, outPackets: 3, inBytes: 1234, outBytes: 5_000_000 }
const counters = { connections: 10n, inPackets: 20n, outPackets: 0n, inBytes: 123_456n, outBytes: 0n }
const statistics: Statistics = { ...counters, rates }
const destination: ListedDestination = {
  ...listedDestination({}, { family: 'ipv4' }),
  address: '10.0.0.7',
  forwarding: 'direct',
  weight: 1,
  upperThreshold: 100,
  lowerThreshold: 50,
  activeConnections: 5,
  inactiveConnections: 6,
  persistentConnections: 7,
  statistics,
}
const service: ServiceSnapshot = {
  fwmark: 7,
  family: 'ipv4',
  scheduler: 'rr',
  schedulerFlags: [],
  onePacket: false,
  persistence: { timeoutSeconds: 360, netmask: '255.255.255.0' },
  statistics,
  destinations: [destination],
}

test('list', () => {
  expect(renderList([service], false, new Written())).toBe(
    `SERVICE       HOW                                   WEIGHT  ACTIVE  INACTIVE  CONNS    IN  OUT
mark:7        rr persistent 360s per 255.255.255.0                               10  123k    0
  10.0.0.7:0  direct limit 100/50                        1       5         6     10  123k    0
`,
  )
  expect(renderList([service], true, new Written())).toContain('1.23k  5.00M')
})

test('headings are emphasised on a terminal only', () => {
  expect(renderList([], false, new Written({ terminal: true }))).toContain('\u001B[1mSERVICE')
  expect(renderList([], false, new Written())).not.toContain('\u001B')
})

test('stats, groups, marks', () => {
  const output = new Written()
  const totals: TotalStatistics = { ...statistics, cpus: [{ cpu: 0, ...counters }] }
  expect(
    renderStats(totals, output)
      .split('\n')
      .map((line) => line.split(/ {2,}/)[0]),
  ).toEqual(['', 'total', 'per second', 'cpu 0', ''])
  const group = { destination: { address: '10.0.0.7', port: 80 }, state: 'ESTABLISHED', count: 12 } as never
  expect(renderGroups([group], ['destination', 'state'], output)).toBe(
    'COUNT  DESTINATION  STATE\n   12  10.0.0.7:80  ESTABLISHED\n',
  )
  const rule = { mark: 7, address: '172.16.0.100', protocol: 'tcp', ports: [80, '1000-2000'] } as never
  expect(renderMarks([rule], output)).toBe(
    'MARK  ADDRESS       PROTOCOL  PORTS         COMMENT\n   7  172.16.0.100  tcp       80,1000-2000\n',
  )
})

test('numbers', () => {
  expect([0, 999, 1000, 12_345, 123_456, 99_999_999_999n].map(short)).toEqual([
    '0',
    '999',
    '1.00k',
    '12.3k',
    '123k',
    '99.9G',
  ])
  expect(json({ small: 5n, large: 2n ** 60n })).toBe('{"small":5,"large":"1152921504606846976"}')
})

test('every verb has help with examples, and takes --netns', () => {
  const verbs = createProgram(createContext(new Written())).commands.filter((command) => command.name() !== 'adm')
  const leavesOf = (verb: Command): Command[] => (verb.commands.length > 0 ? verb.commands.flatMap(leavesOf) : [verb])
  const leaves = verbs.flatMap(leavesOf)
  expect(leaves.length).toBeGreaterThan(20)
  for (const leaf of leaves) {
    const output = new Written()
    leaf.configureOutput({ writeOut: (text) => output.out(text) })
    leaf.outputHelp()
    expect(output.stdout).toMatch(/Examples?:\n {2}ipvs /)
  }
})

test('exit statuses: 0 for help, 2 for a wrong command line, 1 for a failure', async () => {
  expect(await runProgram(['list', '--help'], new Written())).toBe(0)
  expect(await runProgram(['lisst'], new Written())).toBe(2)
  expect(await runProgram(['remove', 'service', 'seven'], new Written())).toBe(2)
  const output = new Written()
  expect(await runProgram(['list', '--netns', '/nowhere/at/all'], output)).toBe(1)
  expect(output.stderr).toContain('/nowhere/at/all')
})
