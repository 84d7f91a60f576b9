// Checks: every kind, its defaults, its port, and its mistakes.
import { describe, expect, test } from 'vitest'
import { errorOf, modelAt, siteWith } from './support/build.ts'

const withCheck = (check: unknown, ...more: (readonly [string, unknown])[]): string =>
  siteWith(['services.s.checks', [check]], ...more)
const checkOf = (text: string): unknown => modelAt(text, 'services[0].checks.checks[0]')

const common = {
  address: undefined,
  intervalMs: 5000,
  whileFailingMs: 1000,
  whileDownMs: 5000,
  rise: 2,
  fall: 3,
  limits: { connect: 2000, tls: 2000, firstByte: 2000, total: 2000 },
  from: { address: undefined, device: undefined },
  via: 'server',
}
const tls = {
  serverName: undefined,
  verify: true,
  ca: undefined,
  certificate: undefined,
  key: undefined,
  minimumDaysValid: 0,
}
const http = {
  kind: 'http',
  port: 80,
  method: 'GET',
  path: '/',
  host: undefined,
  headers: {},
  status: [{ from: 200, to: 299 }],
  body: undefined,
}

describe('each kind with its defaults', () => {
  test.each<[unknown, object]>([
    [{ tcp: {} }, { kind: 'tcp', port: 80, send: undefined, expect: undefined, tls: undefined }],
    [{ http: {} }, { ...http, tls: undefined }],
    [{ https: {} }, { ...http, tls }],
    [{ dns: { query: 'example.com' } }, { kind: 'dns', port: 80, query: 'example.com', type: 'A', expect: undefined }],
    [{ udp: {} }, { kind: 'udp', port: 80, send: '', expect: undefined }],
    [{ ping: {} }, { kind: 'ping' }],
    [{ smtp: {} }, { kind: 'smtp', port: 80, tls: undefined, startTls: false }],
    [{ ftp: {} }, { kind: 'ftp', port: 80, tls: undefined, startTls: false }],
    [{ imap: { tls: true } }, { kind: 'imap', port: 80, tls, startTls: false }],
    [{ pop: { startTls: true } }, { kind: 'pop', port: 80, tls, startTls: true }],
    [{ ldap: { tls: false } }, { kind: 'ldap', port: 80, tls: undefined, startTls: false }],
    [
      { redis: { tls: { verify: false } } },
      { kind: 'redis', port: 80, tls: { ...tls, verify: false }, startTls: false },
    ],
    [{ mysql: {} }, { kind: 'mysql', port: 80, tls: undefined, startTls: false }],
    [{ postgres: {} }, { kind: 'postgres', port: 80, tls: undefined, startTls: false }],
    [{ grpc: {} }, { kind: 'grpc', port: 80, service: '', tls: undefined }],
    [{ command: { run: ['/bin/true', '-x'] } }, { kind: 'command', command: ['/bin/true', '-x'] }],
    [{ agent: { port: 5000 } }, { kind: 'agent', port: 5000 }],
    [{ file: { path: '/run/up' } }, { kind: 'file', path: '/run/up', upWhile: 'present' }],
  ])('%j', (check, value) => {
    expect(errorOf(withCheck(check))).toBe('')
    expect(checkOf(withCheck(check))).toEqual({ ...common, ...value })
  })
})

