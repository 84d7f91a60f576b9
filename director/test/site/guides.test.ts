// The worked examples of the classic guides: what each file makes of the kernel's table.
import { readFileSync, readdirSync } from 'node:fs'
import { expect, test } from 'vitest'
import { normalizeService, type MarkRule } from 'ipvs'
import { desired } from '../../src/desired/desired.ts'
import type { StateService } from 'ipvs/state'
import { parseSite } from '../../src/site/parse.ts'
import { formatProblem } from '../../src/site/problems.ts'

const folder = new URL('../../examples/', import.meta.url)
const names = readdirSync(folder)
  .map((name) => name.replace('.yaml', ''))
  .toSorted()

/** As `ipvsadm -Ln` prints a service. */
function listing({ service, destinations = [] }: StateService): string[] {
  const form = normalizeService(service)
  const key = 'fwmark' in form ? `FWM ${form.fwmark}` : `${form.protocol.toUpperCase()} ${form.address}:${form.port}`
  const { timeoutSeconds, netmask } = form.persistence ?? {}
  const mask = netmask === undefined || netmask === '255.255.255.255' ? '' : ` mask ${netmask}`
  const sticky = timeoutSeconds === undefined ? '' : ` persistent ${timeoutSeconds}${mask}`
  const servers = destinations.map(
    ({ address, port, forwarding, weight }) => `${address}:${port} ${forwarding} ${weight}`,
  )
  return [`${key} ${form.scheduler}${sticky}`, ...servers]
}

const ruleText = ({ mark, address, protocol, ports }: MarkRule): string =>
  `${protocol} ${address} ${String(ports)} -> ${mark}`

function table(name: string): string[] {
  const { site, warnings } = parseSite(readFileSync(new URL(`${name}.yaml`, folder), 'utf8'), { file: name })
  const ids = site.services.flatMap((service) =>
    service.servers.map((server) => `${service.name}/${server.name}` as const),
  )
  const up = { state: 'up', since: 0, reason: '', slowStartSince: undefined, agent: undefined } as const
  const { state } = desired({
    site,
    memory: { marks: {} },
    health: new Map(ids.map((id) => [id, up])),
    overrides: [],
    remaining: new Map(),
    adopted: new Set(),
    now: 0,
  })
  const nat = (state.nat ?? []).map((rule) => `masquerade ${JSON.stringify(rule)}`)
  return [
    ...warnings.map(formatProblem),
    ...(state.services ?? []).flatMap(listing),
    ...(state.marks ?? []).map(ruleText),
    ...nat,
  ]
}

const servers = (forwarding: string, port: number): string[] =>
  [7, 17, 27].map((number) => `10.0.0.${number}:${port} ${forwarding} 1`)
const masqueraded = (comment: string, ...numbers: readonly number[]): string[] =>
  numbers.map((number) => {
    const rule = { action: 'masquerade', source: `10.0.0.${number}`, protocol: 'tcp', sourcePorts: 20, comment }
    return `masquerade ${JSON.stringify(rule)}`
  })
const mark7 = ['10.0.0.7:0 direct 1', '10.0.0.17:0 direct 1', 'tcp 172.16.0.100 80,443 -> 7']

test.each<[string, string[]]>([
  [
    'ftp-mark-21-direct',
    [
      'FWM 21 wlc persistent 540',
      '10.0.0.7:0 direct 1',
      '10.0.0.17:0 direct 1',
      'tcp 172.16.0.100 20,21,1024-65535 -> 21',
    ],
  ],
  [
    'ftp-mark-21-nat',
    [
      'FWM 21 wlc persistent 540',
      '10.0.0.7:0 masquerade 1',
      '10.0.0.17:0 masquerade 1',
      'tcp 172.16.0.100 21,10000-20000 -> 21',
      ...masqueraded('ftp', 7, 17),
    ],
  ],
  ['mark-7-360', ['FWM 7 wlc persistent 360', ...mark7]],
  ['mark-7-3600', ['FWM 7 wlc persistent 3600', ...mark7]],
  [
    'mark-7-rr',
    [
      'mark-7-rr:6:14: warning: services.shop.virtual: several ports without persistence: a client can have another server at each port; add persistence, or make a service of each port',
      'FWM 7 rr',
      ...mark7,
    ],
  ],
  [
    'mark-80',
    ['FWM 80 wlc persistent 360', '10.0.0.7:0 direct 1', '10.0.0.17:0 direct 1', 'tcp 172.16.0.100 80,443 -> 80'],
  ],
  ['script-1-http-nat', ['TCP 172.16.0.100:80 wlc persistent 360', ...servers('masquerade', 80)]],
  [
    'script-2-ftp-nat',
    ['TCP 172.16.0.100:21 wlc persistent 540', ...servers('masquerade', 21), ...masqueraded('site', 7, 17, 27)],
  ],
  ['script-3-http-tunnel', ['TCP 172.16.0.100:80 wlc persistent 360', ...servers('tunnel', 80)]],
  ['script-4-ftp-direct', ['TCP 172.16.0.100:21 wlc persistent 540', ...servers('direct', 21)]],
  ['script-5-all-ports', ['TCP 172.16.0.100:0 wlc persistent 360', ...servers('direct', 0)]],
  ['script-6-subnets', ['TCP 172.16.0.100:80 wlc persistent 360 mask 255.255.255.0', ...servers('direct', 80)]],
])('%s', (name, lines) => {
  expect(names).toContain(name)
  expect(table(name)).toEqual(lines)
})

test('each file is tried', () => {
  expect(names).toHaveLength(12)
})
