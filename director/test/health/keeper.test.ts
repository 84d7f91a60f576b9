import { beforeEach, describe, expect, test } from 'vitest'
import type { HealthState, ServerId } from '../../src/desired/inputs.ts'
import { HealthKeeper } from '../../src/health/keeper.ts'
import type { Target, TargetReport } from '../../src/health/targets.ts'
import type { Check, Site, SiteServer, SiteService } from '../../src/site/site.ts'
import { common } from './support/checks.ts'

const tcp: Check = { ...common, kind: 'tcp', port: 80, send: undefined, expect: undefined, tls: undefined }
const control: Check = { ...common, kind: 'ping', address: '10.0.0.1' }

function server(number: number, settings: Partial<SiteServer> = {}): SiteServer {
  const base = { tunnel: undefined, weight: 1, upperThreshold: 0, lowerThreshold: 0, priority: 0, labels: {} }
  const address = `10.0.0.${String(number)}`
  return {
    ...base,
    name: `web${String(number)}`,
    address,
    family: 'ipv4',
    port: undefined,
    forwarding: 'direct',
    checks: undefined,
    ...settings,
  }
}

function service(name: string, servers: readonly SiteServer[], checks: readonly Check[] = [tcp]): SiteService {
  return {
    name,
    labels: {},
    virtuals: [{ address: '172.16.0.100', family: 'ipv4', protocol: 'tcp', ports: [{ from: 80, to: 80 }] }],
    by: 'address',
    mark: undefined,
    scheduler: 'rr',
    schedulerFlags: [],
    persistence: undefined,
    onePacket: false,
    servers,
    serversFrom: undefined,
    checks: { atLeast: checks.length, checks },
    onFailure: 'remove',
    slowStart: undefined,
    minimumHealthy: { share: 0, below: 'keep' },
    sorry: undefined,
    // oxlint-disable-next-line unicorn/no-thenable -- a field of the site
    drain: { stickiness: 'keep', waitMs: 0, then: 'keep' },
    ftpActive: false,
  }
}

const site = (services: readonly SiteService[], settings: Partial<Site> = {}): Site => ({
  services,
  brake: undefined,
  drift: 'repair',
  control: undefined,
  ...settings,
})

let targets: Target[] = []
let keeper: HealthKeeper
let now = 0
beforeEach(() => {
  now = 0
  keeper = new HealthKeeper({ setTargets: (wanted) => (targets = [...wanted]) })
})

/** Reports of the targets with these addresses. */
function report(state: HealthState, ...addresses: string[]): TargetReport[] {
  const verdict = state === 'up' ? 'success' : state === 'down' ? 'failure' : 'void'
  const reason = state === 'down' ? 'refused' : ''
  return targets
    .filter(({ target }) => addresses.includes(target.address))
    .map(({ key }) => ({
      key,
      state,
      since: now,
      reason,
      verdict,
      words: reason,
      at: now,
      certificateEnds: undefined,
      agent: undefined,
    }))
}

const accept = (state: HealthState, ...addresses: string[]) => keeper.accept(report(state, ...addresses), ++now)
const states = (): Record<string, string> =>
  Object.fromEntries([...keeper.health].map(([id, { state }]) => [id, state]))
const up = (): number => Object.values(states()).filter((state) => state === 'up').length
const none = new Set<ServerId>()
const address = (number: number): string => `10.0.0.${String(number)}`

describe('targets', () => {
  test('equal probes of several services run once, for all of them', () => {
    keeper.setSite(site([service('shop', [server(1), server(2)]), service('api', [server(1)])]), none, 0)
    expect(targets.map(({ target }) => target.address)).toEqual(['10.0.0.1', '10.0.0.2'])
    accept('up', '10.0.0.1')
    expect(states()).toEqual({ 'shop/web1': 'up', 'shop/web2': 'unknown', 'api/web1': 'up' })
    expect(keeper.checked).toBe(false)
    accept('up', '10.0.0.2')
    expect(keeper.checked).toBe(true)
  })

  test('the address of a check wins; a file is looked at once', () => {
    const file: Check = { ...common, kind: 'file', path: '/run/flag', upWhile: 'absent' }
    const other: Check = { ...tcp, address: '10.9.9.9' }
    keeper.setSite(site([service('shop', [server(1), server(2)], [file, other])]), none, 0)
    expect(targets.map(({ check, target }) => [check.kind, target.address])).toEqual([
      ['file', '127.0.0.1'],
      ['tcp', '10.9.9.9'],
    ])
  })

  test('via: service goes where the data path says, or nowhere', () => {
    const shop = service('shop', [server(1), server(2)], [{ ...tcp, via: 'service' }])
    const path = { address: '172.16.0.100', family: 'ipv4', mark: 65_537 } as const
    keeper = new HealthKeeper({
      setTargets: (wanted) => (targets = [...wanted]),
      dataPath: (id) => (id === 'shop/web1' ? path : undefined),
    })
    keeper.setSite(site([shop]), new Set(['shop/web2']), 0)
    expect(targets.map(({ target }) => target)).toEqual([path])
    accept('up', '172.16.0.100')
    expect(states()).toEqual({ 'shop/web1': 'up', 'shop/web2': 'up' })
    expect(keeper.checksOf('shop/web2')).toMatchObject([{ label: 'tcp :80', report: undefined }])
  })
})

