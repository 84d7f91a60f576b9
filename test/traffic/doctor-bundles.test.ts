// `ipvs doctor` and several ports under one mark: one client spread over servers, and active FTP behind NAT.
import { afterAll, beforeAll, expect, test } from 'vitest'

import type { Lab } from '../lab/client.ts'
import { connectKernel } from '../integration/kernel.ts'
import { complaints, type Look } from './ward.ts'

let lab: Lab
beforeAll(async () => {
  lab = await connectKernel()
})
afterAll(() => lab.close())

test('several ports without persistence: one client reaches several servers', async () => {
  const seen = await lab.run(
    async (context) => {
      const load = async <Module>(name: string) => context.import<Module>(`./out/test/traffic/${name}.js`)
      const { buildSite } = await load<typeof import('./topology.ts')>('topology')
      const { serveWeb } = await load<typeof import('./web.ts')>('web')
      const { Director } = await load<typeof import('./director.ts')>('director')
      const { Ward } = await load<typeof import('./ward.ts')>('ward')
      const site = await buildSite(context, 'masquerade')
      await serveWeb(context, site)
      const director = await Director.open(context, site)
      await director.mark({ mark: 7, address: '172.16.0.100', protocol: 'tcp', ports: [80, 443] })
      await director.balance({ fwmark: 7, scheduler: 'rr' }, 'masquerade')
      const ward = new Ward(context, site, ['http://172.16.0.100/', 'https://172.16.0.100/'])
      await ward.sh('sysctl -qw net.ipv4.vs.expire_nodest_conn=1 net.ipv4.vs.expire_quiescent_template=1')
      const { before, healed } = await ward.treat({ make: 'true' })
      await ward.sh('ipvs set service mark:7 --no-persistence --scheduler sh')
      const byAddress = await ward.look()
      await director.close()
      return { before, healed, byAddress }
    },
    undefined,
    { timeoutMs: 200_000 },
  )
  expect(new Set(seen.before.replies).size).toBe(2)
  expect(seen.before.findings).toMatchObject([{ level: 'risk', code: 'bundle-without-persistence' }])
  expect(new Set(seen.healed.replies).size).toBe(1)
  expect(complaints(seen.healed)).toEqual([])
  expect(new Set(seen.byAddress.replies).size).toBe(1)
  expect(complaints(seen.byAddress)).toEqual([])
}, 300_000)

test('active FTP without the rule for port 20', async () => {
  const seen = await lab.run(
    async (context) => {
      const load = async <Module>(name: string) => context.import<Module>(`./out/test/traffic/${name}.js`)
      const { buildSite } = await load<typeof import('./topology.ts')>('topology')
      const ftp = await load<typeof import('./ftp.ts')>('ftp')
      const { Director } = await load<typeof import('./director.ts')>('director')
      const { Ward } = await load<typeof import('./ward.ts')>('ward')
      const [vip, client] = ['172.16.0.100', '172.16.0.50']
      const site = await buildSite(context, 'masquerade', ['server-7'])
      await ftp.serveFtp(context, site, vip, 'masquerade')
      const director = await Director.open(context, site)
      await director.mark({ mark: 21, address: vip, protocol: 'tcp', ports: [21, '10000-20000'] })
      await director.balance({ fwmark: 21, scheduler: 'rr', persistence: { timeoutSeconds: 540 } }, 'masquerade')
      await director.close()
      const ward = new Ward(context, site, [])
      await ward.sh('sysctl -qw net.ipv4.vs.expire_nodest_conn=1 net.ipv4.vs.expire_quiescent_template=1')
      const look = async (): Promise<Look> => {
        const replies = [await ftp.fetchWho(context, site.client, client, vip, ['--ftp-port', client])]
        return { ...(await ward.look()), replies }
      }
      const broken = await look()
      await ward.sh(broken.findings[0]?.fix ?? 'false')
      const healed = await look()
      // A rule of iptables instead of ours has the same effect.
      await ward.sh(`ipvs marks nat remove masquerade 10.0.0.7 tcp 20
        iptables-nft -t nat -A POSTROUTING -s 10.0.0.0/24 -j MASQUERADE`)
      return { broken, healed, byIptables: await look() }
    },
    undefined,
    { timeoutMs: 200_000 },
  )
  expect(seen.broken.replies).not.toEqual(['server-7'])
  expect(seen.broken.findings).toMatchObject([{ level: 'risk', code: 'active-ftp' }])
  for (const look of [seen.healed, seen.byIptables]) {
    expect(look.replies).toEqual(['server-7'])
    expect(complaints(look)).toEqual([])
  }
}, 300_000)