describe('each field', () => {
  test.each<[unknown, object]>([
    [
      { tcp: { send: String.raw`PING\r\n`, expect: '^[+]PONG', port: 6379 } },
      { send: String.raw`PING\r\n`, expect: '^[+]PONG', port: 6379 },
    ],
    [
      {
        https: {
          method: 'HEAD',
          path: '/a?b=c',
          host: 'www.example.com',
          headers: { 'X-Check': 'yes' },
          status: [200, '301-302'],
          body: { match: 'ok', absent: 'error' },
          serverName: 'sni.example.com',
          ca: '/etc/ca.pem',
          certificate: '/etc/c.pem',
          key: '/etc/k.pem',
          minimumDaysValid: 7,
        },
      },
      {
        method: 'HEAD',
        path: '/a?b=c',
        host: 'www.example.com',
        headers: { 'X-Check': 'yes' },
        status: [
          { from: 200, to: 200 },
          { from: 301, to: 302 },
        ],
        body: { match: 'ok', absent: 'error', maximumBytes: 65_536 },
        tls: {
          serverName: 'sni.example.com',
          verify: true,
          ca: '/etc/ca.pem',
          certificate: '/etc/c.pem',
          key: '/etc/k.pem',
          minimumDaysValid: 7,
        },
      },
    ],
    [{ dns: { query: 'a.example', type: 'SOA', expect: 'ns1.a.example' } }, { type: 'SOA', expect: 'ns1.a.example' }],
    [{ udp: { send: 'x', expect: 'y' } }, { send: 'x', expect: 'y' }],
    [{ grpc: { service: 'shop.v1' } }, { service: 'shop.v1' }],
    [{ file: { path: '/run/down', upWhile: 'absent' } }, { upWhile: 'absent' }],
    [{ ping: { address: '2001:DB8::1' } }, { address: '2001:db8::1' }],
    [{ tcp: { interval: '300ms' } }, { intervalMs: 300, whileFailingMs: 300, whileDownMs: 300 }],
    [{ tcp: { whileFailing: '2s', whileDown: '1m' } }, { intervalMs: 5000, whileFailingMs: 2000, whileDownMs: 60_000 }],
    [{ tcp: { rise: 1, fall: 1, via: 'service' } }, { rise: 1, fall: 1, via: 'service' }],
    [{ tcp: { from: { address: '10.0.0.3', device: 'eth1' } } }, { from: { address: '10.0.0.3', device: 'eth1' } }],
    [{ tcp: { timeout: '4s' } }, { limits: { connect: 4000, tls: 4000, firstByte: 4000, total: 4000 } }],
    [
      { tcp: { limits: { connect: '1s', tls: '2s', firstByte: '3s', total: '4s' } } },
      { limits: { connect: 1000, tls: 2000, firstByte: 3000, total: 4000 } },
    ],
  ])('%j', (check, value) => {
    expect(checkOf(withCheck(check))).toMatchObject(value)
  })

  test('defaults.check, and the check itself before it', () => {
    const defaults = { interval: '9s', timeout: '3s', limits: { connect: '500ms' }, from: { device: 'eth2' } }
    const text = withCheck({ tcp: { timeout: '2s' } }, ['defaults.check', defaults])
    expect(checkOf(text)).toMatchObject({
      intervalMs: 9000,
      limits: { connect: 500, tls: 2000, firstByte: 2000, total: 2000 },
      from: { device: 'eth2' },
    })
  })
})

test.each<[unknown, string]>([
  [
    {},
    'services.s.checks[0]: has no kind; write one of tcp, http, https, dns, udp, ping, smtp, ftp, imap, pop, ldap, redis, mysql, postgres, grpc, command, agent, file',
  ],
  [{ tcp: {}, http: {} }, 'services.s.checks[0]: has several kinds: tcp, http; make a check of each'],
  [{ tpc: {} }, 'services.s.checks[0].tpc: unknown key; did you mean tcp?'],
  [{ ftp: null }, 'services.s.checks[0].ftp: is empty; write {} or remove it'],
  ['tcp', 'services.s.checks[0]: "tcp" is not a map'],
  [{ tcp: { expect: '(' } }, 'services.s.checks[0].tcp.expect: "(" is not a regular expression: Unterminated group'],
  [
    { tcp: { timeout: '1s', limits: { total: '1s' } } },
    'services.s.checks[0].tcp.timeout: timeout and limits.total are the same; keep one of them',
  ],
  [
    { tcp: { from: { device: 'averylongdevice0' } } },
    'services.s.checks[0].tcp.from.device: "averylongdevice0" is too long; use at most 15 characters',
  ],
  [{ http: { method: 'get' } }, 'services.s.checks[0].http.method: is not a method; write it such as GET'],
  [
    { http: { path: 'healthz' } },
    'services.s.checks[0].http.path: is not a path; begin with / and escape what is not ASCII',
  ],
  [
    { http: { host: 'a b' } },
    'services.s.checks[0].http.host: "a b" is not the name of a host; write it such as www.example.com',
  ],
  [
    { http: { headers: { 'a b': 'c' } } },
    'services.s.checks[0].http.headers["a b"]: is not the name of a header; use letters, digits and "-"',
  ],
  [
    { http: { headers: { a: 'c\n' } } },
    'services.s.checks[0].http.headers.a: has characters that no header may have; use ASCII',
  ],
  [
    { http: { serverName: 'a' } },
    'services.s.checks[0].http.serverName: unknown key; known here: interval, timeout, rise, fall, whileFailing, whileDown, limits, from, via, address, port, method, path, host, headers, status, body',
  ],
  [
    { https: { ca: 'ca.pem' } },
    'services.s.checks[0].https.ca: "ca.pem" is not a path; write it from the root, such as /etc/ipvs-director/ca.pem',
  ],
  [{ https: { minimumDaysValid: 1.5 } }, 'services.s.checks[0].https.minimumDaysValid: 1.5 is not a whole number'],
  [{ dns: {} }, 'services.s.checks[0].dns.query: is missing; add it'],
  [{ dns: { query: 'a', type: 'soa' } }, 'services.s.checks[0].dns.type: "soa" is not known; did you mean SOA?'],
  [
    { redis: { startTls: true } },
    'services.s.checks[0].redis.startTls: unknown key; known here: interval, timeout, rise, fall, whileFailing, whileDown, limits, from, via, address, port, tls',
  ],
  [{ command: { run: [] } }, 'services.s.checks[0].command.run: is an empty list; give it an element'],
  [{ command: { run: 'true' } }, 'services.s.checks[0].command.run: "true" is not a list'],
  [{ agent: {} }, "services.s.checks[0].agent: has no port; add the agent's port"],
  [
    { file: { path: 'up' } },
    'services.s.checks[0].file.path: "up" is not a path; write it from the root, such as /etc/ipvs-director/ca.pem',
  ],
  [{ udp: { send: '' } }, 'services.s.checks[0].udp.send: is empty; give it a value, or remove it'],
  [{ tcp: { via: 'vip' } }, 'services.s.checks[0].tcp.via: "vip" is not known; write one of server, service'],
])('bad: %j', (check, error) => {
  expect(errorOf(withCheck(check))).toBe(error)
})

