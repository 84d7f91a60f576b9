// Command lines of ipvsadm: what they mean, and what is said about those that mean nothing. Messages and exit statuses are those
// of ipvsadm 1.31.
import { describe, expect, test } from 'vitest'
import { parse, type Command } from '../../../../cli/adm/parse.ts'
import { UnknownHost, UsageError } from '../../../../cli/adm/usage-error.ts'

const hosts = new Map([
  ['localhost', '127.0.0.1'],
  ['nowhere', undefined],
])
const parsed = (line: string): Command =>
  parse(
    line.split(' ').filter((word) => word !== ''),
    hosts,
  )
const operationOf = (line: string): unknown => {
  const command = parsed(line)
  return command.name === 'change' ? command.operation : command
}
const problemOf = (line: string): { status: number; message: string } | undefined => {
  try {
    parsed(line)
    return undefined
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    return { status: error.status, message: error.message }
  }
}

const web = { protocol: 'tcp', address: '1.2.3.4', port: 80 }
const none = { scheduler: 'wlc', schedulerFlags: [], onePacket: false }

describe('services', () => {
  test.each(['-A -t 1.2.3.4:80', '-At1.2.3.4:80', '-At=1.2.3.4:80', '--add-service --tcp-service=1.2.3.4:80'])(
    '%s',
    (line) => {
      expect(operationOf(line)).toMatchObject({ operation: 'addService', service: { ...web, ...none } })
    },
  )

  test.each([
    ['-p', 360],
    ['-p30', 30],
    ['-p=30', 30],
    ['-p 30', 30],
    ['--persistent=30', 30],
    ['--persistent 30', 30],
    ['-p -s rr', 360],
  ])('%s', (words, timeoutSeconds) => {
    expect(operationOf(`-A -t 1.2.3.4:80 ${words}`)).toMatchObject({ service: { persistence: { timeoutSeconds } } })
  })

  test('-E has every setting, because it replaces the service', () => {
    expect(operationOf('-E -f 7')).toEqual({
      operation: 'updateService',
      service: { fwmark: 7, family: 'ipv4' },
      patch: { ...none, persistence: null, persistenceEngine: undefined },
    })
    expect(operationOf('-E -f 7 -6 -p 9 -M 64 -s mh -b mh-port,flag-2,flag-3')).toMatchObject({
      service: { fwmark: 7, family: 'ipv6' },
      patch: {
        scheduler: 'mh',
        schedulerFlags: ['flag-2', 'flag-3'],
        persistence: { timeoutSeconds: 9, netmask: 64 },
        persistenceEngine: null,
      },
    })
  })

  test.each([
    ['-t [2001:db8::1]:443', { protocol: 'tcp', address: '2001:db8::1', port: 443, family: 'ipv6' }],
    ['-u 1.2.3.4:domain', { protocol: 'udp', address: '1.2.3.4', port: 53 }],
    ['--sctp-service 1.2:5', { protocol: 'sctp', address: '1.0.0.2', port: 5 }],
    ['-t localhost:http', { protocol: 'tcp', address: '127.0.0.1', port: 80 }],
    ['-f 010', { fwmark: 10, family: 'ipv4' }],
  ])('-D %s', (words, service) => {
    expect(operationOf(`-D ${words}`)).toEqual({ operation: 'removeService', service })
  })

  test('an unknown host name is looked up', () => {
    expect(() => parse(['-D', '-t', 'director.example:80'])).toThrow(UnknownHost)
  })
})

describe('destinations', () => {
  test('defaults', () => {
    expect(operationOf('-a -t 1.2.3.4:80 -r 10.0.0.7')).toEqual({
      operation: 'addDestination',
      service: web,
      destination: {
        address: '10.0.0.7',
        port: 80,
        forwarding: 'direct',
        weight: 1,
        upperThreshold: 0,
        lowerThreshold: 0,
      },
    })
  })

  test('only NAT changes the port', () => {
    expect(operationOf('-a -t 1.2.3.4:80 -r 10.0.0.7:81 -m')).toMatchObject({ destination: { port: 81 } })
    expect(operationOf('-a -t 1.2.3.4:80 -r 10.0.0.7:81')).toMatchObject({ destination: { port: 80 } })
    expect(operationOf('-a -f 7 -r 10.0.0.7')).toMatchObject({ destination: { port: 0 } })
  })

  test('tunnels', () => {
    expect(operationOf('-a -f 7 -r 10.0.0.7 -i --tun-type gue --tun-port 6080 --tun-remcsum')).toMatchObject({
      destination: { forwarding: 'tunnel', tunnel: { type: 'gue', port: 6080, checksum: 'remote' } },
    })
    expect(operationOf('-e -f 7 -r 10.0.0.7 -i -x 5 -y 3')).toMatchObject({
      operation: 'updateDestination',
      patch: { forwarding: 'tunnel', tunnel: { type: 'ipip' }, upperThreshold: 5, lowerThreshold: 3, weight: 1 },
    })
  })

  test('-d', () => {
    expect(operationOf('-d -t 1.2.3.4:80 -r [::1]:81')).toEqual({
      operation: 'removeDestination',
      service: web,
      destination: { address: '::1', port: 81 },
    })
  })
})

