// A network namespace whose name is deleted and reused while a handle is open.
import { afterAll, beforeAll, expect, test } from 'vitest'

import type { Lab } from '../lab/client.ts'
import { connectKernel } from './kernel.ts'

let lab: Lab
beforeAll(async () => {
  lab = await connectKernel()
})
afterAll(() => lab.close())

test('all calls of a handle stay in its namespace, and namespaceStatus() reports the path', async () => {
  const seen = await lab.run(
    async ({ ipvs: { FirewallMarks, Ipvs }, netns, sh, sleep }) => {
      const { name, path } = await netns()
      // A datagram to a virtual service creates a connection that stays for minutes.
      const connect = 'ip addr add 10.9.9.9/32 dev lo; echo hello > /dev/udp/10.9.9.9/53'
      await sh('ipvsadm -R', {
        netns: name,
        input: '-A -f 1 -s rr\n-A -u 10.9.9.9:53 -s rr\n-a -u 10.9.9.9:53 -r 10.9.9.9:5353 -m\n',
      })
      await sh(`bash -c '${connect}'`, { netns: name })
      await sleep(2500) // the kernel updates its counters every 2 seconds
      const [ipvs, marks] = [await Ipvs.open({ netns: path }), await FirewallMarks.open({ netns: path })]
      await marks.add({ mark: 2, address: '10.9.9.9', protocol: 'tcp', ports: [80] })
      const look = async () => {
        const connections = []
        for await (const { virtual } of ipvs.connections()) connections.push(virtual?.address)
        return {
          status: [await ipvs.namespaceStatus(), await marks.namespaceStatus()],
          services: (await ipvs.listServices()).length,
          connections,
          table: (await ipvs.connectionTable()).length,
          total: Number((await ipvs.statistics()).connections),
          marks: (await marks.list()).map(({ mark }) => mark),
          allocated: await marks.allocateMark(),
        }
      }
      const before = await look()
      await sh(`ip netns delete ${name}`)
      const missing = await look()
      await sh(`ip netns add ${name} && ip -n ${name} link set lo up`)
      const replaced = await look()
      const another = await Ipvs.open({ netns: path })
      const there = { status: await another.namespaceStatus(), services: (await another.listServices()).length }
      const own = await Ipvs.open()
      const ownStatus = await own.namespaceStatus()
      await Promise.all([ipvs.close(), marks.close(), another.close(), own.close()])
      const closed = await ipvs.namespaceStatus().catch(({ code }: { code: string }) => code)
      return { before, missing, replaced, there, ownStatus, closed }
    },
    undefined,
    { timeoutMs: 110_000 },
  )
  const inside = { services: 2, connections: ['10.9.9.9'], table: 1, total: 1, marks: [2] }
  expect(seen.before).toEqual({ ...inside, status: ['current', 'current'], allocated: 3 })
  expect(seen.missing).toEqual({ ...inside, status: ['missing', 'missing'], allocated: 4 })
  expect(seen.replaced).toEqual({ ...inside, status: ['replaced', 'replaced'], allocated: 5 })
  expect(seen.there).toEqual({ status: 'current', services: 0 })
  expect(seen.ownStatus).toBe('current')
  expect(seen.closed).toBe('ERR_IPVS_CLOSED')
})

test('1,000 handles leave no descriptor, no thread and no namespace behind', async () => {
  const seen = await lab.run(
    async ({ ipvs: { FirewallMarks, Ipvs }, import: load, netns, sh, sleep }) => {
      const { readdirSync } = await load<typeof import('node:fs')>('node:fs')
      const { name, path } = await netns()
      const count = () => ['fd', 'task'].map((what) => readdirSync(`/proc/self/${what}`).length)
      const round = async () => {
        await (await Ipvs.open({ netns: path })).close()
        await (await FirewallMarks.open({ netns: path })).close()
        await Ipvs.open({ netns: `${path}-none` }).catch(() => undefined)
      }
      await round()
      const before = count()
      for (let i = 0; i < 500; i++) await round()
      // The kernel lists a joined thread until it has released it.
      for (let tries = 0; tries < 50 && count().join() !== before.join(); tries++) await sleep(20)
      const after = count()
      const inode = await sh(`stat -Lc %i ${path}`)
      await sh(`ip netns delete ${name}`)
      const left = await sh(`readlink /proc/${process.pid}/fd/* | grep -cF "net:[${inode.trim()}]" || true`)
      await sh(`ip netns add ${name}`)
      return { before, after, left: left.trim() }
    },
    undefined,
    { timeoutMs: 110_000 },
  )
  expect(seen.after).toEqual(seen.before)
  expect(seen.left).toBe('0')
})

test('watching ends when the name is reused', async () => {
  const seen = await lab.run(
    async ({ netns, root, sh, start }) => {
      const { name } = await netns()
      const watched = async (change: string) => {
        const watching = start('node', [`${root}/dist/cli.cjs`, 'list', '--json', '--watch', '1', '--netns', name])
        await watching.waitFor('[]')
        await sh(change)
        const { status, stderr } = await watching.exited
        return { status, stderr }
      }
      const replaced = await watched(`ip netns delete ${name} && ip netns add ${name}`)
      const missing = await watched(`ip netns delete ${name}`)
      await sh(`ip netns add ${name}`)
      return { replaced, missing }
    },
    undefined,
    { timeoutMs: 110_000 },
  )
  expect(seen.replaced).toEqual({
    status: 1,
    stderr: 'ipvs: the network namespace was deleted and its name reused; start again to watch the new one\n',
  })
  expect(seen.missing).toEqual({ status: 1, stderr: 'ipvs: the network namespace was deleted\n' })
})
