// Listings byte for byte: what ipvsadm 1.31 prints of the same rows.
import type { Connection, ListedDestination, ListedService, ServiceSnapshot, Statistics } from 'ipvs'
import { expect, test } from 'vitest'
import { numericNames, type Names } from '../../../../cli/adm/names.ts'
import type { View } from '../../../../cli/adm/parse.ts'
import { connectionLine, renderDaemons, renderTimeouts } from '../../../../cli/adm/render-listings.ts'
import { renderSave } from '../../../../cli/adm/render-save.ts'
import { largeNumber, renderServices } from '../../../../cli/adm/render.ts'
import { parseServices } from '../../../../cli/adm/services.ts'
import { listedDestination } from '../../../../lib/services/destination.ts'

const rates = { connections: 6, inPackets: 7, outPackets: 8, inBytes: 9, outBytes: 10 }
const statistics: Statistics = {
  connections: 99_999_999n,
  inPackets: 100_000_000n,
  outPackets: 0n,
  inBytes: 9_999_999_999n,
  outBytes: 123_456_789_012n,
  rates,
}
const destination = (address: string, port: number, more: Partial<ListedDestination> = {}): ListedDestination => ({
  ...listedDestination({}, { family: 'ipv4' }),
  address,
  port,
  forwarding: 'direct',
  weight: 1,
  activeConnections: 5,
  inactiveConnections: 6,
  persistentConnections: 7,
  statistics,
  ...more,
})
const service = (
  listed: Partial<ListedService> & Pick<ListedService, 'family'>,
  ...destinations: ListedDestination[]
): ServiceSnapshot =>
  ({ scheduler: 'rr', schedulerFlags: [], onePacket: false, statistics, ...listed, destinations }) as ServiceSnapshot

const table = [
  service(
    {
      protocol: 'tcp',
      address: '172.16.0.100',
      port: 80,
      family: 'ipv4',
      persistence: { timeoutSeconds: 360, netmask: '255.255.255.0' },
    },
    destination('10.0.0.17', 8080, { forwarding: 'masquerade', weight: 100, upperThreshold: 50, lowerThreshold: 3 }),
    destination('10.0.0.9', 80, { forwarding: 'tunnel', tunnel: { type: 'gue', port: 6080, checksum: 'local' } }),
  ),
  service({ fwmark: 7, family: 'ipv6', scheduler: 'mh', schedulerFlags: ['mh-port'], onePacket: true }),
  service({ protocol: 'udp', address: '2001:db8::53', port: 53, family: 'ipv6' }, destination('2001:db8::7', 53)),
  service({ protocol: 'tcp', address: '1.2.3.4', port: 21, family: 'ipv4' }),
]
const view: View = { numeric: true, columns: 'plain', exact: false, sorted: true }
const lines = (more: Partial<View>): string[] =>
  renderServices(table, { ...view, ...more }, numericNames, undefined).split('\n')

test('the plain listing', () => {
  const info = { version: '1.2.1', connectionTableSize: 4096 }
  expect(renderServices(table, view, numericNames, info)).toBe(
    [
      'IP Virtual Server version 1.2.1 (size=4096)',
      'Prot LocalAddress:Port Scheduler Flags',
      '  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn',
      'TCP  172.16.0.100:80 rr persistent 360 mask 255.255.255.0',
      '  -> 10.0.0.9:80                  Tunnel  1      5          6         ',
      '  -> 10.0.0.17:8080               Masq    100    5          6         ',
      'TCP  1.2.3.4:21 rr',
      'UDP  [2001:db8::53]:53 rr',
      '  -> [2001:db8::7]:53             Route   1      5          6         ',
      'FWM  7 IPv6 mh (mh-port) ops',
      '',
    ].join('\n'),
  )
})

const flagged = (scheduler: string, ...schedulerFlags: string[]) =>
  renderServices(
    [service({ fwmark: 7, family: 'ipv4', scheduler, schedulerFlags: schedulerFlags as never })],
    view,
    numericNames,
    undefined,
  ).trim()

test('the third flag of sh and mh has no name', () => {
  expect(flagged('sh', 'flag-3')).toMatch(/sh \(\)$/)
  expect(flagged('mh', 'mh-port', 'flag-3')).toMatch(/mh \(mh-port\)$/)
  expect(flagged('rr', 'flag-3')).toMatch(/rr \(flag-3\)$/)
})

test('other columns', () => {
  expect(lines({ columns: 'tun-info' })[3]).toBe(
    '  -> 10.0.0.9:80                  Tunnel  gue:6080:+c   1      5          6         ',
  )
  expect(lines({ columns: 'thresholds' })[4]).toBe(
    '  -> 10.0.0.17:8080               50         3          5          6         ',
  )
  expect(lines({ columns: 'persistent-conn' })[4]).toBe(
    '  -> 10.0.0.17:8080               100       7           5          6         ',
  )
  expect(lines({ columns: 'stats' })[2]).toBe(
    'TCP  172.16.0.100:80              99999999  100000K        0    9999M     123G',
  )
  expect(lines({ columns: 'stats', exact: true })[4]).toBe(
    '  -> 10.0.0.17:8080               99999999 100000000        0 9999999999 123456789012',
  )
  expect(lines({ columns: 'rate' })[3]).toBe(
    '  -> 10.0.0.9:80                         6        7        8        9       10',
  )
})

