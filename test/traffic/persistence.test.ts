// Persistence: which addresses count as one client, and which ports it covers.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import type { Lab } from '../lab/client.ts'
import { connectKernel } from '../integration/kernel.ts'
import type { Share } from './director.ts'

let lab: Lab
let seen: Seen
beforeAll(async () => {
  lab = await connectKernel()
  seen = await observe()
})
afterAll(() => lab.close())

// One virtual address per kind, so that kinds do not affect each other.
const vips = {
  port: '172.16.0.100',
  client: '172.16.0.101',
  mark: '172.16.0.102',
  subnet: '172.16.0.103',
  mark6: '2001:db8::100',
  subnet6: '2001:db8::101',
} as const
type Kind = keyof typeof vips

const [first, second, far] = ['172.16.0.50', '172.16.0.51', '172.18.0.60']
const [first6, second6, far6] = ['2001:db8::50', '2001:db8::51', '2001:db8:18::60']

interface Seen {
  /** Names of the servers that replied, per step. */
  readonly answered: Record<Kind, string[][]>
  readonly templates: string[]
  readonly shares: { readonly mark: Share[]; readonly subnet: Share[] }
}

/** Client and requested ports of each step. */
type Steps = readonly (readonly [client: string, ...ports: readonly number[]])[]
const both = [80, 443, 443, 80] as const
const steps: Record<Kind, Steps> = {
  // The second client is the first one on port 443.
  port: [
    [first, 80, 80, 80],
    [second, 80, 80],
    [second, 443, 443],
    [first, 443, 443, 80],
  ],
  client: [
    [first, 8080, ...both],
    [second, ...both],
    [first, 443],
  ],
  mark: [
    [first, ...both],
    [second, ...both],
    [first, 443],
  ],
  subnet: [
    [first, 80, 80],
    [second, 80, 80],
    [far, 80, 80],
    [second, 80],
  ],
  mark6: [
    [first6, ...both],
    [second6, ...both],
  ],
  subnet6: [
    [first6, 80],
    [second6, 80],
    [far6, 80, 80],
  ],
}

async function observe(): Promise<Seen> {
  return lab.run(
    async (context, { steps: wanted, vips: addresses }) => {
      const load = async <Module>(name: string) => context.import<Module>(`./out/test/traffic/${name}.js`)
      const { buildSite } = await load<typeof import('./topology.ts')>('topology')
      const { ask, inUrl, serveWeb } = await load<typeof import('./web.ts')>('web')
      const { Director } = await load<typeof import('./director.ts')>('director')
      const site = await buildSite(context, 'masquerade')
      await serveWeb(context, site)
      const director = await Director.open(context, site)
      const persistence = { timeoutSeconds: 300 }
      const tcp = { protocol: 'tcp', scheduler: 'rr', persistence } as const
      const { port, client, mark, subnet, mark6, subnet6 } = addresses
      const byMark = { fwmark: 7, scheduler: 'rr', persistence } as const
      const subnets = { ...tcp, address: subnet, port: 80, persistence: { ...persistence, netmask: '255.255.255.0' } }
      await director.mark(
        { mark: 7, address: mark, protocol: 'tcp', ports: [80, 443] },
        { mark: 7, address: mark6, protocol: 'tcp', ports: [80, 443] },
      )
      await director.balance({ ...tcp, address: port, port: 80 }, 'masquerade')
      await director.balance({ ...tcp, address: port, port: 443 }, 'masquerade')
      await director.balance({ ...tcp, address: client, port: 0 }, 'masquerade')
      await director.balance(byMark, 'masquerade')
      await director.balance(subnets, 'masquerade')
      await director.balance({ ...byMark, family: 'ipv6' }, 'masquerade')
      await director.balance(
        { ...tcp, address: subnet6, port: 80, persistence: { ...persistence, netmask: 64 } },
        'masquerade',
      )
      const answered: Record<string, string[][]> = {}
      for (const [kind, each] of Object.entries(wanted)) {
        const vip = inUrl(addresses[kind as keyof typeof addresses])
        const servers = []
        for (const [source, ...ports] of each) {
          const urls = ports.map((one) => `http${one === 443 ? 's' : ''}://${vip}:${one}/`)
          const asked = await ask(context, site.client, source, urls)
          servers.push([...asked.replies.map((line) => line.split(' ')[0] ?? ''), ...asked.complaints])
        }
        answered[kind] = servers
      }
      const result = {
        answered: answered as Record<keyof typeof addresses, string[][]>,
        templates: await director.connections({ templates: 'only' }),
        shares: { mark: await director.shares({ fwmark: 7 }, 9), subnet: await director.shares(subnets, 7) },
      }
      await director.close()
      return result
    },
    { steps, vips },
    { timeoutMs: 150_000 },
  )
}

