// The sites in director/examples, as the director applies them: each with clients of HTTP, TLS and FTP. One daemon goes from site to
// site. The first one is applied by `apply`, and adopted.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import type { Lab } from '../lab/client.ts'
import { connectKernel } from '../integration/kernel.ts'

const vip = '172.16.0.100'
const [first, second, far] = ['172.16.0.50', '172.16.0.51', '172.18.0.60']
/** The director's address on the clients' network. */
const router = '172.16.0.1'

interface Course {
  readonly site: string
  /** Arguments of `ipvsadm -A`. */
  readonly service: string
  /** Numbers of the servers, their port, and arguments of `ipvsadm -a`. */
  readonly servers: readonly number[]
  readonly port: number
  readonly way: string
  readonly clients: readonly string[]
  /** Ports that each client requests one after the other. */
  readonly web: readonly number[]
  /** Source address of data connections from port 20, as the client sees it. `undefined`: no FTP. */
  readonly activeFrom?: string
}

const [direct, masquerade, tunnel] = ['-g -w 1', '-m -w 1', '-i -w 1 --tun-type ipip']
const pair = [first, second]
const mark = { servers: [7, 17], port: 0, way: direct, clients: pair, web: [80, 443, 80] }
const ftpMark = { ...mark, service: '-f 21 -s wlc -p 540', web: [] }
const address = { servers: [7, 17, 27], way: direct, clients: pair }
const http = { ...address, service: `-t ${vip}:80 -s wlc -p 360`, port: 80, web: [80, 80] }
const ftp21 = { ...address, service: `-t ${vip}:21 -s wlc -p 540`, port: 21, web: [] }
const all = { ...address, service: `-t ${vip}:0 -s wlc -p 360`, port: 0, web: [80, 443, 8080] }

const courses: readonly Course[] = [
  { ...http, site: 'script-1-http-nat', way: masquerade },
  { ...ftp21, site: 'script-2-ftp-nat', way: masquerade, activeFrom: router },
  { ...ftpMark, site: 'ftp-mark-21-nat', way: masquerade, activeFrom: router },
  { ...mark, site: 'mark-7-rr', service: '-f 7 -s rr' },
  { ...mark, site: 'mark-7-360', service: '-f 7 -s wlc -p 360' },
  // A client that is new: templates keep their timeout.
  { ...mark, site: 'mark-7-3600', service: '-f 7 -s wlc -p 3600', clients: [far] },
  { ...mark, site: 'mark-80', service: '-f 80 -s wlc -p 360' },
  { ...all, site: 'script-5-all-ports' },
  { ...http, site: 'script-6-subnets', service: `${http.service} -M 255.255.255.0`, clients: [first, second, far] },
  { ...ftpMark, site: 'ftp-mark-21-direct', activeFrom: vip },
  { ...ftp21, site: 'script-4-ftp-direct', activeFrom: vip },
  { ...http, site: 'script-3-http-tunnel', way: tunnel },
]

/** The state of the director and the table, and what each client saw: names of servers, or errors. */
interface SeenSite {
  readonly answer: { readonly problems?: readonly string[]; readonly failures?: readonly string[] }
  readonly changes: readonly string[]
  readonly table: readonly string[]
  /** Sources of masqueraded connections. */
  readonly masqueraded: readonly string[]
  readonly served: readonly (readonly string[])[]
  readonly passive: readonly string[]
  readonly active: readonly string[]
  readonly peers: readonly string[]
  /** Remaining time of the templates of mark 7, by client. */
  readonly templates: Readonly<Record<string, string>>
}

interface Seen {
  readonly plan: { readonly status: number; readonly stdout: string }
  readonly apply: { readonly status: number; readonly stdout: string }
  readonly sites: Readonly<Record<string, SeenSite>>
}

