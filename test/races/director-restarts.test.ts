// kill -9 of the director: the program at system calls of an apply, the daemon at any moment while clients never stop.
import { afterAll, beforeAll, expect, test } from 'vitest'

import type { Lab } from '../lab/client.ts'
import { connectKernel } from '../integration/kernel.ts'

let lab: Lab
beforeAll(async () => {
  lab = await connectKernel()
})
afterAll(() => lab.close())

/** A part of what `npm run test:director-kills` does. */
const POINTS = 2

test('killed at a system call of an apply: all is recorded that is ours, and the next start is exact', async () => {
  const seen = await lab.run(
    async ({ netns, run, sh, root }, points) => {
      await sh('cc -O2 -shared -fPIC -o /tmp/effects.so test/faults/director/effects.c -ldl')
      const program = `${root}/out/test/faults/director/kills.js`
      const args = [program, '/tmp/effects.so', '/tmp/director-kills.json', '5', String(points)]
      const { status, stderr } = await run(process.execPath, args, { netns: await netns() })
      const result = await sh('cat /tmp/director-kills.json || echo {}')
      return { status, stderr, ...(JSON.parse(result) as { killed: number; findings: unknown[] }) }
    },
    POINTS,
    { timeoutMs: 560_000 },
  )
  expect(seen).toMatchObject({ status: 0, findings: [], killed: POINTS })
}, 600_000)

/** DIRECTOR_KILLS=20 kills more often. */
const KILLS = Number(process.env['DIRECTOR_KILLS'] ?? 3)

test('the daemon killed at random moments: no request fails, no start changes anything', async () => {
  const seen = await lab.run(
    async (context, kills) => {
      const { sh, sleep, start, root } = context
      const load = async <Module>(name: string) => context.import<Module>(`./out/test/traffic/${name}.js`)
      const { daemonOnSite } = await load<typeof import('../traffic/daemon.ts')>('daemon')
      const { site, daemon } = await daemonOnSite(context)
      await daemon.write(`version: 1
defaults: { forwarding: masquerade, check: { interval: 500ms, timeout: 1s, rise: 2, fall: 3 } }
services:
  shop:
    virtual: { address: 172.16.0.100, protocol: tcp, ports: [80, 443] }
    scheduler: wrr
    servers:
      - { name: web7, address: 10.0.0.7 }
      - { name: web17, address: 10.0.0.17, weight: 2 }
    checks: [{ http: { port: 80, path: / } }]
`)
      const begun = Date.now()
      await daemon.start()
      const startMs = Date.now() - begun
      await daemon.served()
      const table = async () => sh('ipvsadm -Sn', { netns: site.director })
      const before = await table()
      const program = `${root}/out/test/traffic/steady-client.js`
      const client = start(process.execPath, [program, '172.16.0.100', '80', '20'], { netns: site.client })
      await client.waitFor('running')
      const clientBegun = Date.now()
      const applied: string[] = []
      const plans: (readonly string[])[] = []
      const changedTables: string[] = []
      const moments: number[] = []
      for (let kill = 0; kill < kills; kill++) {
        const ended = await daemon.stop('SIGKILL')
        applied.push(...(ended?.stdout ?? '').split('\n').filter((line) => kill > 0 && line.includes('"applied"')))
        if ((await table()) !== before) changedTables.push(await table())
        daemon.launch()
        const launched = Date.now()
        // Every second one is asked before it dies; the next dies at any moment of its start.
        if (kill % 2 === 0) {
          await daemon.ready()
          plans.push((await daemon.ask<{ changes: string[] }>('GET', 'plan')).changes)
          await sleep(Math.random() * 1000)
        } else await sleep(Math.random() * startMs)
        moments.push(Date.now() - launched)
      }
      await daemon.ready()
      plans.push((await daemon.ask<{ changes: string[] }>('GET', 'plan')).changes)
      const seconds = (Date.now() - clientBegun) / 1000
      const { stdout } = await client.stop('SIGTERM')
      const last = await daemon.stop()
      applied.push(...(last?.stdout ?? '').split('\n').filter((line) => line.includes('"applied"')))
      const replies: Record<string, number> = {}
      for (const [, reply] of JSON.parse(stdout.split('\n')[1] ?? '') as [number, string][])
        replies[reply] = (replies[reply] ?? 0) + 1
      return { applied, plans, changedTables, moments, replies, seconds, after: (await table()) === before }
    },
    KILLS,
    { timeoutMs: 560_000 },
  )
  console.log(
    `${KILLS} kills, ${JSON.stringify(seen.replies)} in ${seen.seconds} s, lifetimes ${seen.moments.join(', ')} ms`,
  )
  expect(Object.keys(seen.replies).toSorted()).toEqual(['server-17', 'server-7'])
  expect(seen).toMatchObject({ applied: [], changedTables: [], after: true })
  expect(seen.plans.length).toBeGreaterThan(KILLS / 2)
  expect(seen.plans.flat()).toEqual([])
}, 600_000)
