import { renameSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import type { ProberBatch } from '../../src/health/prober.ts'
import { type Target, probeKey } from '../../src/health/targets.ts'
import { type WorkerEvent, Workers } from '../../src/health/workers.ts'
import type { Check } from '../../src/site/site.ts'
import { common, limits, local } from './support/checks.ts'
import { bundledWorker, splitWorker, workerFrom } from './support/bundle.ts'
import { refusedPort, tcpServer } from './support/servers.ts'

const url = await bundledWorker()
const fast = { intervalMs: 50, whileFailingMs: 20, whileDownMs: 50 }

function target(port: number, settings: Partial<Check> = {}): Target {
  const base = { ...common, ...fast, kind: 'tcp', port, send: undefined, expect: undefined, tls: undefined }
  const check = { ...base, ...settings } as Check
  return { key: probeKey(check, local), check, target: local, known: undefined, everyResult: false }
}

function workers(module: URL = url, count = 1): { made: Workers; events: WorkerEvent[]; batches: ProberBatch[] } {
  const events: WorkerEvent[] = []
  const batches: ProberBatch[] = []
  const made = new Workers({
    count,
    url: module,
    onBatch: (batch) => batches.push(batch),
    onEvent: (event) => events.push(event),
  })
  onTestFinished(async () => {
    await made.close()
  })
  return { made, events, batches }
}

const patience = { timeout: 20_000, interval: 20 }
const accepting = async (): Promise<number> => await tcpServer((socket) => socket.resume())

test('targets come as differences, reports go back, a removed target is forgotten', async () => {
  const { made, batches } = workers()
  const good = target(await accepting())
  const bad = target(await refusedPort())
  made.setTargets([good, bad])
  await vi.waitUntil(() => made.reports.get(bad.key)?.state === 'down', patience)
  await vi.waitUntil(() => made.reports.get(good.key)?.state === 'up', patience)
  expect(made.reports.get(bad.key)).toMatchObject({ reason: 'connection refused (ECONNREFUSED)' })
  expect(made.speaking).toBe(true)
  const { since } = made.reports.get(good.key) ?? {}
  made.setTargets([good])
  expect([...made.reports.keys()]).toEqual([good.key])
  await vi.waitUntil(() => batches.at(-1)?.targets === 1, patience)
  expect(made.reports.get(good.key)?.since).toBe(since)
})

test('one probe now, with its transcript', async () => {
  const { made } = workers()
  const port = await accepting()
  const { check } = target(port)
  expect(await made.probe(check, local)).toMatchObject({
    verdict: 'success',
    transcript: [`* connected to 127.0.0.1:${String(port)}`, '* success: connected'],
  })
})

test('several workers share the targets', async () => {
  const { made, batches } = workers(url, 2)
  const port = await accepting()
  const hosts = Array.from({ length: 8 }, (_, index) => ({ ...local, address: `127.0.0.${String(index + 1)}` }))
  const all = hosts.map((host) => ({ ...target(port), target: host, key: host.address }))
  made.setTargets(all)
  await vi.waitUntil(() => made.reports.size === 8, patience)
  expect(batches.every((batch) => batch.targets < 8)).toBe(true)
})

test('a dead worker is started again, with what was known', async () => {
  const port = await accepting()
  // Reports every target it gets with what was known, and dies on request.
  const module = workerFrom(
    'dying',
    `import { parentPort } from 'node:worker_threads'
     parentPort.on('message', ({ type, add }) => {
       if (type === 'stop') return parentPort.close()
       if (type === 'once') process.exit(7)
       const reports = add.map(({ key, known }) => ({ key, state: 'down', since: known?.since ?? 42, reason: 'r',
         verdict: 'failure', words: known === undefined ? 'first' : 'again', at: 1, agent: undefined }))
       parentPort.postMessage({ type: 'batch', batch: { reports } })
     })`,
  )
  const { made, events } = workers(module)
  const one = target(port)
  made.setTargets([one])
  await vi.waitUntil(() => made.reports.size === 1, patience)
  expect(made.reports.get(one.key)).toMatchObject({ words: 'first', since: 42 })
  expect(await made.probe(one.check, local)).toMatchObject({
    verdict: 'void',
    words: 'the worker died: ended (exit status 7)',
  })
  expect(made.reports.get(one.key)).toMatchObject({ state: 'down', words: 'first' })
  await vi.waitUntil(() => made.reports.get(one.key)?.words === 'again', patience)
  expect(made.reports.get(one.key)).toMatchObject({ state: 'down', since: 42 })
  expect(events).toEqual([{ type: 'died', worker: 0, words: 'ended (exit status 7)' }])
})

test('a worker whose module fails is tried again and again, with growing pauses', async () => {
  const { made, events } = workers(workerFrom('broken', `throw new Error('no such thing')`))
  await vi.waitUntil(() => events.length >= 3, patience)
  expect(events[0]).toEqual({ type: 'died', worker: 0, words: 'no such thing (exit status 1)' })
  expect(await made.probe(target(1).check, local)).toMatchObject({ verdict: 'void' })
})

test('a kind of probe that cannot be loaded at the moment is loaded by another thread', async () => {
  const { dir, url: split } = await splitWorker()
  const [file, away] = [join(dir, 'tcp.mjs'), join(dir, 'away')]
  renameSync(file, away)
  const { made, events } = workers(split)
  const good = target(await accepting())
  made.setTargets([good])
  await vi.waitUntil(() => events.length > 0, patience)
  expect(events[0]).toMatchObject({ type: 'died', words: expect.stringContaining('tcp.mjs') })
  expect(made.reports.get(good.key)?.state ?? 'unknown').toBe('unknown')
  renameSync(away, file)
  await vi.waitUntil(() => made.reports.get(good.key)?.state === 'up', patience)
})

test('a silent worker changes nothing', async () => {
  // Says that a target is up, then blocks for three seconds, then goes on.
  const module = workerFrom(
    'silent',
    `import { parentPort } from 'node:worker_threads'
     const batch = { reports: [] }
     const beat = setInterval(() => parentPort.postMessage({ type: 'batch', batch }), 100)
     parentPort.on('message', ({ type, add }) => {
       if (type === 'stop') { clearInterval(beat); return parentPort.close() }
       const reports = add.map(({ key }) => ({ key, state: 'up', since: 1, reason: '', verdict: 'success', words: 'w', at: 1 }))
       parentPort.postMessage({ type: 'batch', batch: { reports } })
       setTimeout(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 3000), 50)
     })`,
  )
  const { made, events } = workers(module)
  const one = target(await accepting())
  made.setTargets([one])
  await vi.waitUntil(() => events.length === 1, patience)
  expect(events[0]?.type).toBe('silent')
  expect(made.speaking).toBe(false)
  expect(made.reports.get(one.key)).toMatchObject({ state: 'up' })
  await vi.waitUntil(() => events.length === 2, patience)
  expect(events[1]?.type).toBe('speaking')
  expect(made.speaking).toBe(true)
})

test('it ends cleanly with probes in flight, and at once', async () => {
  const { made } = workers()
  const silent = await accepting()
  const settings = { expect: 'never', limits: { ...limits, firstByte: 60_000, total: 60_000 } }
  made.setTargets(Array.from({ length: 20 }, (_, index) => target(silent, { ...settings, send: String(index) })))
  const pending = made.probe(target(silent, settings).check, local)
  await made.close()
  expect(await pending).toMatchObject({ verdict: 'void' })
  await made.close()
})
