// All rules are replaced repeatedly under constant load, and no connection fails.
import { afterAll, beforeAll, expect, test } from 'vitest'

import type { MarkRule } from '../../lib/index.ts'
import type { Lab } from '../lab/client.ts'
import { connectKernel } from '../integration/kernel.ts'

const swaps = 100
const rulesOfEach = 1000
const vip = '172.16.0.100'

let lab: Lab
let seen: {
  /** By port: number of connections per result. */
  readonly counts: Record<string, Record<string, number>>
  /** By server: number of connections that IPVS counted. */
  readonly counted: Record<string, number>
  readonly done: number
  readonly listed: number
}
beforeAll(async () => {
  lab = await connectKernel()
  seen = await lab.run(
    async (context, given) => {
      const load = async <Module>(name: string) => context.import<Module>(`./out/test/traffic/${name}.js`)
      const { buildSite } = await load<typeof import('../traffic/topology.ts')>('topology')
      const { serveWeb } = await load<typeof import('../traffic/web.ts')>('web')
      const { Director } = await load<typeof import('../traffic/director.ts')>('director')
      const site = await buildSite(context, 'masquerade', ['server-7', 'server-8', 'server-99'])
      await serveWeb(context, site)
      const director = await Director.open(context, site)
      const tcp = { protocol: 'tcp', address: given.vip } as const
      await director.balance({ fwmark: 7 }, 'masquerade', ['server-7'])
      await director.balance({ fwmark: 8 }, 'masquerade', ['server-8'])
      // Connections without a mark go to server-99.
      for (const port of [80, 81, 8080, 8081]) await director.balance({ ...tcp, port }, 'masquerade', ['server-99'])
      // The two sets share port 80 and ports 8070-8080. All other rules have a different mark in each set.
      const set = (turn: 0 | 1): MarkRule[] => [
        { ...tcp, mark: 7, ports: [80] },
        { ...tcp, mark: 8, ports: ['8070-8080'] },
        { ...tcp, mark: 7 + turn, ports: [81] },
        { ...tcp, mark: 7 + turn, ports: ['8081-8089'] },
        ...Array.from({ length: given.rulesOfEach - 4 }, (_, index) => ({
          mark: 1000 * (turn + 1) + index,
          address: `10.9.${index >> 8}.${index & 255}`,
          protocol: 'tcp' as const,
          ports: index % 50 === 0 ? ([80, '1000-1999'] as const) : [80, 443],
        })),
      ]
      const sets = [set(0), set(1)] as const
      await director.marks.replace(sets[0])
      const program = `${context.root}/out/test/traffic/load-client.js`
      const client = context.start(process.execPath, [program, given.vip, '80', '81', '8080', '8081'], {
        netns: site.client,
      })
      await client.waitFor('running')
      let done = 0
      while (done < given.swaps) {
        await director.marks.replace(sets[done % 2 === 0 ? 1 : 0])
        done += 1
      }
      const { stdout } = await client.stop('SIGTERM')
      const listed = (await director.marks.list()).length
      const counts = JSON.parse(stdout.split('\n')[1] ?? '') as Record<string, Record<string, number>>
      const replies = (server: string) => Object.values(counts).reduce((sum, ends) => sum + (ends[server] ?? 0), 0)
      const counted: Record<string, number> = {}
      for (const [fwmark, server] of [
        [7, 'server-7'],
        [8, 'server-8'],
      ] as const) {
        const [share] = await director.shares({ fwmark }, replies(server))
        counted[server] = share?.connections ?? 0
      }
      await director.close()
      return { counts, counted, done, listed }
    },
    { swaps, rulesOfEach, vip },
    { timeoutMs: 200_000 },
  )
})
afterAll(() => lab.close())

const endsOf = (port: number): string[] => Object.keys(seen.counts[port] ?? {}).toSorted()
const connectionsTo = (port: number): number =>
  Object.values(seen.counts[port] ?? {}).reduce((sum, count) => sum + count, 0)

test('all swaps were done, with connections throughout', () => {
  expect(seen.done).toBe(swaps)
  expect(seen.listed).toBe(rulesOfEach)
  for (const port of [80, 81, 8080, 8081]) expect(connectionsTo(port)).toBeGreaterThan(swaps / 2)
})

test('every connection of a mark’s service got a reply', () => {
  const replies = (server: string) => Object.values(seen.counts).reduce((sum, ends) => sum + (ends[server] ?? 0), 0)
  expect(seen.counted).toEqual({ 'server-7': replies('server-7'), 'server-8': replies('server-8') })
})

test('a single-port rule in both sets is always in effect', () => {
  expect(endsOf(80)).toEqual(['server-7'])
})

test('a range in both sets is always in effect', () => {
  expect(endsOf(8080)).toEqual(['server-8'])
})

test('a single-port rule with a changing mark always has one of its marks', () => {
  expect(endsOf(81)).toEqual(['server-7', 'server-8'])
})

// Before Linux 6.17, a lookup in an interval map can miss both the old and the new element for a moment: see
// native/nftables/bridge.h.
test('a range with a changing mark always has one of its marks', () => {
  expect(endsOf(8081)).toEqual(['server-7', 'server-8'])
})
