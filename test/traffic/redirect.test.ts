// Direct routing to real servers without the virtual address: redirect rules on the servers accept its packets.
import { afterAll, beforeAll, expect, test } from 'vitest'

import type { NatRule } from '../../lib/index.ts'
import { connectKernel } from '../integration/kernel.ts'
import type { Lab } from '../lab/client.ts'
import type { Asked } from './web.ts'

const families = {
  ipv4: { vip: '172.16.0.100', client: '172.16.0.50' },
  ipv6: { vip: '2001:db8::100', client: '2001:db8::50' },
} as const

let lab: Lab
let seen: { readonly without: Asked[]; readonly with: Asked[]; readonly counted: bigint[][] }
beforeAll(async () => {
  lab = await connectKernel()
  seen = await lab.run(
    async (context, given) => {
      const load = async <Module>(name: string) => context.import<Module>(`./out/test/traffic/${name}.js`)
      const { buildSite } = await load<typeof import('./topology.ts')>('topology')
      const { ask, inUrl, serveWeb } = await load<typeof import('./web.ts')>('web')
      const { Director } = await load<typeof import('./director.ts')>('director')
      const site = await buildSite(context, 'direct')
      await serveWeb(context, site)
      const director = await Director.open(context, site)
      const { FirewallMarks } = context.ipvs
      const both = Object.entries(given.families)
      for (const [family, { vip }] of both) {
        await director.mark({ mark: 7, address: vip, protocol: 'tcp', ports: [80, 8000] })
        await director.balance({ fwmark: 7, family: family as 'ipv4' | 'ipv6', scheduler: 'rr' }, 'direct')
        for (const { netns } of site.servers) {
          await context.sh(`ip addr del ${vip}${family === 'ipv6' ? '/128' : '/32'} dev lo`, { netns })
        }
      }
      const askAll = async () => {
        const asked = []
        for (const [, { vip, client }] of both) {
          const host = `http://${inUrl(vip)}`
          asked.push(
            await ask(context, site.client, client, [`${host}/`, `${host}/`, `${host}:8000/`, `${host}:8000/`]),
          )
        }
        return asked
      }
      const without = await askAll()
      const counted = []
      const handles = []
      for (const { netns } of site.servers) {
        const marks = await FirewallMarks.open({ netns: netns.path })
        const rules: NatRule[] = both.flatMap(([, { vip }]) => [
          { action: 'redirect', address: vip, protocol: 'tcp', ports: 80, counter: true },
          { action: 'redirect', address: vip, protocol: 'tcp', ports: 8000, toPort: 80, interface: 'front' },
          { action: 'redirect', address: vip, protocol: 'tcp', ports: 8000, toPort: 80, interface: 'back' },
        ])
        await marks.addNat(rules)
        handles.push(marks)
      }
      const answered = await askAll()
      for (const marks of handles) {
        const rules = await marks.listNat()
        counted.push(rules.flatMap(({ packets }) => packets ?? []))
        await marks.close()
      }
      await director.close()
      return { without, with: answered, counted }
    },
    { families },
    { timeoutMs: 150_000 },
  )
})
afterAll(() => lab.close())

test('without the address and without a rule: no reply', () => {
  for (const { replies, complaints } of seen.without) expect([replies, complaints.length]).toEqual([[], 4])
})

test.each(Object.entries(families))(
  '%s: with the rule, servers alternate, also with another port on the server',
  (_family, { client }) => {
    const { replies, complaints } = seen.with[client.includes(':') ? 1 : 0] as Asked
    expect(complaints).toEqual([])
    expect(replies).toHaveLength(4)
    for (const server of ['server-7', 'server-17']) {
      expect(replies.filter((answer) => answer === `${server} ${client}`)).toHaveLength(2)
    }
  },
)

test('the counter of a rule counts connections', () => {
  expect(seen.counted).toEqual([
    [1n, 1n],
    [1n, 1n],
  ])
})
