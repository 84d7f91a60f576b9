// Batches on a real kernel: their results match the table of ipvsadm.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import type { Lab } from '../lab/client.ts'
import { connectKernel } from './kernel.ts'

let lab: Lab
beforeAll(async () => {
  lab = await connectKernel()
})
afterAll(() => lab.close())

const patient = { timeoutMs: 110_000 }

test('100,000 items, each depending on the previous one', async () => {
  const seen = await lab.run(
    async ({ ipvs: { Ipvs }, netns }) => {
      const { path } = await netns()
      const ipvs = await Ipvs.open({ netns: path, timeoutMs: 60_000 })
      // One service stays: with the first and last service of a namespace the kernel registers and unregisters hooks, which is slow.
      await ipvs.addService({ fwmark: 100_000, scheduler: 'rr' })
      const progress: number[] = []
      function* operations() {
        for (let fwmark = 1; fwmark <= 50_000; fwmark++) {
          const service = { fwmark }
          yield { operation: 'addService' as const, service: { fwmark, scheduler: 'rr' } }
          yield { operation: 'removeService' as const, service }
        }
      }
      const result = await ipvs.batch(operations(), { onProgress: ({ done }) => progress.push(done) })
      const left = await ipvs.listServices()
      await ipvs.close()
      const rising = progress.every((done, index) => done > (progress[index - 1] ?? 0))
      return { result, left: left.length, rising, last: progress.at(-1) }
    },
    undefined,
    patient,
  )
  expect(seen.result).toEqual({ applied: 100_000, failures: [], done: 100_000 })
  expect(seen).toMatchObject({ left: 1, rising: true, last: 100_000 })
})

describe('failures', () => {
  test.each([
    ['the first', [1]],
    ['the last', [1000]],
    ['at datagram boundaries', [127, 128, 129, 256, 257]],
    ['every one', Array.from({ length: 1000 }, (_, index) => index + 1)],
  ])('%s', async (_, existing) => {
    const seen = await lab.run(
      async ({ ipvs: { Ipvs }, netns, sh }, marks: readonly number[]) => {
        const { name, path } = await netns()
        const ipvs = await Ipvs.open({ netns: path })
        await ipvs.addServices(marks.map((fwmark) => ({ fwmark, scheduler: 'wrr' })))
        const all = Array.from({ length: 1000 }, (__, index) => ({ fwmark: index + 1, scheduler: 'rr' }))
        const { applied, done, failures } = await ipvs.addServices(all)
        await ipvs.close()
        const saved = await sh('ipvsadm -Sn', { netns: name })
        return {
          applied,
          done,
          failed: failures.map(({ index, error }) => `${index} ${error.code} ${error.target}`),
          added: saved.match(/-s rr$/gm)?.length ?? 0,
          existing: saved.match(/-s wrr$/gm)?.length ?? 0,
        }
      },
      existing,
      patient,
    )
    expect(seen).toMatchObject({ applied: 1000 - existing.length, done: 1000 })
    expect(seen).toMatchObject({ added: 1000 - existing.length, existing: existing.length })
    expect(seen.failed).toEqual(existing.map((mark) => `${mark - 1} ERR_IPVS_SERVICE_EXISTS FWM ${mark} ipv4`))
  })

  test('of all kinds, each with its item', async () => {
    const seen = await lab.run(async ({ ipvs: { Ipvs }, netns, sh }) => {
      const { name, path } = await netns()
      const ipvs = await Ipvs.open({ netns: path })
      const [here, gone] = [{ fwmark: 7 }, { fwmark: 8 }]
      const server = { address: '10.0.0.7' }
      const { applied, failures } = await ipvs.batch([
        { operation: 'addService', service: { ...here, scheduler: 'rr' } },
        { operation: 'addService', service: { ...gone, scheduler: 'nosuch' } },
        { operation: 'addDestination', service: gone, destination: server },
        { operation: 'addDestination', service: here, destination: server },
        { operation: 'addDestination', service: here, destination: server },
        { operation: 'updateDestination', service: here, destination: { address: '10.0.0.8' }, patch: { weight: 3 } },
        { operation: 'updateDestination', service: here, destination: server, patch: { weight: 3 } },
        { operation: 'updateService', service: gone, patch: { scheduler: 'rr' } },
        { operation: 'updateService', service: gone, patch: { schedulerFlags: ['sh-port'] } },
        { operation: 'updateService', service: here, patch: { schedulerFlags: ['sh-port'] } },
        { operation: 'removeDestination', service: here, destination: { address: '10.0.0.8' } },
        { operation: 'zeroCounters', service: gone },
      ])
      await ipvs.close()
      return {
        applied,
        failed: failures.map(({ index, error }) => `${index} ${error.code}`),
        saved: await sh('ipvsadm -Sn', { netns: name }),
      }
    })
    expect(seen.failed).toEqual([
      '1 ERR_IPVS_SCHEDULER_NOT_FOUND',
      '2 ERR_IPVS_SERVICE_NOT_FOUND',
      '4 ERR_IPVS_DESTINATION_EXISTS',
      '5 ERR_IPVS_DESTINATION_NOT_FOUND',
      '7 ERR_IPVS_SERVICE_NOT_FOUND',
      '8 ERR_IPVS_SERVICE_NOT_FOUND',
      '9 ERR_IPVS_INVALID_ARGUMENT',
      '10 ERR_IPVS_DESTINATION_NOT_FOUND',
      '11 ERR_IPVS_SERVICE_NOT_FOUND',
    ])
    expect(seen.applied).toBe(3)
    expect(seen.saved).toBe('-A -f 7 -s rr\n-a -f 7 -r 10.0.0.7:0 -g -w 3\n')
  })

  test('stopOnError: nothing after the first failure', async () => {
    const seen = await lab.run(async ({ ipvs: { Ipvs }, netns, sh }) => {
      const { name, path } = await netns()
      const ipvs = await Ipvs.open({ netns: path })
      await ipvs.addService({ fwmark: 700, scheduler: 'wrr' })
      const all = Array.from({ length: 3000 }, (_, index) => ({ fwmark: index + 1, scheduler: 'rr' }))
      const { applied, done, failures } = await ipvs.addServices(all, { stopOnError: true })
      await ipvs.close()
      const saved = await sh('ipvsadm -Sn', { netns: name })
      return { applied, done, failed: failures.map(({ index }) => index), theirs: saved.match(/-s rr$/gm)?.length }
    })
    expect(seen).toEqual({ applied: 699, done: 700, failed: [699], theirs: 699 })
  })
})

