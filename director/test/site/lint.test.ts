// Each rule: a site that it tells, and one that it does not.
import { describe, expect, test } from 'vitest'
import { problemsOf } from './support/problems.ts'

const web = 'virtual: { address: 172.16.0.1, protocol: tcp, port: 80 }'
const two = 'virtual: { address: 172.16.0.1, protocol: tcp, ports: [80, 443] }'
const servers = 'servers: [{ name: a, address: 10.0.0.1 }, { name: b, address: 10.0.0.2 }]'
const checks = 'checks: [{ tcp: { port: 80 } }]'
const site = (...lines: string[]): string =>
  `version: 1\nservices:\n  s:\n${lines.map((line) => `    ${line}\n`).join('')}`

/** `code path`, in the order of the file. */
const found = (text: string): string[] =>
  problemsOf(text).map(({ severity, code, path }) => `${severity} ${code} ${path.replace('services.s.', '')}`)

test('a site without doubts', () => {
  expect(found(site(web, servers, checks))).toEqual([])
})

describe.each<[string, string, string]>([
  [
    'error port-mapping servers[0].port',
    site(web, 'servers: [{ name: a, address: 10.0.0.1, port: 8080 }, { name: b, address: 10.0.0.2 }]', checks),
    site(
      web,
      'servers: [{ name: a, address: 10.0.0.1, port: 80 }, { name: b, address: 10.0.0.2, port: 8080, forwarding: masquerade }]',
      checks,
    ),
  ],
  [
    'error port-mapping sorry.port',
    site(web, servers, checks, 'sorry: { address: 10.0.0.9, port: 81 }'),
    site(web, servers, checks, 'sorry: { address: 10.0.0.9, port: 81, forwarding: masquerade }'),
  ],
  ['warning several-ports virtual', site(two, servers, checks), site(two, servers, checks, 'persistence: {}')],
  [
    'warning ftp-persistence virtual',
    site(two.replace('80, 443', '21, 10000-20000'), servers, checks),
    site(two.replace('80, 443', '21, 10000-20000'), servers, checks, 'persistence: {}'),
  ],
  [
    'warning no-fallback scheduler.fallback',
    site(web, servers, checks, 'scheduler: { name: mh, fallback: false }'),
    site(web, servers, checks, 'scheduler: mh'),
  ],
  [
    'warning one-server servers',
    site(web, 'servers: [{ name: a, address: 10.0.0.1 }]', checks),
    site(web, 'servers: [{ name: a, address: 10.0.0.1 }]', 'serversFrom: { dns: web.internal }', checks),
  ],
  ['warning no-server servers', site(web, 'servers: []', checks), site(web, servers, checks)],
  ['error missing servers', site(web, checks), site(web, 'serversFrom: { file: /etc/targets.json }', checks)],
  [
    'warning no-weight servers',
    site(web, servers.replaceAll(' }', ', weight: 0 }'), checks),
    site(web, servers.replace(' }', ', weight: 0 }'), checks),
  ],
  [
    'error same-name servers[1].name',
    site(web, servers.replace('name: b', 'name: a'), checks),
    site(web, servers, checks),
  ],
  [
    'warning same-address servers[1].address',
    site(web, servers.replace('10.0.0.2', '10.0.0.1'), checks),
    site(web, servers, checks),
  ],
  [
    'warning slow-check checks[0].tcp',
    site(web, servers, 'checks: [{ tcp: { timeout: 6s } }]'),
    site(web, servers, 'checks: [{ tcp: { timeout: 6s, interval: 6s } }]'),
  ],
  [
    'warning slow-check checks.of[1].http',
    site(web, servers, 'checks: { of: [{ tcp: {} }, { http: { interval: 1s } }] }'),
    site(web, servers, 'checks: { of: [{ tcp: {} }, { http: { interval: 1s, timeout: 1s } }] }'),
  ],
  [
    'warning slow-check servers[1].checks[0].ping',
    site(web, servers.replace('0.2', '0.2, checks: [{ ping: { timeout: 9s } }]'), checks),
    site(web, servers.replace('0.2', '0.2, checks: [{ ping: { timeout: 3s } }]'), checks),
  ],
  [
    'warning sorry-is-server sorry.address',
    site(web, servers, checks, 'sorry: { address: 10.0.0.2 }'),
    site(web, servers, checks, 'sorry: { address: 10.0.0.3 }'),
  ],
  [
    'error no-sorry minimumHealthy.below',
    site(web, servers, checks, 'minimumHealthy: { share: 50%, below: sorry }'),
    site(web, servers, checks, 'minimumHealthy: { share: 50%, below: sorry }', 'sorry: { address: 10.0.0.3 }'),
  ],
  [
    'error refused servers[0].thresholds.lower',
    site(web, servers.replace(' }', ', thresholds: { upper: 3, lower: 5 } }'), checks),
    site(web, servers.replace(' }', ', thresholds: { upper: 5, lower: 3 } }'), checks),
  ],
  [
    'warning ftp-active ftp.active',
    site(web, servers, checks, 'ftp: { active: true }'),
    site(web, servers, checks, 'ftp: { active: true }', 'forwarding: masquerade'),
  ],
  [
    'warning one-packet onePacket',
    site(web, servers, checks, 'onePacket: true'),
    site(web.replace('tcp', 'udp'), servers, checks, 'onePacket: true'),
  ],
  [
    'warning family-without-server virtual',
    site(
      "virtual: [{ address: 172.16.0.1, protocol: tcp, port: 80 }, { address: '2001:db8::1', protocol: tcp, port: 80 }]",
      servers,
      checks,
    ),
    site(
      "virtual: [{ address: 172.16.0.1, protocol: tcp, port: 80 }, { address: '2001:db8::1', protocol: tcp, port: 80 }]",
      servers.replace('10.0.0.2', "'2001:db8::2'"),
      checks,
    ),
  ],
])('%s', (problem, bad, good) => {
  test('is told', () => {
    expect(found(bad)).toEqual([problem])
  })

  test('is not told', () => {
    expect(found(good)).toEqual([])
  })
})