describe('changes of the site', () => {
  test('servers keep their health, with other checks too; new ones wait', () => {
    const before = [server(1), server(2)]
    keeper.setSite(site([service('shop', before)]), new Set(['shop/web1']), 0)
    expect(states()).toEqual({ 'shop/web1': 'up', 'shop/web2': 'unknown' })
    accept('down', '10.0.0.2')
    const other = { ...tcp, port: 8080 }
    keeper.setSite(site([service('shop', [...before, server(3)], [other])]), none, ++now)
    expect(states()).toEqual({ 'shop/web1': 'up', 'shop/web2': 'down', 'shop/web3': 'unknown' })
    keeper.setSite(site([service('shop', [server(3)], [other])]), none, ++now)
    expect(states()).toEqual({ 'shop/web3': 'unknown' })
    expect(accept('down', '10.0.0.1')).toEqual([])
  })

  test('changes are told once', () => {
    keeper.setSite(site([service('shop', [server(1)])]), none, 0)
    expect(accept('up', '10.0.0.1')).toEqual([{ type: 'server', id: 'shop/web1', state: 'up', reason: '' }])
    const { health } = keeper
    expect(accept('up', '10.0.0.1')).toEqual([])
    expect(keeper.health).toBe(health)
    expect(accept('down', '10.0.0.1')).toEqual([
      { type: 'server', id: 'shop/web1', state: 'down', reason: 'tcp :80: refused' },
    ])
    expect(keeper.health).not.toBe(health)
  })

  test('a slow start by hand', () => {
    keeper.setSite(site([service('shop', [server(1)])]), new Set(['shop/web1']), 0)
    keeper.restartSlowStart('shop/web1', 7)
    expect(keeper.health.get('shop/web1')).toMatchObject({ slowStartSince: 7 })
  })
})

describe('the brake', () => {
  const ten = Array.from({ length: 10 }, (_, index) => server(index + 11))
  const all = ten.map(({ address: text }) => text)
  const ids = new Set(ten.map(({ name }): ServerId => `shop/${name}`))
  const braked = site([service('shop', ten)], { brake: { maximumLoss: 0.3, perMs: 60_000 }, control })

  test('adopted servers that all fail are held until the control target answers', () => {
    keeper.setSite(braked, ids, 0)
    const events = accept('down', ...all)
    expect(events.at(-1)).toMatchObject({
      type: 'brake',
      on: true,
      alarm: expect.stringContaining('10 of 10') as string,
    })
    expect(up()).toBe(10)
    expect(keeper.alarm).toContain('until the control target answers')
    expect(keeper.health.get('shop/web11')?.reason).toBe('held by the brake: tcp :80: refused')
    accept('down', '10.0.0.1')
    expect(up()).toBe(10)
    expect(accept('up', '10.0.0.1').at(-1)).toMatchObject({ type: 'brake', on: false })
    expect(up()).toBe(0)
    expect(keeper.alarm).toBe('')
  })

  test('an answer from before does not count', () => {
    keeper.setSite(braked, ids, 0)
    accept('up', '10.0.0.1')
    accept('down', ...all)
    expect(up()).toBe(10)
  })

  test('held servers that come back were never away: no slow start', () => {
    keeper.setSite(braked, ids, 0)
    accept('down', ...all)
    accept('up', ...all)
    expect(keeper.alarm).toBe('')
    expect([...keeper.health.values()].map(({ state, slowStartSince }) => [state, slowStartSince])).toEqual(
      all.map(() => ['up', undefined]),
    )
  })

  test('without a control target time releases it', () => {
    keeper.setSite({ ...braked, control: undefined }, ids, 0)
    accept('down', ...all)
    expect(keeper.tick(60_000)).toEqual([])
    expect(up()).toBe(10)
    expect(keeper.tick(60_001)).toMatchObject([{ type: 'brake', on: false }])
    expect(up()).toBe(0)
  })
})

test('random histories of a starved prober: void results never take a server down', () => {
  let seed = 11
  const random = (): number => (seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648) / 2_147_483_648
  const servers = Array.from({ length: 20 }, (_, index) => server(index + 11))
  keeper.setSite(site([service('shop', servers)]), new Set(servers.map(({ name }): ServerId => `shop/${name}`)), 0)
  for (let round = 0; round < 500; round += 1) {
    const number = 11 + Math.floor(random() * 20)
    accept(random() < 0.2 ? 'up' : 'unknown', address(number))
    expect(Object.values(states()).every((state) => state === 'up')).toBe(true)
  }
})