let lab: Lab
let seen: Seen
beforeAll(async () => {
  lab = await connectKernel()
  seen = await lab.run(
    async (context, given): Promise<Seen> => {
      const { sh, root } = context
      const load = async <Module>(name: string) => context.import<Module>(`./out/test/traffic/${name}.js`)
      const { buildSite, answerByDirector } = await load<typeof import('./topology.ts')>('topology')
      const { serveWeb, ask } = await load<typeof import('./web.ts')>('web')
      const ftp = await load<typeof import('./ftp.ts')>('ftp')
      const { Daemon } = await load<typeof import('./daemon.ts')>('daemon')
      const site = await buildSite(context, 'tunnel', ['server-7', 'server-17', 'server-27'])
      await answerByDirector(context, site)
      await ftp.serveFtp(context, site, given.vip, 'masquerade')
      await ftp.recordPeers(context, site)
      await serveWeb(context, site)
      const netns = site.director
      const daemon = await Daemon.prepare(context, netns)
      const put = async (name: string) => daemon.put(`${root}/director/examples/${name}.yaml`)

      const lines = (text: string) => text.split('\n').filter(Boolean)
      const request = async (client: string, ports: readonly number[]) => {
        const urls = ports.map((port) => `${port === 443 ? 'https' : 'http'}://${given.vip}:${port}/`)
        const { replies, complaints } = await ask(context, site.client, client, urls)
        return [...replies.map((reply) => reply.split(' ')[0] ?? ''), ...complaints]
      }
      const fetch = async (client: string, ...options: string[]) =>
        ftp.fetchWho(context, site.client, client, given.vip, options)

      const visit = async ({ web, clients, activeFrom }: Course, answer: SeenSite['answer']): Promise<SeenSite> => {
        await daemon.served()
        const { changes } = await daemon.ask<{ changes: string[] }>('GET', 'plan')
        const table = lines(await sh('ipvsadm -Sn', { netns }))
        const nat = await sh('nft list table inet ipvs-director 2>/dev/null || true', { netns })
        const masqueraded = [...nat.matchAll(/saddr (\S+) tcp sport 20 masquerade/g)].map((match) => match[1] ?? '')
        const served: string[][] = []
        for (const client of web.length > 0 ? clients : []) served.push(await request(client, web))
        const passive: string[] = []
        const active: string[] = []
        for (const client of activeFrom === undefined ? [] : clients) {
          passive.push(await fetch(client, '--ftp-pasv', '--disable-epsv', '--no-ftp-skip-pasv-ip'))
          active.push(await fetch(client, '--ftp-port', client))
        }
        const peers = await ftp.takePeers(context, site)
        const connections = await sh('ipvsadm -Lnc', { netns })
        const found = connections.matchAll(/ ([\d:]+) +\S+ +(\S+):0 +0\.0\.0\.7:0 /g)
        const templates = Object.fromEntries([...found].map(([, left, client]) => [client, left]))
        return { answer, changes, table, masqueraded, served, passive, active, peers, templates }
      }

      const [start, ...others] = given.courses as [Course, ...Course[]]
      await put(start.site)
      const plan = await daemon.verb('plan')
      const apply = await daemon.verb('apply')
      await daemon.start()
      const sites: Record<string, SeenSite> = { [start.site]: await visit(start, {}) }
      for (const course of others) {
        await put(course.site)
        sites[course.site] = await visit(course, await daemon.ask('POST', 'reload'))
      }
      await daemon.stop()
      return { plan, apply, sites }
    },
    { courses, vip },
    { timeoutMs: 280_000 },
  )
})
afterAll(() => lab.close())

test('the first site is planned, and applied once', () => {
  const { plan, apply } = seen
  expect(plan.status).toBe(2)
  expect(plan.stdout.split('\n').filter((line) => line.startsWith('+ '))).toHaveLength(4)
  expect(apply).toMatchObject({ status: 0, stdout: `${plan.stdout}4 applied, 0 failed\n` })
})

const seenOf = ({ site }: Course): SeenSite => seen.sites[site] as SeenSite

describe.each(courses)('$site', (course) => {
  const { service, servers, port, way, activeFrom } = course

  test('the table is as ipvsadm would make it, and nothing is left to change', () => {
    const { answer, changes, table } = seenOf(course)
    const key = service.split(' ').slice(0, 2).join(' ')
    expect(table).toEqual([`-A ${service}`, ...servers.map((number) => `-a ${key} -r 10.0.0.${number}:${port} ${way}`)])
    expect({ problems: [], failures: [], ...answer, changes }).toEqual({ problems: [], failures: [], changes: [] })
  })

  test('only active FTP behind NAT has masqueraded connections', () => {
    expect(seenOf(course).masqueraded).toEqual(activeFrom === router ? servers.map((number) => `10.0.0.${number}`) : [])
  })
})

describe.each(courses.filter(({ web }) => web.length > 0))('$site', (course) => {
  const { service, servers, web, clients: asking } = course

  test('each request is served; with persistence, by one server', () => {
    const { served } = seenOf(course)
    expect(served).toHaveLength(asking.length)
    for (const names of served) {
      expect(names).toHaveLength(web.length)
      expect(new Set(names).size).toBe(service.includes(' -p ') ? 1 : 2)
      for (const name of names) expect(servers.map((number) => `server-${number}`)).toContain(name)
    }
  })
})

describe.each(courses.filter(({ activeFrom }) => activeFrom !== undefined))('$site', (course) => {
  test('FTP: passive and active data comes from the server of the client', () => {
    const { passive, active, peers } = seenOf(course)
    expect(passive).toEqual([expect.stringMatching(/^server-\d+$/), expect.stringMatching(/^server-\d+$/)])
    expect(active).toEqual(passive)
    expect(new Set(passive).size).toBe(2)
    expect(peers).toEqual([course.activeFrom])
  })
})

test('clients of one network have one server, with a netmask', () => {
  const names = seen.sites['script-6-subnets']?.served.map(([name]) => name)
  expect(names?.[0]).toBe(names?.[1])
  expect(names?.[2]).not.toBe(names?.[0])
})

test('clients stay for six minutes, then for an hour', () => {
  expect(seen.sites['mark-7-rr']?.templates).toEqual({})
  expect(seen.sites['mark-7-360']?.templates).toEqual({
    [first]: expect.stringMatching(/^05:/),
    [second]: expect.stringMatching(/^05:/),
  })
  expect(seen.sites['mark-7-3600']?.templates).toMatchObject({ [far]: expect.stringMatching(/^59:/) })
})
