// Batches that end early, at any point: the reported outcome of each item matches the table of ipvsadm, and resuming at `done`
// completes the table.
import { afterAll, beforeAll, expect, test } from 'vitest'

import type { Lab } from '../lab/client.ts'
import { connectKernel } from './kernel.ts'

let lab: Lab
beforeAll(async () => {
  lab = await connectKernel()
})
afterAll(() => lab.close())

const patient = { timeoutMs: 110_000 }

test.each(['time-outs', 'aborts', 'close()'])('%s', async (how) => {
  const seen = await lab.run(
    async ({ ipvs: { Ipvs, IpvsError }, netns, sh }, way: string) => {
      const { name, path } = await netns()
      const marks = async () => new Set((await sh('ipvsadm -Sn', { netns: name })).match(/(?<=-f )\d+/g)?.map(Number))
      const all = Array.from({ length: 3000 }, (_, index) => ({ fwmark: index + 1, scheduler: 'rr' }))
      const wrong: string[] = []
      const ends: string[] = []
      for (let round = 0; round < 8; round++) {
        // Adding the first service of a namespace is slow: the kernel registers hooks.
        const timeoutMs = way === 'time-outs' ? 5 + round * 15 : 60_000
        const first = await Ipvs.open({ netns: path })
        await first.flush()
        await first.addService({ fwmark: 100_000, scheduler: 'rr' })
        await first.close()
        const ipvs = await Ipvs.open({ netns: path, timeoutMs: 60_000 })
        await ipvs.info()
        await ipvs.close()
        const hasty = await Ipvs.open({ netns: path, timeoutMs }).catch(() => undefined)
        if (hasty === undefined) continue // opening already timed out
        const controller = new AbortController()
        const act = { aborts: () => controller.abort(), 'close()': () => void hasty.close() }[way]
        // In the middle of the batch: some further blocks are already sent, some are not.
        const onProgress = ({ done }: { done: number }) => void (done > round * 40 && act?.())
        const items = round % 2 === 0 ? all : all.values()
        const result = await hasty
          .addServices(items, { signal: controller.signal, onProgress })
          .catch((error: unknown) => {
            if (!(error instanceof IpvsError) || error.batch === undefined) throw error
            ends.push(error.code)
            return error.batch
          })
        await hasty.close()
        const there = await marks()
        const outcomes = new Map(result.failures.map(({ index, error }) => [index, error.outcome]))
        for (const [index, { fwmark }] of all.entries()) {
          const outcome = index >= result.done ? 'not sent' : (outcomes.get(index) ?? 'applied')
          if (outcome !== 'unknown' && (outcome === 'applied') !== there.has(fwmark))
            wrong.push(`${round}: ${index} ${outcome}`)
        }
        const again = await Ipvs.open({ netns: path, timeoutMs: 60_000 })
        const rest = await again.addServices(all.slice(result.done))
        if (rest.failures.length > 0) wrong.push(`${round}: ${rest.failures.length} of the rest failed`)
        await again.close()
      }
      return { wrong: wrong.slice(0, 10), ends: [...new Set(ends)] }
    },
    how,
    patient,
  )
  const codes: Readonly<Record<string, string>> = { 'time-outs': 'TIMEOUT', aborts: 'ABORTED', 'close()': 'CLOSED' }
  expect(seen).toEqual({ wrong: [], ends: [`ERR_IPVS_${codes[how]}`] })
})

test('a terminated worker thread: the applied items are a prefix of the batch', async () => {
  const seen = await lab.run(
    async ({ netns, node, sh }) => {
      const { name, path } = await netns()
      const worker = `
        import { parentPort, workerData } from 'node:worker_threads'
        import { Ipvs } from 'ipvs'
        const ipvs = await Ipvs.open({ netns: workerData, timeoutMs: 60_000 })
        await ipvs.addService({ fwmark: 100_000, scheduler: 'rr' })
        parentPort.postMessage('up')
        await ipvs.addServices(Array.from({ length: 20_000 }, (_, index) => ({ fwmark: index + 1, scheduler: 'rr' })))`
      const program = `
        import { Worker } from 'node:worker_threads'
        const worker = new Worker(${JSON.stringify(worker)}, { eval: true, workerData: ${JSON.stringify(path)} })
        await new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject))
        await new Promise((resolve) => setTimeout(resolve, Math.random() * 600))
        await worker.terminate()`
      const found: [number, number][] = []
      for (let round = 0; round < 5; round++) {
        const { status, stderr } = await node(program)
        if (status !== 0) throw new Error(`status ${status}: ${stderr}`)
        const saved = await sh('ipvsadm -Sn', { netns: name })
        const marks = (saved.match(/(?<=-f )\d+/g) ?? []).map(Number).filter((mark) => mark < 100_000)
        found.push([marks.length, Math.max(0, ...marks)])
        await sh('ipvsadm -C', { netns: name })
      }
      return found
    },
    undefined,
    patient,
  )
  for (const [count, highest] of seen) expect(highest).toBe(count)
  expect(seen.some(([count]) => count > 0)).toBe(true)
})
