// Drains of a persistent service: with a client that stays at its server, one that connects seldom, and a connection that is open
// all the time.
import { afterAll, beforeAll, expect, test } from 'vitest'

import type { Lab } from '../lab/client.ts'
import { connectKernel } from '../integration/kernel.ts'

interface Seen {
  readonly own: string
  readonly other: string
  readonly kept: readonly string[]
  readonly restarted: { readonly table: string; readonly code: string }
  readonly movedTo: readonly string[]
  readonly steady: readonly string[]
  readonly held: string
  readonly stays: readonly string[]
  readonly refused: { readonly error?: string }
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
      const { site, daemon } = await daemonOnSite(context)
      await daemon.write(`version: 1
defaults: { forwarding: masquerade, check: { interval: 1s, timeout: 2s, rise: 1, fall: 3 } }
services:
  shop:
    virtual: { address: 172.16.0.101, protocol: tcp, port: 80 }
    scheduler: rr
    persistence: { timeout: 300s }
    servers:
      - { name: server-7, address: 10.0.0.7 }
      - { name: server-17, address: 10.0.0.17 }
    checks: [{ tcp: { port: 81 } }]
`)
      await daemon.start()
      await daemon.served()
      const request = async (client: string, times = 1) => {
        const urls = Array.from({ length: times }, () => 'http://172.16.0.101/')
        const { replies, complaints } = await ask(context, site.client, client, urls)
        return [...replies.map((reply) => reply.split(' ')[0] ?? ''), ...complaints]
      }
      const table = async () => sh('ipvsadm -Sn', { netns: site.director })
      const drain = async (stickiness: string) =>
        daemon.ask<{ error?: string }>('POST', 'overrides', {
          kind: 'drain',
          target: own,
          who: 'test',
          why: '',
          stickiness,
        })
      const [own = ''] = await request('172.16.0.50')
      const [other = ''] = await request('172.16.0.51')
      // Bash: a connection that says nothing until the pipe does.
      await sh('rm -f /tmp/director-held && mkfifo /tmp/director-held')
      const hold =
        'exec 3<>/dev/tcp/172.16.0.101/80; read <>/tmp/director-held; printf "GET / HTTP/1.0\\r\\n\\r\\n" >&3; cat <&3'
      const holding = start('bash', ['-c', hold], { netns: site.client })
      await sleep(1000)

      await drain('keep')
      const kept = await request('172.16.0.50', 4)
      await daemon.stop('SIGKILL')
      await daemon.start()
      type Servers = { services: { servers: { name: string; code: string }[] }[] }
      const { services } = await daemon.ask<Servers>('GET', 'status')
      const code = services[0]?.servers.find(({ name }) => name === own)?.code ?? ''
      const restarted = { table: await table(), code }
      await daemon.ask('DELETE', `overrides/${own}?who=test`)
      await daemon.until('it is back', async () => !(await table()).includes('-w 0'))

      await sh('echo 1 >/proc/sys/net/ipv4/vs/expire_nodest_conn', { netns: site.director })
      const refused = await drain('move')
      await sh('echo 0 >/proc/sys/net/ipv4/vs/expire_nodest_conn', { netns: site.director })
      const program = `${root}/out/test/traffic/steady-client.js`
      const client = start(process.execPath, [program, '172.16.0.101', '80', '2'], { netns: site.client })
      await client.waitFor('running')
      await sleep(2000)
      await drain('move')
      await daemon.until('the client has left', async () => (await request('172.16.0.50'))[0] === other)
      await sleep(6000) // another moment out of the table
      const movedTo = await request('172.16.0.50', 4)
      const stays = await request('172.16.0.51', 4)
      await sh('echo >/tmp/director-held')
      const held = (await holding.exited).stdout.split('\r\n\r\n')[1]?.split(' ')[0] ?? ''
      const { stdout } = await client.stop('SIGTERM')
      const steady = (JSON.parse(stdout.split('\n')[1] ?? '') as [number, string][]).map(([, reply]) => reply)
      await daemon.stop()
      return { own, other, kept, restarted, movedTo, steady, held, stays, refused }
    },
    undefined,
    { timeoutMs: 380_000 },
  )
}, 400_000)
afterAll(() => lab.close())

const four = (name: string): string[] => Array.from({ length: 4 }, () => name)

test('keep: its clients stay, also over a kill -9 of the daemon', () => {
  expect(seen.own).not.toBe(seen.other)
  expect(seen.kept).toEqual(four(seen.own))
  expect(seen.restarted.code).toBe('draining')
  expect(seen.restarted.table.match(/-w 0$/gm)).toHaveLength(1)
})

test('move: its clients leave, no request fails, and clients of other servers stay', () => {
  expect(seen.movedTo).toEqual(four(seen.other))
  expect(new Set(seen.steady)).toEqual(new Set([seen.own, seen.other]))
  expect(seen.steady.at(-1)).toBe(seen.other)
  expect(seen.stays).toEqual(four(seen.other))
})

test('move: an open connection lives on', () => {
  expect(seen.held).toBe(seen.own)
})

test('move is refused where the kernel would end open connections', () => {
  expect(seen.refused.error).toMatch(/expire_nodest_conn is not 0/)
})
