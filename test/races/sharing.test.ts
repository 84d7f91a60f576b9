// Concurrent changes of one table by handles of one process, worker threads, and ipvsadm. Each gets its own results.
import { afterAll, beforeAll, expect, test } from 'vitest'

import type { Lab } from '../lab/client.ts'
import { connectKernel } from '../integration/kernel.ts'

let lab: Lab
beforeAll(async () => {
  lab = await connectKernel()
})
afterAll(() => lab.close())

test('handles of one process: each gets the results of its own calls', async () => {
  const seen = await lab.run(async ({ ipvs: { Ipvs }, netns }) => {
    const { path } = await netns()
    const handles = await Promise.all(Array.from({ length: 5 }, () => Ipvs.open({ netns: path })))
    // All add the same 100 services, and each adds 100 services of its own.
    const adding = handles.map((ipvs, index) =>
      Array.from({ length: 100 }, (_, i) => [
        ipvs.addService({ fwmark: 1 + i, scheduler: 'rr' }),
        ipvs.addService({ fwmark: 1000 * (index + 1) + i, scheduler: 'rr' }),
      ]).flat(),
    )
    const outcomes = await Promise.all(adding.map((calls) => Promise.allSettled(calls)))
    const codes = new Map<string, number>()
    for (const outcome of outcomes.flat()) {
      const code = outcome.status === 'fulfilled' ? 'done' : (outcome.reason as { code: string }).code
      codes.set(code, (codes.get(code) ?? 0) + 1)
    }
    const lists = await Promise.all(handles.map((ipvs) => ipvs.listServices()))
    const marks = lists.map((list) => new Set(list.map(({ fwmark }) => fwmark)).size)
    await Promise.all(handles.map((ipvs) => ipvs.close()))
    return { codes: Object.fromEntries(codes), lengths: lists.map(({ length }) => length), marks }
  })
  expect(seen.codes).toEqual({ done: 600, ERR_IPVS_SERVICE_EXISTS: 400 })
  expect(seen.lengths).toEqual([600, 600, 600, 600, 600])
  expect(seen.marks).toEqual(seen.lengths)
})

test('worker threads: each opens its own handles, in its own namespaces, and ends', async () => {
  const seen = await lab.run(
    async ({ ipvs: { Ipvs }, netns, node }) => {
      const shared = await netns()
      const own = [await netns(), await netns(), await netns()]
      const work = `
        const { parentPort, workerData: { shared, own, index } } = require('node:worker_threads')
        import('ipvs').then(async ({ Ipvs }) => {
          const [together, alone] = [await Ipvs.open({ netns: shared }), await Ipvs.open({ netns: own })]
          for (let i = 0; i < 20; i++) {
            const fwmark = 100 * (index + 1) + i
            await Promise.all([together, alone].map((ipvs) => ipvs.addService({ fwmark, scheduler: 'rr' })))
            await together.updateService({ fwmark }, { persistence: { timeoutSeconds: fwmark } })
          }
          const left = await alone.snapshot()
          await Promise.all([together.close(), alone.close()])
          parentPort.postMessage(left.map(({ fwmark }) => fwmark).sort())
        })`
      const program = `
        import { once } from 'node:events'
        import { Worker } from 'node:worker_threads'
        const { work, shared, own } = JSON.parse(process.argv.at(-1))
        const results = await Promise.all(own.map(async (path, index) => {
          const worker = new Worker(work, { eval: true, execArgv: [], workerData: { shared, own: path, index } })
          // Both at once: Node delivers the last message and the exit in one turn if it is late.
          const [[marks], [status]] = await Promise.all([once(worker, 'message'), once(worker, 'exit')])
          return { marks, status }
        }))
        console.log(JSON.stringify(results))`
      const paths = { work, shared: shared.path, own: own.map(({ path }) => path) }
      const ended = await node(program, { args: [JSON.stringify(paths)] })
      const ipvs = await Ipvs.open({ netns: shared.path })
      const services = await ipvs.listServices()
      await ipvs.close()
      return { ended, timeouts: services.map((each) => [each.fwmark, each.persistence?.timeoutSeconds]) }
    },
    undefined,
    { timeoutMs: 110_000 },
  )
  const marksOf = (index: number) => Array.from({ length: 20 }, (_, i) => 100 * (index + 1) + i)
  expect({ ...seen.ended, stdout: '' }).toMatchObject({ status: 0, stderr: '' })
  expect(JSON.parse(seen.ended.stdout)).toEqual([0, 1, 2].map((index) => ({ marks: marksOf(index), status: 0 })))
  const all = [0, 1, 2].flatMap(marksOf)
  expect(seen.timeouts.toSorted(([a = 0], [b = 0]) => a - b)).toEqual(all.map((mark) => [mark, mark]))
})