test.each<[string, object]>([
  ['', { name: 'list', view: { columns: 'plain', numeric: false, sorted: true } }],
  ['-Ln', { name: 'list', view: { numeric: true } }],
  ['-l --rate --stats --nosort --exact', { view: { columns: 'stats', sorted: false, exact: true } }],
  ['-Lnc --persistent-conn', { name: 'connections', numeric: true, engines: true }],
  ['-Sn', { name: 'save', numeric: true }],
  ['--set 900 0 300', { name: 'set', seconds: [900, 0, 300] }],
  ['-L --timeout', { name: 'timeouts' }],
  ['-L --daemon -n', { name: 'daemons' }],
  ['--start-daemon=backup', { name: 'start-daemon', daemon: { role: 'backup', interface: 'eth0', syncId: 0 } }],
  ['--stop-daemon master --syncid 3', { name: 'stop-daemon', role: 'master' }],
  ['-R', { name: 'restore' }],
  ['-C', { name: 'change', operation: { operation: 'flush' } }],
  ['-Z -f 7', { operation: { operation: 'zeroCounters', service: { fwmark: 7 } } }],
  ['-h', { name: 'help' }],
])('%s', (line, command) => {
  expect(parsed(line)).toMatchObject(command)
})

test.each<[string, number, string]>([
  ['-Q', 255, "Try `ipvsadm -h' or 'ipvsadm --help' for more information."],
  ['-t 1.2.3.4:80 -A', 255, "Try `ipvsadm -h' or 'ipvsadm --help' for more information."],
  ['-A -t', 255, '-t: missing argument'],
  ['-Ln --stats=3', 255, '--stats=3: option does not take an argument'],
  ['-LnQx', 255, '-LnQx: unknown option'],
  ['-A', 2, "You need to supply the 'service-address' option for the 'add-service' command"],
  ['-a -f 7', 2, "You need to supply the 'real-server' option for the 'add-server' command"],
  ['-CZ', 2, "invalid option `-CZ'"],
  ['-C -n', 2, "Illegal 'numeric' option with the 'flush' command"],
  ['-A -f 7 -f 8', 2, "multiple 'service-address' options specified"],
  ['-A -f 7 foo -b zz', 2, 'unexpected argument foo'],
  ['-A -f 7 -b zz', 2, "invalid scheduler flag `zz'"],
  ['-A -f 7 -b sh-port', 2, "incompatible scheduler flag `sh-port'"],
  ['-A -f 0', 2, "invalid fwmark value `0' specified"],
  ['-A -t 1.2.3.4', 2, 'Zero port specified for non-persistent service'],
  ['-A -t 1.2.3.4:80 -o', 2, 'One-Packet Scheduling is only for UDP virtual services'],
  ['-A -t 1.2.3.4:80 -6', 2, '-6 used before -f\n'],
  ['-A -t nowhere:80', 2, 'illegal virtual server address[:port] specified'],
  ['-A -t [::1]80', 2, 'illegal virtual server address[:port] specified'],
  ['-A -t 1.2.3.4:65536', 2, 'illegal virtual server address[:port] specified'],
  ['-A -f 7 -6 -M 129', 2, 'illegal ipv6 netmask specified'],
  ['-A -f 7 -p 2678401', 2, "invalid timeout value `2678401' specified"],
  ['-a -f 7 -r 1.1.1.1 -w -1', 2, 'illegal weight specified'],
  ['-a -f 7 -6 -r 1.1.1.1', 2, 'Different address family is allowed only for tunneling servers'],
  ['-a -f 7 -r 1.1.1.1 -m --tun-csum', 2, 'Tunnel options conflict with forward method'],
  ['-a -f 7 -r 1.1.1.1 -i --tun-type gre --tun-port 1', 2, "Illegal 'tun-port' option with the 'gre' tunnel type"],
  ['-a -f 7 -r 1.1.1.1 -i --tun-type gue', 2, "You need to supply the 'tun-port' option for the 'gue' tunnel type"],
  ['-Lc -f 7', 2, "The option 'service-address' conflicts with the 'connection' option in the 'list' command"],
  ['-Lc --stats', 2, 'options conflicts in the list command'],
  ['--set 1 2', 2, '--set option requires 3 timeout values'],
  ['--set 1 x 3', 2, "invalid timeout value `x' specified"],
  ['--start-daemon x', 2, 'illegal start-daemon parameter specified'],
  ['--start-daemon master --mcast-group 1.1.1.1', 2, "invalid IPv4 mcast-group `1.1.1.1'"],
])('%s is refused', (line, status, message) => {
  expect(problemOf(line)).toEqual({ status, message })
})