test('without sorting the order is the kernel’s', () => {
  expect(lines({ sorted: false }).map((line) => line.slice(0, 20).trim())).toEqual([
    'Prot LocalAddress:Po',
    '-> RemoteAddress:P',
    'TCP  172.16.0.100:80',
    '-> 10.0.0.17:8080',
    '-> 10.0.0.9:80',
    'FWM  7 IPv6 mh (mh-p',
    'UDP  [2001:db8::53]:',
    '-> [2001:db8::7]:5',
    'TCP  1.2.3.4:21 rr',
    '',
  ])
})

test.each([
  [99_999_999, ' 99999999'],
  [999_999_999, '  999999K'],
  [1_000_000_000, '    1000M'],
  [100_000_000_000, '     100G'],
  [100_000_000_000_000, '     100T'],
])('%d', (number, shown) => {
  expect(largeNumber(number, false)).toBe(shown)
})

test('-S with thresholds', () => {
  expect(renderSave(table, numericNames)).toBe(
    `-A -t 172.16.0.100:80 -s rr -p 360 -M 255.255.255.0
-a -t 172.16.0.100:80 -r 10.0.0.9:80 -i -w 1 --tun-type gue --tun-port 6080 --tun-csum
-a -t 172.16.0.100:80 -r 10.0.0.17:8080 -m -w 100 -x 50 -y 3
-A -t 1.2.3.4:21 -s rr
-A -u [2001:db8::53]:53 -s rr
-a -u [2001:db8::53]:53 -r [2001:db8::7]:53 -g -w 1
-A -f 7 -6 -s mh -o -b mh-port
`,
  )
})

const connection: Connection = {
  protocol: 'tcp',
  client: { address: '192.168.0.6', port: 44658 },
  virtual: { address: '172.16.0.100', port: 80 },
  destination: { address: '10.0.0.17', port: 80 },
  state: 'FIN_WAIT',
  expiresSeconds: 41,
  template: false,
}

test('connections', () => {
  expect(connectionLine(connection, numericNames, true)).toBe(
    'TCP 00:41  FIN_WAIT    192.168.0.6:44658  172.16.0.100:80    10.0.0.17:80\n',
  )
  const engine = { name: 'sip', data: 'abcdef' }
  const template: Connection = {
    ...connection,
    protocol: 'ip',
    client: { address: '2001:db8::1', port: 0 },
    virtual: undefined,
    fwmark: 7,
    expiresSeconds: 12345,
    persistenceEngine: engine,
  }
  expect(connectionLine(template, numericNames, true)).toBe(
    'IP  205:45 FIN_WAIT    [2001:db8::1]:0    [0:7::]:0          10.0.0.17:80     sip                abcdef\n',
  )
  expect(connectionLine({ ...template, fwmark: 0x12340056 }, numericNames, false)).toContain(' [1234:56::]:0 ')
  expect(connectionLine({ ...template, fwmark: 0x70000 }, numericNames, false)).toContain(' [7::]:0 ')
})

test('timeouts and daemons', () => {
  expect(renderTimeouts({ tcpSeconds: 900, tcpFinSeconds: 120, udpSeconds: 300 })).toBe(
    'Timeout (tcp tcpfin udp): 900 120 300\n',
  )
  const multicast = { group: '224.0.0.81', port: 8848, ttl: 1 }
  expect(renderDaemons([{ role: 'master', interface: 'eth0', syncId: 5, multicast, maxLength: 1472 }])).toBe(
    'master sync daemon (mcast=eth0, syncid=5, maxlen=1472, group=224.0.0.81, port=8848, ttl=1)\n',
  )
})

test('names instead of numbers', () => {
  const names: Names = { endpoint: (address, port, protocol) => `${address}/${port}/${protocol ?? 'any'}` }
  const [, , first, second] = renderServices(table, view, names, undefined).split('\n')
  expect(first).toBe('TCP  172.16.0.100/80/tcp rr persistent 360 mask 255.255.255.0')
  expect(second).toMatch(/^ {2}-> 10\.0\.0\.9\/80\/tcp /)
  const { portOf, nameOf } = parseServices('http 80/tcp www # web\n# 1/tcp\ndomain\t53/udp\nold 80/tcp\n')
  expect([portOf.get('www/tcp'), portOf.get('domain/'), portOf.get('domain/tcp')]).toEqual([80, 53, undefined])
  expect(nameOf.get('80/tcp')).toBe('http')
})