test('in parallel with ipvsadm: our entries stay right, and its entries are listed', async () => {
  const seen = await lab.run(
    async ({ ipvs: { Ipvs }, netns, start, sh, sleep }) => {
      const { name, path } = await netns()
      const lines = Array.from({ length: 50 }, (_, i) => `-A -f ${5000 + i} -s rr\n-a -f ${5000 + i} -r 10.0.0.9 -g\n`)
      const remove = Array.from({ length: 50 }, (_, i) => `-D -f ${5000 + i}\n`)
      const loop = 'while printf %s "$add" | ipvsadm -R && printf %s "$remove" | ipvsadm -R; do :; done'
      const theirs = start('sh', ['-c', loop], { netns: name, env: { add: lines.join(''), remove: remove.join('') } })

      const ipvs = await Ipvs.open({ netns: path })
      let wrong = 0
      for (let round = 1; round <= 30; round++) {
        const [key, address] = [{ fwmark: round }, '10.0.0.1']
        await Promise.all([ipvs.addService({ ...key, scheduler: 'wrr' }), ipvs.addDestination(key, { address })])
        await Promise.all([
          ipvs.updateService(key, { persistence: { timeoutSeconds: 60 + round } }),
          ipvs.updateDestination(key, { address }, { weight: round }),
        ])
        const [service, destinations] = [await ipvs.getService(key), await ipvs.listDestinations(key)]
        const right =
          service.scheduler === 'wrr' &&
          service.persistence?.timeoutSeconds === 60 + round &&
          destinations.length === 1 &&
          destinations[0]?.weight === round &&
          destinations[0].forwarding === 'direct'
        if (!right) wrong++
        if (round % 2 === 0) await ipvs.removeService(key)
      }
      await sleep(10)
      await theirs.stop()
      const errors = theirs.output.stderr
      const listed = (await ipvs.listServices()).map(({ fwmark = 0 }) => fwmark)
      await ipvs.close()
      const saved = [...(await sh('ipvsadm -Sn', { netns: name })).matchAll(/-A -f (\d+)/g)].map(([, mark]) =>
        Number(mark),
      )
      const order = (a: number, b: number) => a - b
      return { wrong, errors, listed: listed.toSorted(order), saved: saved.toSorted(order) }
    },
    undefined,
    { timeoutMs: 110_000 },
  )
  expect(seen).toMatchObject({ wrong: 0, errors: '' })
  expect(seen.listed).toEqual(seen.saved)
  expect(seen.listed.filter((mark) => mark < 5000)).toEqual(Array.from({ length: 15 }, (_, i) => 2 * i + 1))
})

test('a service removed between the read and the write of an update: not found, and never created again', async () => {
  const seen = await lab.run(
    async ({ ipvs: { Ipvs, IpvsError }, netns }) => {
      const { path } = await netns()
      const [updating, removing] = [await Ipvs.open({ netns: path }), await Ipvs.open({ netns: path })]
      const [key, server] = [{ fwmark: 7 }, { address: '10.0.0.7' }]
      const outcomes: Record<string, number> = { updated: 0 }
      let made = 0
      for (let round = 0; round < 60; round++) {
        await removing.addService({ ...key, scheduler: 'sh' })
        await removing.addDestination(key, server)
        const updates = Array.from({ length: 3 }, () => [
          updating.updateService(key, { persistence: { timeoutSeconds: 60 + round } }), // read and written by native code
          updating.updateService(key, { schedulerFlags: ['sh-port'] }), // read first, to check the scheduler
          updating.updateDestination(key, server, { weight: round }),
        ]).flat()
        const settled = Promise.allSettled(updates)
        for (let turn = 0; turn < round % 4; turn++) await updating.getService({ fwmark: 8 }).catch(() => undefined)
        await removing.removeService(key)
        for (const outcome of await settled) {
          const error = outcome.status === 'rejected' ? (outcome.reason as unknown) : undefined
          if (error !== undefined && !(error instanceof IpvsError)) throw error
          const name = error === undefined ? 'updated' : `${error.code} ${error.outcome}`
          outcomes[name] = (outcomes[name] ?? 0) + 1
        }
        made += (await removing.listServices()).length
      }
      await Promise.all([updating.close(), removing.close()])
      return { outcomes, made }
    },
    undefined,
    { timeoutMs: 110_000 },
  )
  expect(seen.made).toBe(0)
  const { updated = 0, ...rejected } = seen.outcomes
  expect(updated).toBeGreaterThan(0)
  // The kernel reports the same for a destination whose service is removed meanwhile.
  expect(Object.keys(rejected)).toEqual(['ERR_IPVS_SERVICE_NOT_FOUND not-applied'])
})
