// Services on the real kernel: ipvsadm shows our writes, and we list ipvsadm's.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import type { Service, ServicePatch } from '../../lib/index.ts'
import type { Lab } from '../lab/client.ts'
import { connectKernel } from './kernel.ts'

let lab: Lab
beforeAll(async () => {
  lab = await connectKernel()
})
afterAll(() => lab.close())

// A service, and its line of `ipvsadm -Sn`, which is also the argument for ipvsadm to add it.
const services: readonly [Service, string][] = [
  [{ fwmark: 7, scheduler: 'rr' }, '-f 7 -s rr'],
  [{ fwmark: 2147483647 }, '-f 2147483647 -s wlc'], // ipvsadm prints larger marks as negative numbers
  [{ fwmark: 7, family: 'ipv6', scheduler: 'rr' }, '-f 7 -6 -s rr'],
  [{ protocol: 'tcp', address: '172.16.0.100', port: 80, scheduler: 'wrr' }, '-t 172.16.0.100:80 -s wrr'],
  [
    { protocol: 'udp', address: '172.16.0.100', port: 53, scheduler: 'rr', onePacket: true },
    '-u 172.16.0.100:53 -s rr -o',
  ],
  [
    { protocol: 'sctp', address: '172.16.0.100', port: 2905, scheduler: 'lc' },
    '--sctp-service 172.16.0.100:2905 -s lc',
  ],
  [{ protocol: 'tcp', address: '2001:db8::100', port: 443, scheduler: 'sed' }, '-t [2001:db8::100]:443 -s sed'],
  [
    { protocol: 'tcp', address: '172.16.0.100', port: 443, scheduler: 'rr', persistence: {} },
    '-t 172.16.0.100:443 -s rr -p 360',
  ],
  [
    { fwmark: 21, scheduler: 'wlc', persistence: { timeoutSeconds: 540, netmask: '255.255.255.0' } },
    '-f 21 -s wlc -p 540 -M 255.255.255.0',
  ],
  [
    { fwmark: 22, family: 'ipv6', scheduler: 'wlc', persistence: { timeoutSeconds: 540, netmask: 64 } },
    '-f 22 -6 -s wlc -p 540 -M 64',
  ],
  [
    { protocol: 'tcp', address: '172.16.0.101', port: 0, scheduler: 'rr', persistence: { timeoutSeconds: 60 } },
    '-t 172.16.0.101:0 -s rr -p 60',
  ],
  [
    { protocol: 'tcp', address: '172.16.0.102', port: 80, scheduler: 'sh', schedulerFlags: ['sh-port', 'sh-fallback'] },
    '-t 172.16.0.102:80 -s sh -b sh-fallback,sh-port',
  ],
  [
    {
      protocol: 'udp',
      address: '172.16.0.100',
      port: 5060,
      scheduler: 'rr',
      persistence: { timeoutSeconds: 60 },
      persistenceEngine: 'sip',
    },
    '-u 172.16.0.100:5060 -s rr -p 60 --pe sip',
  ],
]

const isIpv6 = (service: Service): boolean =>
  'fwmark' in service ? service.family === 'ipv6' : service.address.includes(':')
const narrowest = (service: Service): string | number => (isIpv6(service) ? 128 : '255.255.255.255')

test.each(services)('added as %j, ipvsadm saves: %s', async (service, saved) => {
  const seen = await lab.run(async ({ ipvs: { Ipvs }, netns, sh }, given) => {
    const { name, path } = await netns()
    const ipvs = await Ipvs.open({ netns: path })
    await ipvs.addService(given)
    const save = await sh('ipvsadm -Sn', { netns: name })
    await ipvs.removeService(given)
    const left = await ipvs.listServices()
    await ipvs.close()
    return { save, left }
  }, service)
  expect(seen.save.trim().split(/\s+/).toSorted()).toEqual(`-A ${saved}`.split(/\s+/).toSorted())
  expect(seen.left).toEqual([])
})

test('we list services added by ipvsadm, and can add them again', async () => {
  const seen = await lab.run(
    async ({ ipvs: { Ipvs }, netns, sh }, lines) => {
      const theirs = await netns()
      for (const line of lines) await sh(`ipvsadm -A ${line}`, { netns: theirs.name })
      const ipvs = await Ipvs.open({ netns: theirs.path })
      const listed = await ipvs.listServices()
      const single = []
      for (const service of listed) single.push(await ipvs.getService(service))
      await ipvs.close()
      const ours = await netns()
      const copy = await Ipvs.open({ netns: ours.path })
      for (const service of listed) await copy.addService(service)
      await copy.close()
      const saves = []
      for (const { name } of [theirs, ours]) saves.push(await sh('ipvsadm -Sn | sort', { netns: name }))
      return { listed, single, saves }
    },
    services.map(([, line]) => line),
  )
  expect(seen.listed).toHaveLength(services.length)
  expect(seen.single).toEqual(seen.listed)
  for (const [service] of services) {
    const { persistence, schedulerFlags, ...rest } = service
    expect(seen.listed).toContainEqual(
      expect.objectContaining({
        ...rest,
        ...(persistence ? { persistence: { timeoutSeconds: 360, netmask: narrowest(service), ...persistence } } : {}),
        ...(schedulerFlags ? { schedulerFlags: [...schedulerFlags].toSorted() } : {}),
      }),
    )
  }
  expect(seen.saves[1]).toBe(seen.saves[0])
})

