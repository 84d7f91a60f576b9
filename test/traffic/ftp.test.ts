// FTP with one mark for control and data connections.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import type { Lab } from '../lab/client.ts'
import { connectKernel } from '../integration/kernel.ts'
import type { Share } from './director.ts'

let lab: Lab
beforeAll(async () => {
  lab = await connectKernel()
})
afterAll(() => lab.close())

const vip = '172.16.0.100'
const [first, second] = ['172.16.0.50', '172.16.0.51']

interface Seen {
  /** Content of the file for the first and the second client: by EPSV, and by PASV with the address in the reply. */
  readonly passive: { readonly extended: string[]; readonly plain: string[]; readonly lftp: string }
  readonly shares: Share[]
  readonly connections: string[]
  /** Active FTP: before the rule for port 20 on the director, and after. */
  readonly active: {
    readonly before: string
    readonly after: string[]
    readonly lftp: string
    readonly peers: string[]
  }
  readonly withoutPersistence: string
  /** net.ipv4.vs.conntrack, and the number of loaded ip_vs_ftp modules. */
  readonly helpers: string
}

describe.each(['masquerade', 'direct'] as const)('%s', (forwarding) => {
  let seen: Seen

  beforeAll(async () => {
    seen = await lab.run(
      async (context, given) => {
        const load = async <Module>(name: string) => context.import<Module>(`./out/test/traffic/${name}.js`)
        const { buildSite } = await load<typeof import('./topology.ts')>('topology')
        const ftp = await load<typeof import('./ftp.ts')>('ftp')
        const { Director } = await load<typeof import('./director.ts')>('director')
        const site = await buildSite(context, given.forwarding)
        await ftp.serveFtp(context, site, given.vip, given.forwarding)
        await ftp.recordPeers(context, site)
        const director = await Director.open(context, site)
        const rule = { mark: 21, address: given.vip, protocol: 'tcp' } as const
        const service = { fwmark: 21, scheduler: 'rr' } as const
        const persistence = { timeoutSeconds: 540 }
        await director.mark({ ...rule, ports: [21, '10000-20000'] })
        await director.balance({ ...service, persistence }, given.forwarding)

        const fetch = async (client: string, ...options: string[]) =>
          ftp.fetchWho(context, site.client, client, given.vip, options)
        const plainOnly = ['--ftp-pasv', '--disable-epsv', '--no-ftp-skip-pasv-ip']
        const passive = {
          extended: [await fetch(given.first, '--ftp-pasv'), await fetch(given.second, '--ftp-pasv')],
          plain: [await fetch(given.first, ...plainOnly), await fetch(given.second, ...plainOnly)],
          lftp: await ftp.fetchWhoByLftp(context, site.client, given.vip, true),
        }
        const shares = await director.shares(service, 10)
        const connections = await director.connections()

        const active = async (client: string) => fetch(client, '--ftp-port', client)
        const before = await active(given.first)
        // Direct routing: the server connects from the VIP, and replies of the client reach the director.
        if (given.forwarding === 'direct') await director.mark({ ...rule, ports: [20] })
        else await ftp.masqueradeActive(director, site)
        await ftp.takePeers(context, site)
        const after = [await active(given.first), await active(given.second)]
        const lftp = await ftp.fetchWhoByLftp(context, site.client, given.vip, false)
        const peers = await ftp.takePeers(context, site)

        await director.ipvs.updateService(service, { persistence: null })
        const withoutPersistence = await fetch(given.first, ...plainOnly)
        const helpers = await context.sh(
          'cat /proc/sys/net/ipv4/vs/conntrack; grep -c ^ip_vs_ftp /proc/modules || true',
          {
            netns: site.director,
          },
        )
        await director.close()
        return {
          passive,
          shares,
          connections,
          active: { before, after, lftp, peers },
          withoutPersistence,
          helpers,
        }
      },
      { forwarding, vip, first, second },
      { timeoutMs: 150_000 },
    )
  })

  test('passive: data comes from the server of the control connection', () => {
    expect(seen.passive.extended).toEqual(['server-17', 'server-7'])
    expect(seen.passive.plain).toEqual(['server-17', 'server-7'])
    expect(seen.passive.lftp).toBe('server-17')
  })

  test('counters: control and data connections of both clients', () => {
    expect(seen.shares).toMatchObject([
      { server: 'server-7', connections: 4, persistent: 1 },
      { server: 'server-17', connections: 6, persistent: 1 },
    ])
    const replies = seen.shares.map(({ outPackets }) => outPackets > 0)
    expect(replies).toEqual(forwarding === 'masquerade' ? [true, true] : [false, false])
  })

  test('the connection table: control and data connections, and their common template', () => {
    for (const [client, server, transfers] of [
      [first, '10.0.0.17', 3],
      [second, '10.0.0.7', 2],
    ] as const) {
      const lines = seen.connections.filter((line) => line.startsWith(`${client} -> `))
      const control = `${client} -> ${vip} 21 -> ${server} 21`
      expect(lines.filter((line) => line === control)).toHaveLength(transfers)
      const ports = lines.map((line) => / (1\d{4}|20000) -> \S+ \1$/.exec(line)?.[1]).filter(Boolean)
      expect(ports).toHaveLength(transfers)
      expect(lines).toContain(`${client} -> mark 21 -> ${server} 0`)
      expect(lines).toHaveLength(transfers * 2 + 1)
      expect(lines.every((line) => line.includes(` -> ${server} `))).toBe(true)
    }
  })

  test('active: fails without the rule for port 20', () => {
    expect(seen.active.before).toMatch(/^curl: /)
    expect(seen.active.after).toEqual(['server-17', 'server-7'])
    expect(seen.active.lftp).toBe('server-17')
  })

  test('active: source address of data connections', () => {
    expect(seen.active.peers).toEqual([forwarding === 'masquerade' ? '172.16.0.1' : vip])
  })

  test('without persistence, data connections go to the next server', () => {
    expect(seen.withoutPersistence).toMatch(/^curl: \(7\)/)
  })

  test('ip_vs_ftp and net.ipv4.vs.conntrack are off', () => {
    expect(seen.helpers).toBe('0\n0\n')
  })
})