const [seven, seventeen] = ['server-7', 'server-17']
const times = (count: number, server: string): string[] => Array.from({ length: count }, () => server)

describe('per port', () => {
  test('a client stays, a second client goes to the next server; each port has separate clients', () => {
    expect(seen.answered.port).toEqual([
      times(3, seventeen),
      times(2, seven),
      times(2, seventeen),
      // Different servers on port 443 and port 80.
      [seven, seven, seventeen],
    ])
  })

  test('one template per client and port', () => {
    for (const [client, port, server] of [
      [first, 80, '10.0.0.17 80'],
      [second, 80, '10.0.0.7 80'],
      [second, 443, '10.0.0.17 443'],
      [first, 443, '10.0.0.7 443'],
    ] as const) {
      expect(seen.templates).toContain(`${client} -> ${vips.port} ${port} -> ${server}`)
    }
  })
})

describe('per client', () => {
  test('all ports of the address', () => {
    expect(seen.answered.client).toEqual([times(5, seventeen), times(4, seven), [seventeen]])
    expect(seen.templates).toContain(`${first} -> ${vips.client} 0 -> 10.0.0.17 0`)
    expect(seen.templates).toContain(`${second} -> ${vips.client} 0 -> 10.0.0.7 0`)
  })
})

describe('per mark', () => {
  test('a client stays on one server over both ports', () => {
    expect(seen.answered.mark).toEqual([times(4, seventeen), times(4, seven), [seventeen]])
    expect(seen.templates).toContain(`${first} -> mark 7 -> 10.0.0.17 0`)
    expect(seen.templates).toContain(`${second} -> mark 7 -> 10.0.0.7 0`)
  })

  test('destinations count connections and persistent clients', () => {
    expect(seen.shares.mark).toMatchObject([
      { server: 'server-7', connections: 4, persistent: 1 },
      { server: 'server-17', connections: 5, persistent: 1 },
    ])
  })

  test('IPv6', () => {
    expect(seen.answered.mark6).toEqual([times(4, seventeen), times(4, seven)])
    expect(seen.templates).toContain(`${first6} -> mark 7 -> fd00::17 0`)
    expect(seen.templates).toContain(`${second6} -> mark 7 -> fd00::7 0`)
  })
})

describe('per subnet', () => {
  test('clients of one subnet count as one client', () => {
    expect(seen.answered.subnet).toEqual([times(2, seventeen), times(2, seventeen), times(2, seven), [seventeen]])
    expect(seen.templates).toContain(`172.16.0.0 -> ${vips.subnet} 80 -> 10.0.0.17 80`)
    expect(seen.templates).toContain(`172.18.0.0 -> ${vips.subnet} 80 -> 10.0.0.7 80`)
    expect(seen.shares.subnet).toMatchObject([
      { connections: 2, persistent: 1 },
      { connections: 5, persistent: 1 },
    ])
  })

  test('IPv6, by prefix length', () => {
    expect(seen.answered.subnet6).toEqual([[seventeen], [seventeen], times(2, seven)])
    expect(seen.templates).toContain(`2001:db8:: -> ${vips.subnet6} 80 -> fd00::17 80`)
    expect(seen.templates).toContain(`2001:db8:18:: -> ${vips.subnet6} 80 -> fd00::7 80`)
  })

  test('no further templates', () => {
    expect(seen.templates).toHaveLength(4 + 2 + 2 + 2 + 2 + 2)
  })
})