describe('updateService keeps absent fields', () => {
  const before = '-t 172.16.0.100:80 -s sh -b sh-port -p 600 -M 255.255.255.0'
  const patches: readonly [ServicePatch, string][] = [
    [{ scheduler: 'wrr' }, '-t 172.16.0.100:80 -s wrr -b flag-2 -p 600 -M 255.255.255.0'],
    [{ persistence: { timeoutSeconds: 3600 } }, '-t 172.16.0.100:80 -s sh -b sh-port -p 3600 -M 255.255.255.0'],
    [{ persistence: { netmask: 32 } }, '-t 172.16.0.100:80 -s sh -b sh-port -p 600'],
    [{ persistence: { netmask: null } }, '-t 172.16.0.100:80 -s sh -b sh-port -p 600'],
    [{ persistence: null }, '-t 172.16.0.100:80 -s sh -b sh-port'],
    [{ schedulerFlags: ['sh-fallback'] }, '-t 172.16.0.100:80 -s sh -b sh-fallback -p 600 -M 255.255.255.0'],
    [{ schedulerFlags: null }, '-t 172.16.0.100:80 -s sh -p 600 -M 255.255.255.0'],
    [{}, before],
  ]

  test.each(patches)('%j', async (patch, after) => {
    const save = await lab.run(
      async ({ ipvs: { Ipvs }, netns, sh }, given) => {
        const { name, path } = await netns()
        await sh(`ipvsadm -A ${given.before}`, { netns: name })
        const ipvs = await Ipvs.open({ netns: path })
        await ipvs.updateService({ protocol: 'tcp', address: '172.16.0.100', port: 80 }, given.patch)
        await ipvs.close()
        return sh('ipvsadm -Sn', { netns: name })
      },
      { before, patch },
    )
    expect(save.trim().split(/\s+/).toSorted()).toEqual(`-A ${after}`.split(/\s+/).toSorted())
  })

  test('the persistence engine stays, and null removes it', async () => {
    const saves = await lab.run(async ({ ipvs: { Ipvs }, netns, sh }) => {
      const { name, path } = await netns()
      await sh('ipvsadm -A -u 172.16.0.100:5060 -s rr -p 60 --pe sip', { netns: name })
      const key = { protocol: 'udp', address: '172.16.0.100', port: 5060 } as const
      const ipvs = await Ipvs.open({ netns: path })
      await ipvs.updateService(key, { persistence: { timeoutSeconds: 90 } })
      const kept = await sh('ipvsadm -Sn', { netns: name })
      await ipvs.updateService(key, { persistenceEngine: null })
      const gone = await sh('ipvsadm -Sn', { netns: name })
      await ipvs.close()
      return { kept, gone }
    })
    expect(saves.kept).toContain('-p 90 --pe sip')
    expect(saves.gone).not.toContain('--pe')
    expect(saves.gone).toContain('-p 90')
  })
})

describe('schedulers', () => {
  const everywhere = 'rr wrr lc wlc lblc lblcr dh sh sed nq fo ovf mh none'.split(' ')
  const notEverywhere = ['twos']

  test('every scheduler by name; the error for a missing one has its name', async () => {
    const seen = await lab.run(
      async ({ ipvs: { Ipvs, IpvsError }, netns, sh, run }, names) => {
        const { name, path } = await netns()
        const ipvs = await Ipvs.open({ netns: path })
        const results = []
        for (const [index, scheduler] of names.entries()) {
          const key = { fwmark: index + 1 }
          const module = await run('modprobe', ['-n', '-q', `ip_vs_${scheduler}`])
          const listed = await ipvs.addService({ ...key, scheduler }).then(
            async () => (await ipvs.getService(key)).scheduler,
            (error: unknown) => (error instanceof IpvsError ? `${error.code}: ${error.message}` : String(error)),
          )
          results.push({ scheduler, present: scheduler === 'none' || module.status === 0, listed })
        }
        await ipvs.close()
        return { results, saves: await sh('ipvsadm -Sn', { netns: name }) }
      },
      [...everywhere, ...notEverywhere],
    )
    for (const [index, { scheduler, present, listed }] of seen.results.entries()) {
      expect([scheduler, present || notEverywhere.includes(scheduler)]).toEqual([scheduler, true])
      const missing = `ERR_IPVS_SCHEDULER_NOT_FOUND: addService FWM ${index + 1} ipv4: the kernel does not know scheduler "${scheduler}"`
      expect(listed.slice(0, missing.length)).toBe(present ? scheduler : missing)
      expect(seen.saves.includes(`-A -f ${index + 1} -s ${scheduler}\n`)).toBe(present)
    }
  })

  test('flags of sh and mh have the same names as in ipvsadm', async () => {
    const flags = ['sh-fallback', 'sh-port', 'mh-fallback', 'mh-port'] as const
    const seen = await lab.run(async ({ ipvs: { Ipvs }, netns, sh }, names) => {
      const [ours, theirs] = [await netns(), await netns()]
      const saved = async ({ name }: typeof ours): Promise<string> => sh('ipvsadm -Sn | sort', { netns: name })
      const ipvs = await Ipvs.open({ netns: ours.path })
      for (const [index, flag] of names.entries()) {
        const [fwmark, scheduler] = [index + 1, flag.slice(0, 2)]
        await ipvs.addService({ fwmark, scheduler, schedulerFlags: [flag] })
        await sh(`ipvsadm -A -f ${fwmark} -s ${scheduler} -b ${flag}`, { netns: theirs.name })
      }
      await ipvs.close()
      const reader = await Ipvs.open({ netns: theirs.path })
      const listed = await reader.listServices()
      await reader.close()
      return { listed, saves: [await saved(ours), await saved(theirs)] }
    }, flags)
    expect(seen.saves[0]).toBe(seen.saves[1])
    const byMark = seen.listed.toSorted((a, b) => (a.fwmark ?? 0) - (b.fwmark ?? 0))
    expect(byMark.map(({ schedulerFlags }) => schedulerFlags)).toEqual(flags.map((flag) => [flag]))
  })
})