test('no checks at all', () => {
  expect(found(site(web, servers))).toEqual(['warning no-checks services.s'])
  expect(found(site(web, servers.replaceAll(' }', ', checks: [{ tcp: {} }] }')))).toEqual([])
})

const named = (name: string, line: string): string =>
  `  ${name}:\n    ${line}\n    ${servers.replaceAll('name: ', `name: ${name}`)}\n    ${checks}\n    persistence: {}\n`
const pair = (first: string, second: string): string =>
  `version: 1\nservices:\n${named('s', first)}${named('t', second)}`
const all = (address: string): string => `virtual: { address: ${address}, protocol: tcp, ports: all }`

describe('services together', () => {
  test.each<[string, string, string[]]>([
    [web, web, ['error overlap services.t.virtual']],
    [web, web.replace('tcp', 'udp'), []],
    [web, two, ['error overlap services.t.virtual']],
    [two, all('172.16.0.1'), ['error overlap services.t.virtual']],
    // A service by address with all ports takes what the one with a port leaves.
    [web, all('172.16.0.1'), []],
    [all('172.16.0.1'), all('172.16.0.1'), ['error overlap services.t.virtual']],
    [web, two.replace('172.16.0.1', '172.16.0.0/24'), ['error overlap services.t.virtual']],
    [`mark: 7\n    ${web}`, `mark: 7\n    ${web.replace('80', '81')}`, ['error same-mark services.t.mark']],
  ])('%s and %s', (first, second, problems) => {
    expect(found(pair(first, second))).toEqual(problems)
  })

  test('one name for two servers', () => {
    const text = pair(web, web.replace('80', '81')).replace(
      'name: ta, address: 10.0.0.1',
      'name: sa, address: 10.0.0.7',
    )
    expect(found(text)).toEqual(['warning two-addresses services.t.servers[0].address'])
  })
})

test.each([
  ['21, 10000-20000', 'remove it, and add port 20 to ports for active transfers'],
  ['20, 21, 10000-20000', 'use forwarding masquerade, or remove it'],
])('active FTP with direct routing at ports %s: %s', (ports, fix) => {
  const text = site(two.replace('80, 443', ports), servers, checks, 'persistence: {}', 'ftp: { active: true }')
  expect(problemsOf(text)).toMatchObject([{ code: 'ftp-active', fix }])
})
