// The life of handles and processes: threads that are terminated with calls in flight, processes that exit, handles that
// nobody closes, many at a time, calls that are aborted. Nothing hangs, nothing is left.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { Ipvs, IpvsError } from 'ipvs'
import type { Finding, PartResult } from './results.ts'
import type { Tools } from './sweep.ts'
import { resources, World, type Resources } from './world.ts'

const PATIENCE_MS = 60_000

const calling = (netns: string) => `
  import { Ipvs } from 'ipvs'
  const ipvs = await Ipvs.open({ netns: ${JSON.stringify(netns)} })
  const loop = async () => { for (;;) await ipvs.listServices() }
  void loop()
  void ipvs.addServices(Array.from({ length: 200 }, (_, index) => ({ fwmark: index + 1 })));
`

async function inTime<Value>(what: string, promise: Promise<Value>): Promise<Value> {
  const stop = new AbortController()
  const late = sleep(PATIENCE_MS, undefined, { signal: stop.signal }).then(() => {
    throw new Error(`${what} did not end within ${PATIENCE_MS} ms`)
  })
  late.catch(() => {})
  return Promise.race([promise, late]).finally(() => stop.abort())
}

async function terminate(netns: string): Promise<void> {
  const code = `${calling(netns)}\n(await import('node:worker_threads')).parentPort.postMessage(1)`
  const url = new URL(
    `data:text/javascript,${encodeURIComponent(code.replace("'ipvs'", JSON.stringify(import.meta.resolve('ipvs'))))}`,
  )
  const worker = new Worker(url)
  await once(worker, 'message')
  await inTime('terminate', worker.terminate())
}

async function exit(netns: string): Promise<void> {
  const code = `${calling(netns)}\nsetImmediate(() => process.exit(7))`
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: 'inherit' })
  const [status] = (await inTime('exit', once(child, 'exit'))) as [number | null]
  if (status !== 7) throw new Error(`exit ended with ${status}`)
}

async function open(netns: string): Promise<void> {
  const ipvs = await Ipvs.open({ netns })
  await ipvs.info()
  await ipvs.close()
}

// Threads and descriptors of handles that nobody closes go with them.
async function forget(netns: string): Promise<void> {
  const collect = (globalThis as { gc?: () => void }).gc
  if (collect === undefined) throw new Error('run node with --expose-gc')
  for (let count = 0; count < 20; count++) await Ipvs.open({ netns }).then((ipvs) => ipvs.info())
  for (let tries = 0; tries < 20; tries++) {
    collect()
    await sleep(20)
  }
}

async function many(netns: string): Promise<void> {
  const handles = await Promise.all(Array.from({ length: 50 }, () => Ipvs.open({ netns })))
  await Promise.all(handles.map((ipvs, index) => ipvs.addService({ fwmark: 50_000 + index })))
  const [table] = await Promise.all(handles.map((ipvs) => ipvs.listServices()))
  if ((table?.filter(({ fwmark = 0 }) => fwmark >= 50_000).length ?? 0) !== 50)
    throw new Error('services of 50 handles')
  await Promise.all(handles.map((ipvs, index) => ipvs.removeService({ fwmark: 50_000 + index })))
  await Promise.all(handles.map((ipvs) => ipvs.close()))
}

async function abort(ipvs: Ipvs, index: number): Promise<void> {
  const stop = new AbortController()
  const call = ipvs.listServices({ signal: stop.signal })
  if (index % 3 === 0) stop.abort()
  else if (index % 3 === 1) setImmediate(() => stop.abort())
  else setTimeout(() => stop.abort(), index % 7)
  await inTime('abort', call).catch((error: unknown) => {
    if (!(error instanceof IpvsError) || error.code !== 'ERR_IPVS_ABORTED') throw error
  })
}

async function aborts(netns: string, times: number): Promise<void> {
  const ipvs = await Ipvs.open({ netns })
  for (let index = 0; index < times; index++) await abort(ipvs, index)
  await ipvs.close()
}

/** How often each is done. */
export interface LifeTimes {
  readonly terminated: number
  readonly exited: number
  readonly opened: number
  readonly aborted: number
}

async function settled(before: Resources): Promise<Resources> {
  let now = resources()
  for (let tries = 0; tries < 50 && (now.descriptors > before.descriptors || now.threads > before.threads); tries++) {
    await sleep(20)
    now = resources()
  }
  return now
}

export async function life(tools: Tools, times: LifeTimes): Promise<PartResult> {
  const world = await World.create(`life-${process.pid}`, tools.reader)
  const netns = world.path
  const findings: Finding[] = []
  const trials: readonly (readonly [string, number, (netns: string) => Promise<void>])[] = [
    ['worker terminated', times.terminated, terminate],
    ['process exited', times.exited, exit],
    ['opened', times.opened, open],
    ['forgotten and collected', 1, forget],
    ['50 handles', 1, many],
    ['aborted', 1, (path) => aborts(path, times.aborted)],
  ]
  await terminate(netns) // starts once what stays
  for (const [scenario, count, trial] of trials) {
    const before = resources()
    const add = (trouble: Finding['trouble'], text: string) => findings.push({ trouble, scenario, fault: '', text })
    try {
      for (let index = 0; index < count; index++) await trial(netns)
    } catch (error) {
      add(String(error).includes('did not end') ? 'hang' : 'broken', String(error))
    }
    const now = await settled(before)
    const [descriptors, threads] = [now.descriptors - before.descriptors, now.threads - before.threads]
    if (descriptors > 0 || threads > 0) add('leak', `${descriptors} descriptors, ${threads} threads after ${count}`)
  }
  await world.close()
  return { name: 'life', figures: { ...times }, findings }
}
