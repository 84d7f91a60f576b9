// One mark for HTTP and TLS: client, director and real servers, for each forwarding method.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import type { Lab } from '../lab/client.ts'
import { connectKernel } from '../integration/kernel.ts'
import type { Share } from './director.ts'
import type { Asked } from './web.ts'

let lab: Lab
beforeAll(async () => {
  lab = await connectKernel()
})
afterAll(() => lab.close())

const families = {
  ipv4: { vip: '172.16.0.100', client: '172.16.0.50', director: '172.16.0.1', servers: ['10.0.0.7', '10.0.0.17'] },
  ipv6: { vip: '2001:db8::100', client: '2001:db8::50', director: '2001:db8::1', servers: ['fd00::7', 'fd00::17'] },
} as const
type Family = keyof typeof families

interface Seen {
  readonly asked: Asked
  readonly beside: Asked
  readonly shares: Share[]
  readonly connections: string[]
  readonly local: Asked
  readonly localShares: Share[]
}

describe.each(['masquerade', 'direct', 'tunnel'] as const)('%s', (forwarding) => {
  let seen: Record<Family, Seen>

  beforeAll(async () => {
    seen = await lab.run(
      async (context, given) => {
        const load = async <Module>(name: string) => context.import<Module>(`./out/test/traffic/${name}.js`)
        const { buildSite } = await load<typeof import('./topology.ts')>('topology')
        const { ask, inUrl, serveWeb } = await load<typeof import('./web.ts')>('web')
        const { Director } = await load<typeof import('./director.ts')>('director')
        const site = await buildSite(context, given.forwarding)
        await serveWeb(context, site)
        const director = await Director.open(context, site)
        const result: Partial<Record<Family, Seen>> = {}
        for (const family of ['ipv4', 'ipv6'] as const) {
          const { vip, client, director: itself } = given.families[family]
          const service = { fwmark: 7, family, scheduler: 'rr' } as const
          await director.mark({ mark: 7, address: vip, protocol: 'tcp', ports: [80, 443] })
          await director.balance(service, given.forwarding)
          const [http, https] = [`http://${inUrl(vip)}/`, `https://${inUrl(vip)}/`]
          const urls = [http, https, https, http]
          const asked = await ask(context, site.client, client, urls)
          const beside = await ask(context, site.client, client, [`http://${inUrl(vip)}:8080/`])
          const shares = await director.shares(service, 4)
          const connections = await director.connections({ virtual: vip })
          const local = await ask(context, site.director, itself, urls)
          const localShares = await director.shares(service, 8)
          result[family] = { asked, beside, shares, connections, local, localShares }
        }
        await director.close()
        return result as Record<Family, Seen>
      },
      { forwarding, families },
      { timeoutMs: 150_000 },
    )
  })

  describe.each(['ipv4', 'ipv6'] as const)('%s', (family) => {
    const { vip, client, director, servers } = families[family]

    test('both ports are one service: servers alternate over both ports, and see the client address', () => {
      const { replies, complaints } = seen[family].asked
      expect(complaints).toEqual([])
      expect(replies).toEqual([
        `server-17 ${client}`,
        `server-7 ${client}`,
        `server-17 ${client}`,
        `server-7 ${client}`,
      ])
    })

    test('a port without a mark rule is refused', () => {
      expect(seen[family].beside.replies).toEqual([])
      expect(seen[family].beside.complaints).toEqual([expect.stringMatching(/^curl: \(7\)/)])
    })

    test('counters: half of the connections per server; replies pass the director only with masquerade', () => {
      const { shares } = seen[family]
      expect(shares.map(({ server, connections }) => [server, connections])).toEqual([
        ['server-7', 2],
        ['server-17', 2],
      ])
      for (const { active, inactive, inPackets, outPackets } of shares) {
        expect(active + inactive).toBe(2)
        expect(inPackets).toBeGreaterThanOrEqual(2 * 4) // SYN, ACK, a request, FIN
        expect(outPackets >= 2 * 3).toBe(forwarding === 'masquerade')
        expect(outPackets === 0).toBe(forwarding !== 'masquerade')
      }
    })

    test('the connection table lists the server of each connection', () => {
      const [first, second] = servers
      const line = (port: number, server: string) => `${client} -> ${vip} ${port} -> ${server} ${port}`
      expect(seen[family].connections).toEqual(
        [line(80, second), line(443, first), line(443, second), line(80, first)].toSorted(),
      )
    })

    test('requests from the director itself', () => {
      const { local, localShares } = seen[family]
      expect(local.complaints).toEqual([])
      expect(local.replies).toEqual([
        `server-17 ${director}`,
        `server-7 ${director}`,
        `server-17 ${director}`,
        `server-7 ${director}`,
      ])
      expect(localShares.map(({ connections }) => connections)).toEqual([4, 4])
    })
  })
})
