// What becomes of a service when all its servers fail at once, and the share of a server that returns or whose agent speaks: with
// requests that never stop. Only the port of the checks is closed: a server that is kept can serve.
import { afterAll, beforeAll, expect, test } from 'vitest'

import type { Lab } from '../lab/client.ts'
import { connectKernel } from '../integration/kernel.ts'

type Replies = Readonly<Record<string, number>>

interface Seen {
  readonly alarms: readonly string[]
  readonly table: string
  /** What of the steady requests to the kept service was answered while all failed. */
  readonly kept: Replies
  readonly sorry: readonly string[]
  readonly withdrawn: { readonly replies: readonly string[]; readonly complaints: readonly string[] }
  readonly back: string
  readonly braked: { readonly alarms: readonly string[]; readonly replies: Replies }
  readonly agent: Replies
  readonly returning: { readonly first: Replies; readonly last: Replies }
}

let lab: Lab
let seen: Seen
beforeAll(async () => {
  lab = await connectKernel()
  seen = await lab.run(
    async (context): Promise<Seen> => {
      const { root, sh, sleep, start } = context
      const load = async <Module>(name: string) => context.import<Module>(`./out/test/traffic/${name}.js`)
      const { ask } = await load<typeof import('../traffic/web.ts')>('web')
      const { daemonOnSite } = await load<typeof import('../traffic/daemon.ts')>('daemon')
      const { site, daemon } = await daemonOnSite(context, ['server-7', 'server-17', 'server-27'])
      const agentFile = (await sh('mktemp')).trim()
      const says = async (text: string) => sh(`echo '${text}' >${agentFile}`)
      await says('100%')
      const [, second] = site.servers
      const agent = `${root}/out/test/traffic/agent-server.js`
      await start(process.execPath, [agent, '9000', agentFile], { netns: second!.netns }).waitFor('ready')

      const servers = (more = '') => `
    servers:
      - { name: web7, address: 10.0.0.7 }
      - { name: web17, address: 10.0.0.17${more} }`
      const service = (name: string, address: string, rest: string) => `
  ${name}:
    virtual: { address: ${address}, protocol: tcp, port: 80 }
    scheduler: wrr${servers()}
    checks: [{ tcp: { port: 8081 } }]
    ${rest}`
      const shop = `
  shop:
    virtual: { address: 172.16.0.104, protocol: tcp, port: 80 }
    scheduler: wrr
    slowStart: { for: 20s, from: 10% }${servers(', checks: [{ agent: { port: 9000 } }]')}`
      const file = (head: string) => `version: 1
defaults: { forwarding: masquerade, check: { interval: 500ms, timeout: 2s, rise: 1, fall: 2, whileFailing: 500ms } }
${head}
services:${service('kept', '172.16.0.101', 'minimumHealthy: { share: 50%, below: keep }')}${service(
        'sorry',
        '172.16.0.102',
        'minimumHealthy: { share: 50%, below: sorry }\n    sorry: { address: 10.0.0.27 }',
      )}${service('gone', '172.16.0.103', 'minimumHealthy: { share: 50%, below: withdraw }')}${shop}
`
      await daemon.write(file('brake: false'))
      await daemon.start()
      await daemon.served()
      const table = async () => sh('ipvsadm -Sn', { netns: site.director })
      const alarms = async () => (await daemon.ask<{ alarms: string[] }>('GET', 'status')).alarms
      const checks = async (closed: boolean) => {
        const rules =
          'table inet closed { chain in { type filter hook input priority 0; tcp dport 8081 reject with tcp reset; }; }'
        for (const { netns } of site.servers)
          await sh(closed ? `nft '${rules}'` : 'nft delete table inet closed', { netns })
      }
      const clientOf = async (address: string, rate: string) => {
        const program = `${root}/out/test/traffic/steady-client.js`
        const client = start(process.execPath, [program, address, '80', rate], { netns: site.client })
        await client.waitFor('running')
        return async (from = 0, to = Infinity) => {
          const { stdout } = await client.stop('SIGTERM')
          const all = JSON.parse(stdout.split('\n')[1] ?? '') as [number, string][]
          const count = (begin: number, end: number) => {
            const replies: Record<string, number> = {}
            for (const [at, reply] of all) if (at >= begin && at < end) replies[reply] = (replies[reply] ?? 0) + 1
            return replies
          }
          return { whole: count(0, Infinity), part: count(from, to), count }
        }
      }
      const urls = (address: string) => Array.from({ length: 4 }, () => `http://${address}/`)

      const steady = await clientOf('172.16.0.101', '10')
      await checks(true)
      await daemon.until('all have failed', async () => (await alarms()).length >= 3)
      await sleep(1500)
      const failed = { alarms: await alarms(), table: await table() }
      const { replies: sorry } = await ask(context, site.client, '172.16.0.50', urls('172.16.0.102'))
      const withdrawn = await ask(context, site.client, '172.16.0.50', urls('172.16.0.103'))
      const kept = (await steady()).whole
      await checks(false)
      await daemon.until('all are back', async () => (await alarms()).length === 0)
      await daemon.served()
      const back = await table()

      await daemon.write(file('brake: { maximumLoss: 30%, per: 10m }'))
      await daemon.ask('POST', 'reload')
      const beside = await clientOf('172.16.0.103', '10')
      await checks(true)
      await daemon.until('the brake holds', async () =>
        JSON.stringify(await daemon.ask('GET', 'events')).includes('further removals are held'),
      )
      await sleep(2000)
      const events = await daemon.ask<{ events: unknown[] }>('GET', 'events')
      const braked = { alarms: [...(await alarms()), JSON.stringify(events)], replies: (await beside()).whole }
      await checks(false)

      await says('25%')
      await daemon.until('the agent is heard', async () => (await table()).includes('-r 10.0.0.17:80 -m -w 25'))
      const heard = await clientOf('172.16.0.104', '20')
      await sleep(4000)
      const agentReplies = (await heard()).whole
      await says('100%')
      await daemon.until('the agent is heard', async () => (await table()).includes('-r 10.0.0.17:80 -m -w 100'))
      await daemon.ask('POST', 'overrides', { kind: 'disable', target: 'shop/web17', who: 'test', why: '' })
      await daemon.until('it is out', async () => !(await table()).includes('172.16.0.104:80 -r 10.0.0.17:80'))
      const client = await clientOf('172.16.0.104', '20')
      await daemon.ask('DELETE', 'overrides/shop/web17?who=test')
      const from = Date.now()
      await daemon.until('its slow start is over', async () =>
        (await table()).includes('172.16.0.104:80 -r 10.0.0.17:80 -m -w 100'),
      )
      await sleep(4000)
      const { count } = await client()
      const returning = { first: count(from, from + 5000), last: count(Date.now() - 4000, Infinity) }
      await daemon.stop()
      return { ...failed, kept, sorry, withdrawn, back, braked, agent: agentReplies, returning }
    },
    undefined,
    { timeoutMs: 380_000 },
  )
}, 400_000)
afterAll(() => lab.close())