test('a signal in the middle: the table matches the error, and the handle stays usable', async () => {
  const seen = await lab.run(
    async ({ ipvs: { Ipvs, IpvsError }, netns, sh }) => {
      const { name, path } = await netns()
      const ipvs = await Ipvs.open({ netns: path, timeoutMs: 60_000 })
      const all = Array.from({ length: 50_000 }, (_, index) => ({ fwmark: index + 1, scheduler: 'rr' }))
      const controller = new AbortController()
      const onProgress = ({ done }: { done: number }) => {
        if (done >= 1000) controller.abort('enough')
      }
      const error = await ipvs.addServices(all, { signal: controller.signal, onProgress }).catch((it: unknown) => it)
      if (!(error instanceof IpvsError) || error.batch === undefined) throw error
      const { code, outcome, cause, batch } = error
      const theirs = Number(await sh('ipvsadm -Sn | wc -l', { netns: name }))
      const rest = await ipvs.addServices(all.slice(batch.done, batch.done + 10))
      await ipvs.close()
      return { code, outcome, cause, batch, theirs, rest: rest.applied }
    },
    undefined,
    patient,
  )
  expect(seen).toMatchObject({ code: 'ERR_IPVS_ABORTED', outcome: 'partial', cause: 'enough', rest: 10 })
  expect(seen.batch).toEqual({ applied: seen.theirs, failures: [], done: seen.theirs })
  expect(seen.theirs).toBeGreaterThanOrEqual(1000)
  expect(seen.theirs).toBeLessThan(50_000)
})

// Each refusal is a separate reply; the smallest receive queue has room for three.
test('more refusals than the receive queue holds: none counts as success', async (context) => {
  if (lab.mode === 'direct') context.skip('it would change net.core.rmem_default of this host')
  const seen = await lab.run(
    async ({ ipvs: { Ipvs }, netns, sh }) => {
      const { name, path } = await netns()
      const before = (await sh('sysctl -n net.core.rmem_default')).trim()
      await sh('sysctl -w net.core.rmem_default=2304')
      try {
        const ipvs = await Ipvs.open({ netns: path })
        const all = Array.from({ length: 400 }, (_, index) => ({ fwmark: index + 1, scheduler: 'rr' }))
        const added = await ipvs.addServices(all) // no refusals: one reply per datagram
        // Every second service does not exist.
        const mixed = all.flatMap(({ fwmark }) => [{ fwmark }, { fwmark: fwmark + 1000 }])
        const zeroed = await ipvs.batch(mixed.map((service) => ({ operation: 'zeroCounters' as const, service })))
        const removed = await ipvs.removeServices(all)
        const left = await ipvs.listServices()
        await ipvs.close()
        return {
          added: added.applied,
          zeroed: {
            sum: zeroed.applied + zeroed.failures.length,
            outcomes: zeroed.failures.map((it) => it.error.outcome),
          },
          wrong: zeroed.failures.filter(({ index, error }) => index % 2 === 0 && error.outcome !== 'unknown').length,
          missed: mixed.length / 2 - zeroed.failures.filter(({ index }) => index % 2 === 1).length,
          removed: removed.applied,
          left: left.length,
          saved: await sh('ipvsadm -Sn', { netns: name }),
        }
      } finally {
        await sh(`sysctl -w net.core.rmem_default=${before}`)
      }
    },
    undefined,
    patient,
  )
  expect(seen).toMatchObject({ added: 400, removed: 400, left: 0, saved: '', wrong: 0, missed: 0 })
  expect(seen.zeroed.sum).toBe(800)
  expect(seen.zeroed.outcomes).toContain('unknown')
})