test('concurrent patches of one handle: no change is lost', async () => {
  const service = await lab.run(async ({ ipvs: { Ipvs }, netns }) => {
    const { path } = await netns()
    const ipvs = await Ipvs.open({ netns: path })
    const key = { fwmark: 7 }
    await Promise.all([
      ipvs.addService({ ...key, scheduler: 'rr' }),
      ipvs.updateService(key, { scheduler: 'wrr' }),
      ipvs.updateService(key, { persistence: { timeoutSeconds: 100 } }),
      ipvs.updateService(key, { persistence: { netmask: 24 } }),
    ])
    const seen = await ipvs.getService(key)
    await ipvs.close()
    return seen
  })
  expect(service).toMatchObject({
    fwmark: 7,
    scheduler: 'wrr',
    persistence: { timeoutSeconds: 100, netmask: '255.255.255.0' },
  })
})

test('many services are listed completely, each once', async () => {
  const seen = await lab.run(async ({ ipvs: { Ipvs }, netns, sh }) => {
    const { name, path } = await netns()
    const ipvs = await Ipvs.open({ netns: path })
    const adds = []
    for (let mark = 1; mark <= 1000; mark++) adds.push(ipvs.addService({ fwmark: mark, scheduler: 'rr' }))
    await Promise.all(adds)
    const marks = (await ipvs.listServices()).map((service) => ('fwmark' in service ? service.fwmark : 0))
    const theirs = Number(await sh('ipvsadm -Sn | wc -l', { netns: name }))
    await ipvs.flush()
    const left = await ipvs.listServices()
    await ipvs.close()
    return { marks: marks.toSorted((a, b) => a - b), theirs, left }
  })
  expect(seen.theirs).toBe(1000)
  expect(seen.marks).toEqual(Array.from({ length: 1000 }, (_, i) => i + 1))
  expect(seen.left).toEqual([])
})

test('info', async () => {
  const info = await lab.run(async ({ ipvs: { Ipvs } }) => {
    const ipvs = await Ipvs.open()
    const seen = await ipvs.info()
    await ipvs.close()
    return seen
  })
  expect(info.version).toBe('1.2.1')
  expect(info.connectionTableSize).toBeTypeOf('number')
})

test('a handle in another namespace does not move the rest of the process', async () => {
  const seen = await lab.run(async ({ ipvs: { Ipvs }, netns, import: load }) => {
    const { readdir, readlink } = await load<typeof import('node:fs/promises')>('node:fs/promises')
    const own = await readlink('/proc/self/ns/net')
    const inOwn = async (): Promise<number> => {
      const tasks = await readdir('/proc/self/task')
      const ended = () => own // a thread of another test may end meanwhile
      const places = await Promise.all(tasks.map((task) => readlink(`/proc/self/task/${task}/ns/net`).catch(ended)))
      return places.filter((place) => place !== own).length
    }
    const { path } = await netns()
    const here = await Ipvs.open()
    const there = await Ipvs.open({ netns: path })
    await there.addService({ fwmark: 77, scheduler: 'rr' })
    const elsewhere = await inOwn()
    const second = await Ipvs.open()
    const marks = (list: object[]): boolean => list.some((service) => 'fwmark' in service && service.fwmark === 77)
    const visible = [
      marks(await here.listServices()),
      marks(await second.listServices()),
      marks(await there.listServices()),
    ]
    await Promise.all([here.close(), there.close(), second.close()])
    return { elsewhere, after: await inOwn(), visible }
  })
  expect(seen).toEqual({ elsewhere: 1, after: 0, visible: [false, false, true] })
})