describe('which checks must succeed', () => {
  const of = [{ tcp: {} }, { ping: {} }, { http: {} }]
  test.each<[unknown, number]>([
    [of, 3],
    [{ of }, 3],
    [{ require: 'all', of }, 3],
    [{ require: 'any', of }, 1],
    [{ require: { atLeast: 2 }, of }, 2],
  ])('%j', (checks, atLeast) => {
    const text = siteWith(['services.s.checks', checks])
    expect(modelAt(text, 'services[0].checks.atLeast')).toBe(atLeast)
    expect(modelAt(text, 'services[0].checks.checks.length')).toBe(3)
  })

  test.each<[unknown, string]>([
    [{ require: 'some', of }, 'services.s.checks.require: "some" is not valid here; write all or any or a map'],
    [
      { require: { atLeast: 4 }, of },
      'services.s.checks.require.atLeast: 4 of 3 checks can never succeed; write 3 or less',
    ],
    [{ require: 'any', of: [] }, 'services.s.checks.of: is an empty list; give it an element'],
    [{ require: 'any', off: of }, 'services.s.checks.off: unknown key; did you mean of?'],
  ])('bad: %j', (checks, error) => {
    expect(errorOf(siteWith(['services.s.checks', checks]))).toBe(error)
  })
})

const at = (ports: unknown, check: unknown, ...more: (readonly [string, unknown])[]): string =>
  withCheck(check, ['services.s.virtual.port', undefined], ['services.s.virtual.ports', ports], ...more)

describe('the port of a check', () => {
  test.each<[unknown, unknown, number]>([
    [8080, { tcp: {} }, 8080],
    [[80, 443], { https: {} }, 443],
    [[80, 443], { http: {} }, 80],
    [[21, '10000-20000'], { ftp: {} }, 21],
    ['all', { smtp: {} }, 25],
    [[80, 443], { tcp: { port: 81 } }, 81],
  ])('ports %j, %j', (ports, check, port) => {
    expect(checkOf(at(ports, check))).toMatchObject({ port })
  })

  test.each<[unknown, unknown, string]>([
    [[80, 443], { tcp: {} }, 'services.s.checks[0].tcp: has no port, and the service has several: 80, 443; add port'],
    [
      '8000-8010',
      { http: {} },
      'services.s.checks[0].http: has no port, and the service has several: 8000-8010; add port',
    ],
    ['all', { tcp: {} }, 'services.s.checks[0].tcp: has no port, and the service has all ports; add port'],
  ])('ports %j, %j', (ports, check, error) => {
    expect(errorOf(at(ports, check))).toBe(error)
  })

  test("a server's own port comes before the service's", () => {
    const text = withCheck({ http: {} }, ['services.s.forwarding', 'masquerade'], ['services.s.servers[0].port', 8080])
    expect(modelAt(text, 'services[0].servers[0].checks.checks[0].port')).toBe(8080)
    expect(modelAt(text, 'services[0].servers[1].checks')).toBeUndefined()
    expect(checkOf(text)).toMatchObject({ port: 80 })
  })
})
