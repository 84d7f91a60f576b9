// The daemon without kernel, probes and systemd: what it answers when a round fails, and what a signal may not do.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Director } from '../../src/control/director.ts'
import { Events } from '../../src/control/events.ts'
import type { HealthSource } from '../../src/control/health-source.ts'
import { SiteFile } from '../../src/control/site-file.ts'
import { Store } from '../../src/control/store.ts'
import type { Site } from '../../src/site/site.ts'
import { health } from '../support/decide.ts'
import { FakeKernel } from '../support/fake-kernel.ts'
import { server, service, site } from '../support/sites.ts'

let folder: string
let kernel: FakeKernel
let events: Events
let director: Director
let given: Site
let parse: () => Promise<{ site: Site; warnings: readonly string[] }>

beforeEach(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'director-daemon-'))
  kernel = new FakeKernel()
  events = new Events()
  // Without rules: the fake kernel has none.
  const virtual = { address: '172.16.0.53', family: 'ipv4', protocol: 'tcp', ports: [{ from: 80, to: 80 }] } as const
  given = site(
    service('shop', {
      by: 'address',
      mark: undefined,
      virtuals: [virtual],
      servers: [server('a', '10.0.0.1'), server('b', '10.0.0.2')],
    }),
  )
  parse = async () => ({ site: given, warnings: [] })
  writeFileSync(path.join(folder, 'site.yaml'), 'any')
  const siteFile = new SiteFile(path.join(folder, 'site.yaml'), path.join(folder, 'copy'), () => parse())
  const source: HealthSource = {
    health: new Map([
      ['shop/a', health('up')],
      ['shop/b', health('up')],
    ]),
    settled: false,
    use: () => {},
    restartSlowStart: () => {},
    close: async () => {},
  }
  director = new Director({
    version: '0',
    kernel: kernel.handles,
    events,
    store: await Store.open(path.join(folder, 'state.json')),
    siteFile,
    loaded: await siteFile.read(),
    health: () => source,
  })
})

afterEach(async () => {
  await director.stop()
  rmSync(folder, { recursive: true })
})

const order = { kind: 'disable', target: 'a', who: 'anna', why: '' } as const
const addresses = (): string[] =>
  kernel.services.flatMap(({ destinations }) => destinations.map(({ address }) => address))

test('an order that the kernel has', async () => {
  await director.start()
  expect(addresses().toSorted()).toEqual(['10.0.0.1', '10.0.0.2'])
  expect(await director.override(order)).toEqual({ told: 'a: disable by anna', failures: [] })
  expect(addresses()).toEqual(['10.0.0.2'])
})

test('an order whose round fails says so, and is kept', async () => {
  await director.start()
  kernel.refuses = 'no memory'
  expect((await director.override(order)).failures).toEqual([expect.stringMatching(/no memory/)])
  expect(director.status().lastRound?.failures).toEqual([expect.stringMatching(/no memory/)])
  kernel.refuses = undefined
  expect((await director.endOverride('a', 'anna')).failures).toEqual([])
})

test('an order that cannot be kept is not in effect', async () => {
  await director.start()
  mkdirSync(path.join(folder, 'state.json.new'))
  await expect(director.override(order)).rejects.toThrow(/EISDIR/)
  await director.round()
  expect(addresses().toSorted()).toEqual(['10.0.0.1', '10.0.0.2'])
  expect(director.status().services[0]?.servers.map(({ override }) => override)).toEqual([undefined, undefined])
})

test('orders at the same time are all kept', async () => {
  await director.start()
  await Promise.all([director.override(order), director.override({ ...order, target: 'b' })])
  expect(director.status().services[0]?.servers.map(({ code }) => code)).toEqual(['disabled', 'disabled'])
})

test('a site that is read again and cannot be applied says so', async () => {
  await director.start()
  given = { ...given, services: given.services.map((each) => ({ ...each, servers: [server('c', '10.0.0.3')] })) }
  writeFileSync(path.join(folder, 'site.yaml'), 'other')
  kernel.refuses = 'no memory'
  const { problems, failures } = await director.reload()
  expect(problems).toEqual([])
  expect(failures.length).toBeGreaterThan(0)
})

test('an unexpected error of a reload that nobody waits for is told', async () => {
  await director.start()
  kernel.silent = undefined
  parse = async () => ({ site: undefined as unknown as Site, warnings: [] })
  writeFileSync(path.join(folder, 'site.yaml'), 'other')
  director.requestReload()
  await expect.poll(() => events.since(0).map(({ kind }) => kind)).toContain('site-refused')
})

test('without results settle ends, and says that there are none', async () => {
  expect(await director.settle(100)).toBe(false)
})

test('a plan is not shown as status', async () => {
  expect(await director.plan()).toHaveLength(3)
  expect(director.status().services).toEqual([])
})

test('metrics have the names of the site; without a kernel the counts are left out', async () => {
  expect(await director.metrics()).toContain('ipvs_director_ready 0\n')
  await director.start()
  const text = await director.metrics()
  expect(text).toContain('ipvs_director_server_weight{service="shop",server="b",address="10.0.0.2"} 1\n')
  expect(text).toContain('ipvs_director_server_connections_total{service="shop",server="b",address="10.0.0.2"} 0\n')
  expect(text).toContain('ipvs_director_events_total{kind="applied"} 1\n')
  kernel.silent = 'no memory'
  const without = await director.metrics()
  expect(without).toContain('ipvs_director_kernel_readable 0\n')
  expect(without).not.toContain('connections_total')
})