test('all weights of one service in one batch', async () => {
  const seen = await lab.run(
    async ({ ipvs: { Ipvs }, netns, sh }) => {
      const { name, path } = await netns()
      const ipvs = await Ipvs.open({ netns: path, timeoutMs: 60_000 })
      const service = { fwmark: 7 }
      const servers = Array.from({ length: 1500 }, (_, i) => ({
        address: `10.1.${i >> 8}.${i & 255}`,
        upperThreshold: i,
      }))
      await ipvs.addService({ ...service, scheduler: 'rr' })
      const { applied } = await ipvs.addDestinations(service, servers)
      const patches = servers.map((destination) => ({
        operation: 'updateDestination' as const,
        service,
        destination,
        patch: { weight: 5 },
      }))
      const updated = await ipvs.batch(patches)
      const table = await ipvs.destinationTable(service)
      const [weights, thresholds] = [await table.column('weight'), await table.column('upperThreshold')]
      await ipvs.close()
      const order = (a: number, b: number) => a - b
      return {
        applied,
        updated: [updated.applied, updated.failures.length],
        weights: [...new Set(weights)],
        thresholds: thresholds.toSorted(order).every((value, index) => value === index),
        theirs: Number(await sh('ipvsadm -Sn | grep -c -- "-w 5$"', { netns: name })),
      }
    },
    undefined,
    patient,
  )
  expect(seen).toEqual({ applied: 1500, updated: [1500, 0], weights: [5], thresholds: true, theirs: 1500 })
})

test('flush of one family keeps the other family', async () => {
  const seen = await lab.run(async ({ ipvs: { Ipvs }, netns, sh }) => {
    const { name, path } = await netns()
    const ipvs = await Ipvs.open({ netns: path })
    const marks = Array.from({ length: 500 }, (_, index) => index + 1)
    for (const family of ['ipv4', 'ipv6'] as const) {
      await ipvs.addServices(marks.map((fwmark) => ({ fwmark, family, scheduler: 'rr' })))
    }
    await ipvs.flush({ family: 'ipv6' })
    const saved = await sh('ipvsadm -Sn', { netns: name })
    await ipvs.flush()
    const left = await ipvs.listServices()
    await ipvs.close()
    return {
      four: saved.match(/^-A -f \d+ -s rr$/gm)?.length,
      six: saved.match(/ -6/g)?.length ?? 0,
      left: left.length,
    }
  })
  expect(seen).toEqual({ four: 500, six: 0, left: 0 })
})

test('tables have the same rows as lists', async () => {
  const seen = await lab.run(
    async ({ ipvs: { Ipvs }, netns }) => {
      const { path } = await netns()
      const ipvs = await Ipvs.open({ netns: path, timeoutMs: 60_000 })
      const marks = Array.from({ length: 3000 }, (_, index) => index + 1)
      const added = await ipvs.batch(
        marks.flatMap((fwmark) => [
          { operation: 'addService' as const, service: { fwmark, scheduler: 'rr' } },
          ...Array.from({ length: fwmark % 3 }, (_, index) => ({
            operation: 'addDestination' as const,
            service: { fwmark },
            destination: { address: `10.0.0.${index + 1}` },
          })),
        ]),
      )
      const [table, list] = [await ipvs.serviceTable(), await ipvs.listServices()]
      const [tree, snapshot] = [await ipvs.snapshotTable(), await ipvs.snapshot()]
      const own = await ipvs.destinationTable({ fwmark: 2 })
      const same = (left: unknown, right: unknown) =>
        JSON.stringify(left, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value)) ===
        JSON.stringify(right, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value))
      await ipvs.close()
      return {
        added: added.failures.length,
        lengths: [table.length, list.length, tree.length, snapshot.length, own.length],
        services: same([...table], list),
        rows: same([...tree], snapshot),
        destinations: snapshot.every(({ fwmark, destinations }) => destinations.length === (fwmark ?? 0) % 3),
        column: same(
          await tree.column('fwmark'),
          snapshot.map(({ fwmark }) => fwmark),
        ),
        last: same(tree.at(-1), snapshot.at(-1)),
      }
    },
    undefined,
    patient,
  )
  const all = { services: true, rows: true, destinations: true, column: true, last: true }
  expect(seen).toEqual({ added: 0, lengths: [3000, 3000, 3000, 3000, 2], ...all })
})
