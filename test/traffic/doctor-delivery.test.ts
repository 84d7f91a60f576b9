// `ipvs doctor` and virtual addresses missing on the director: IPVS does not see their packets, with or without ip_forward.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import type { Lab } from '../lab/client.ts'
import { connectKernel } from '../integration/kernel.ts'
import { complaints, type Course } from './ward.ts'

let lab: Lab
beforeAll(async () => {
  lab = await connectKernel()
})
afterAll(() => lab.close())

const gone = 'ip addr del 172.16.0.100/32 dev front'
const cases = {
  'an address': { make: gone, undo: 'ip route del local 172.16.0.100 dev lo; ip addr add 172.16.0.100/32 dev front' },
  'an address, forwarding allowed': {
    make: `${gone}; sysctl -qw net.ipv4.ip_forward=1`,
    undo: 'ip route del local 172.16.0.100 dev lo; ip addr add 172.16.0.100/32 dev front',
  },
  'a mark for a block': {
    make: `${gone}; ipvs remove service tcp:172.16.0.100:80
      ipvs marks add 7 172.16.0.96/28 tcp 80
      ipvs add service mark:7; ipvs add destination mark:7 10.0.0.7 --forwarding FORWARDING`,
    undo: `ip route del local 172.16.0.96/28 dev lo; ipvs marks remove 7 172.16.0.96/28 tcp 80`,
  },
  'a mark for a range': {
    make: 'ipvs marks add 7 172.16.0.99-172.16.0.101 tcp 80',
    undo: 'ip route del local 172.16.0.100/31 dev lo; ipvs marks remove 7 172.16.0.99-172.16.0.101 tcp 80',
  },
  'a mark for all addresses': {
    make: 'ipvs marks add 7 0.0.0.0/0 tcp 80',
  },
} as const

describe.each(['masquerade', 'direct'] as const)('%s', (forwarding) => {
  let courses: Readonly<Record<string, Course>>

  beforeAll(async () => {
    courses = await lab.run(
      async (context, given) => {
        const load = async <Module>(name: string) => context.import<Module>(`./out/test/traffic/${name}.js`)
        const { buildSite } = await load<typeof import('./topology.ts')>('topology')
        const { serveWeb } = await load<typeof import('./web.ts')>('web')
        const { Director } = await load<typeof import('./director.ts')>('director')
        const { Ward } = await load<typeof import('./ward.ts')>('ward')
        const site = await buildSite(context, given.forwarding, ['server-7'])
        await serveWeb(context, site)
        const director = await Director.open(context, site)
        const service = { protocol: 'tcp', address: '172.16.0.100', port: 80, scheduler: 'rr' } as const
        await director.balance(service, given.forwarding)
        await director.close()
        const ward = new Ward(context, site, ['http://172.16.0.100/'])
        await ward.sh('sysctl -qw net.ipv4.vs.expire_nodest_conn=1')
        // The client reaches the address through a router, without ARP for it on the link.
        await context.sh('ip route add 172.16.0.100 via 172.16.0.1', { netns: site.client })
        const found: Record<string, Course> = {}
        for (const [name, illness] of Object.entries(given.cases)) {
          const make = illness.make.replaceAll('FORWARDING', given.forwarding)
          found[name] = await ward.treat({ ...illness, make })
        }
        return found
      },
      { forwarding, cases },
      { timeoutMs: 560_000 },
    )
  }, 600_000)

  test.each(Object.keys(cases))('%s', (name) => {
    const { broken, healed } = courses[name] as Course
    expect(broken.replies).toEqual([])
    expect(broken.findings[0]).toMatchObject({ level: 'bad', code: 'address-not-local' })
    expect(healed.replies).toEqual(['server-7 172.16.0.50'])
    expect(complaints(healed)).toEqual([])
  })

  test('an address of the director: no finding', () => {
    const [first] = Object.values(courses)
    expect(first?.before.replies).toEqual(['server-7 172.16.0.50'])
    expect(first && complaints(first.before)).toEqual([])
  })
})