const shareOf = (replies: Replies, name: string): number => {
  const all = Object.values(replies).reduce((sum, count) => sum + count, 0)
  return (replies[name] ?? 0) / all
}

test('all fail, keep: every server stays, and no request fails', () => {
  expect(seen.alarms).toContain("kept: less than 50 % of the servers' weight is healthy (keep)")
  expect(Object.keys(seen.kept).toSorted()).toEqual(['server-17', 'server-7'])
})

test('all fail, sorry: the sorry server has the traffic', () => {
  expect(seen.sorry.map((reply) => reply.split(' ')[0])).toEqual(Array.from({ length: 4 }, () => 'server-27'))
})

test('all fail, withdraw: no server has traffic, clients are refused at once, and an alarm says so', () => {
  expect(seen.alarms).toContain("gone: less than 50 % of the servers' weight is healthy (withdraw)")
  expect(seen.withdrawn.replies).toEqual([])
  expect(seen.withdrawn.complaints).toHaveLength(4)
  for (const complaint of seen.withdrawn.complaints) expect(complaint).toMatch(/^curl: \(7\)/)
})

test('all return: the table is as before', () => {
  expect(seen.back.match(/-r 10\.0\.0\.(7|17):80 -m -w 1$/gm)).toHaveLength(6)
  expect(seen.back).not.toContain('10.0.0.27')
})

test('all fail, with a brake: nobody is removed, no request fails, and it is told', () => {
  expect(Object.keys(seen.braked.replies).toSorted()).toEqual(['server-17', 'server-7'])
  expect(seen.braked.alarms.join('\n')).toMatch(/servers failed, more than 30% at once: further removals are held/)
})

test('an agent that says 25% has a fifth of the requests', () => {
  expect(Object.keys(seen.agent).toSorted()).toEqual(['server-17', 'server-7'])
  expect(shareOf(seen.agent, 'server-17')).toBeGreaterThan(0.12)
  expect(shareOf(seen.agent, 'server-17')).toBeLessThan(0.28)
})

test('a server that returns has few requests at first and half of them at the end; none fails', () => {
  const { first, last } = seen.returning
  expect(Object.keys({ ...first, ...last }).toSorted()).toEqual(['server-17', 'server-7'])
  expect(shareOf(first, 'server-17')).toBeLessThan(0.35)
  expect(shareOf(last, 'server-17')).toBeGreaterThan(0.4)
})
