// Metrics: the text, what is counted for whom, and the page.
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import type { ServiceSnapshot } from 'ipvs'
import { metricsAddress, serveMetrics } from '../../src/control/metrics-server.ts'
import { metricsText } from '../../src/control/metrics.ts'
import type { ServerStatus, Status } from '../../src/control/status.ts'
import { trafficOf, type Traffic } from '../../src/control/traffic.ts'
import { decide } from '../support/decide.ts'
import { server, service } from '../support/sites.ts'

const web: ServerStatus = {
  name: 'web1',
  address: '10.0.0.7',
  port: undefined,
  health: 'down',
  since: 5000,
  weight: undefined,
  configuredWeight: 2,
  code: 'down',
  reason: 'refused',
  override: { kind: 'drain', target: 'web1', who: 'anna', why: '', since: 0, until: undefined },
}

const status: Status = {
  version: '0.1.0',
  startedAt: 1_700_000_000_500,
  site: { file: 'site.yaml', loadedAt: 1_700_000_001_000, refused: ['line 1'] },
  ready: true,
  lastRound: { at: 1_700_000_002_000, changes: 1, failures: ['no memory'] },
  services: [
    {
      name: 'shop',
      virtuals: ['mark 7', String.raw`tcp "odd\name`, 'line\nbreak'],
      scheduler: 'rr',
      up: 1,
      servers: [web, { ...web, name: 'web2', address: '10.0.0.17', health: 'up', weight: 3, override: undefined }],
      alarms: ['one server only'],
    },
  ],
  alarms: ['one server only'],
}

const counted: Traffic = {
  active: 1,
  inactive: 2,
  persistent: 3,
  connections: 2n ** 60n,
  inPackets: 5n,
  outPackets: 6n,
  inBytes: 7n,
  outBytes: 8n,
}

const text = metricsText({
  status,
  traffic: new Map([['shop/web2', counted]]),
  events: new Map([
    ['drift', 2],
    ['applied', 4],
  ]),
})

test('the text', async () => {
  await expect(text).toMatchFileSnapshot('metrics.txt')
})

const sampleForm = /^([a-z_]+)(\{(?:[a-z]+="(?:[^"\\\n]|\\[\\"n])*",?)*\})? -?[\d.]+$/

/** What the format does not allow: each sample stands behind the type of its family, once. */
function problemsOf(metrics: string): string[] {
  const problems: string[] = []
  const seen = new Set<string>()
  let family = ''
  for (const line of metrics.trimEnd().split('\n')) {
    const [, name, type] = /^# TYPE (\S+) (gauge|counter)$/.exec(line) ?? []
    const [, sample = '', labels = ''] = sampleForm.exec(line) ?? []
    const key = name ?? sample + labels
    if (name !== undefined) {
      family = name
      if ((type === 'counter') !== name.endsWith('_total')) problems.push(`type: ${line}`)
    } else if (line.startsWith('# HELP ')) continue
    else if (sample !== family) problems.push(`family: ${line}`)
    if (seen.has(key)) problems.push(`twice: ${line}`)
    seen.add(name === undefined ? key : `type ${name}`)
  }
  return problems
}

test('the text is in the format of Prometheus', () => {
  expect(problemsOf(text)).toEqual([])
  expect(problemsOf('# TYPE a_total gauge\na_total 1\na_total 2\nb{c="d"e"} 1\n')).toHaveLength(3)
})

const statistics = { connections: 1n, inPackets: 2n, outPackets: 3n, inBytes: 4n, outBytes: 5n }

function snapshot(key: object, addresses: readonly string[]): ServiceSnapshot {
  const counts = { activeConnections: 1, inactiveConnections: 2, persistentConnections: 3, statistics }
  const destinations = addresses.map((address) => ({ address, port: 0, forwarding: 'tunnel', weight: 1, ...counts }))
  return { ...key, scheduler: 'wlc', destinations } as unknown as ServiceSnapshot
}

test('both families of a mark belong to one server; other services to none', () => {
  const virtuals = [
    { address: '172.16.0.100', family: 'ipv4', protocol: 'tcp', ports: [{ from: 80, to: 80 }] },
    { address: 'fd00::100', family: 'ipv6', protocol: 'tcp', ports: [{ from: 80, to: 80 }] },
  ] as const
  const tunnel = { forwarding: 'tunnel' } as const
  const shop = service('shop', {
    virtuals,
    servers: [server('a', '10.0.0.1', tunnel), server('b', '10.0.0.2', tunnel), server('gone', '10.0.0.3', tunnel)],
  })
  const { services, marks } = decide(shop)
  const found = trafficOf(services, marks, [
    snapshot({ fwmark: 7, family: 'ipv4' }, ['10.0.0.2', '10.0.0.1']),
    snapshot({ fwmark: 7, family: 'ipv6' }, ['10.0.0.1']),
    snapshot({ fwmark: 8, family: 'ipv4' }, ['10.0.0.3']),
  ])
  expect([...found.keys()].toSorted()).toEqual(['shop/a', 'shop/b'])
  const twice = { connections: 2n, inPackets: 4n, outPackets: 6n, inBytes: 8n, outBytes: 10n }
  expect(found.get('shop/a')).toEqual({ active: 2, inactive: 4, persistent: 6, ...twice })
  expect(found.get('shop/b')).toEqual({ active: 1, inactive: 2, persistent: 3, ...statistics })
})

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address() as AddressInfo
  probe.close()
  await once(probe, 'close')
  return port
}

let page: AsyncDisposable | undefined
afterEach(async () => {
  await page?.[Symbol.asyncDispose]()
  page = undefined
})

describe('the page', () => {
  test('has metrics, and nothing else', async () => {
    const port = await freePort()
    let fails = false
    page = await serveMetrics({ host: '127.0.0.1', port }, async () => {
      if (fails) throw new Error('no memory')
      return 'ipvs_director_ready 1\n'
    })
    const ask = async (path: string, method = 'GET') => {
      const answer = await fetch(`http://127.0.0.1:${port}${path}`, { method })
      return [answer.status, answer.headers.get('content-type'), await answer.text()]
    }
    const type = 'text/plain; version=0.0.4; charset=utf-8'
    expect(await ask('/metrics')).toEqual([200, type, 'ipvs_director_ready 1\n'])
    expect(await ask('/metrics?x=1')).toEqual([200, type, 'ipvs_director_ready 1\n'])
    expect((await ask('/v1/status'))[0]).toBe(404)
    expect((await ask('/metrics', 'POST'))[0]).toBe(405)
    fails = true
    expect(await ask('/metrics')).toEqual([500, 'text/plain', 'no memory\n'])
  })

  test('a port in use is an error', async () => {
    const port = await freePort()
    page = await serveMetrics({ host: '127.0.0.1', port }, async () => '')
    await expect(serveMetrics({ host: '127.0.0.1', port }, async () => '')).rejects.toThrow('EADDRINUSE')
  })
})

test.each<[string, ReturnType<typeof metricsAddress>]>([
  ['9640', { host: '127.0.0.1', port: 9640 }],
  ['0.0.0.0:9640', { host: '0.0.0.0', port: 9640 }],
  ['[::1]:9640', { host: '::1', port: 9640 }],
  ['lb1.example.com:1', { host: 'lb1.example.com', port: 1 }],
  ['[::g]:9640', undefined],
  ['::1:9640', undefined],
  ['127.0.0.1', undefined],
  ['127.0.0.1:0', undefined],
  ['127.0.0.1:65536', undefined],
  ['', undefined],
])('address %j', (given, address) => {
  expect(metricsAddress(given)).toEqual(address)
})
