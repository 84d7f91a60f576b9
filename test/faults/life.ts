// The life of handles and processes: threads that are terminated with calls in flight, processes that exit or start others,
// handles that nobody closes, many at a time, calls that are aborted. Nothing hangs, nothing is left.
import { fork as forkProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { IpvsError } from 'ipvs'
import { subjectsOf, type Subject } from './life-subjects.ts'
import type { Finding, PartResult } from './results.ts'
import type { Tools } from './sweep.ts'
import { descriptorLinks, resources, World } from './world.ts'

const PATIENCE_MS = 60_000

async function inTime<Value>(what: string, promise: Promise<Value>): Promise<Value> {
  const stop = new AbortController()
  const late = sleep(PATIENCE_MS, undefined, { signal: stop.signal }).then(() => {
    throw new Error(`${what} did not end within ${PATIENCE_MS} ms`)
  })
  late.catch(() => {})
  return Promise.race([promise, late]).finally(() => stop.abort())
}

async function terminate(netns: string, subject: Subject): Promise<void> {
  const code = `${subject.script(netns)}\n(await import('node:worker_threads')).parentPort.postMessage(1)`
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(code)}`))
  await once(worker, 'message')
  await inTime('terminate', worker.terminate())
}

async function exit(netns: string, subject: Subject): Promise<void> {
  const code = `${subject.script(netns)}\nsetImmediate(() => process.exit(7))`
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], {
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  const [status] = (await inTime('exit', once(child, 'exit'))) as [number | null]
  if (status !== 7) throw new Error(`exit ended with ${status}`)
}

// A child that is started in the midst of calls: it has none of the handle's descriptors, works with a handle of its own, and
// goes on when the parent's is closed.
async function fork(netns: string, subject: Subject): Promise<void> {
  const before = new Set(descriptorLinks())
  const handle = await subject.open(netns)
  const ours = descriptorLinks().filter((link) => /^(?:socket|net):/.test(link) && !before.has(link))
  if (ours.length === 0) throw new Error('the handle has no descriptor that a child could inherit')
  const calls = Promise.all(Array.from({ length: 5 }, () => subject.list(handle)))
  const child = forkProcess(join(import.meta.dirname, 'fork-child.js'), [subject.name, netns])
  const [links] = (await inTime('fork', once(child, 'message'))) as [string[]]
  const inherited = ours.filter((link) => links.includes(link))
  if (inherited.length > 0) throw new Error(`inherited by a child: ${inherited.join(', ')}`)
  await inTime('calls beside a fork', calls)
  await handle.close()
  child.send('go on')
  const [status] = (await inTime('the child', once(child, 'exit'))) as [number | null]
  if (status !== 0) throw new Error(`the child ended with ${status}`)
}

async function open(netns: string, subject: Subject): Promise<void> {
  const handle = await subject.open(netns)
  await subject.list(handle)
  await handle.close()
}

// Threads and descriptors of handles that nobody closes go with them.
async function forget(netns: string, subject: Subject): Promise<void> {
  const collect = (globalThis as { gc?: () => void }).gc
  if (collect === undefined) throw new Error('run node with --expose-gc')
  for (let count = 0; count < 20; count++) await subject.open(netns).then((handle) => subject.list(handle))
  for (let tries = 0; tries < 20; tries++) {
    collect()
    await sleep(20)
  }
}

// Tries again as long as it is told that others were faster and nothing was changed.
async function insist(change: () => Promise<unknown>): Promise<void> {
  for (;;) {
    try {
      await change()
      return
    } catch (error) {
      const beaten = error instanceof IpvsError && error.code === 'ERR_IPVS_CONFLICT' && error.outcome === 'not-applied'
      if (!beaten) throw error
    }
  }
}

async function many(netns: string, subject: Subject): Promise<void> {
  const handles = await Promise.all(Array.from({ length: 50 }, () => subject.open(netns)))
  try {
    await Promise.all(handles.map((handle, index) => insist(() => subject.add(handle, 50_000 + index))))
    const [marks = []] = await Promise.all(handles.map((handle) => subject.list(handle)))
    if (marks.filter((mark) => mark >= 50_000).length !== 50) throw new Error('what 50 handles added is not there')
    await Promise.all(handles.map((handle, index) => insist(() => subject.remove(handle, 50_000 + index))))
  } finally {
    await Promise.all(handles.map((handle) => handle.close()))
  }
}

const ABORTS = 10

async function abort(netns: string, subject: Subject): Promise<void> {
  const handle = await subject.open(netns)
  for (let index = 0; index < ABORTS; index++) {
    const stop = new AbortController()
    const call = subject.list(handle, stop.signal)
    if (index % 3 === 0) stop.abort()
    else if (index % 3 === 1) setImmediate(() => stop.abort())
    else setTimeout(() => stop.abort(), index % 7)
    await inTime('abort', call).catch((error: unknown) => {
      if (!(error instanceof IpvsError) || error.code !== 'ERR_IPVS_ABORTED') throw error
    })
  }
  await handle.close()
}

interface Trial {
  readonly run: (netns: string, subject: Subject) => Promise<void>
  /** How often, if there is time. */
  readonly times: number
  /** So many at the same time. */
  readonly together?: number
}

/** How often each is done. */
export type LifeTimes = Readonly<Record<'terminated' | 'exited' | 'forked' | 'opened' | 'aborted', number>>

// Does it so often, but not longer, in turn with services and with marks. Returns how often.
async function repeat(
  { times, together = 1, run }: Trial,
  netns: string,
  subjects: readonly Subject[],
  minutes: number,
) {
  const end = performance.now() + minutes * 60_000
  let next = 0
  const lane = async () => {
    while (next < times && performance.now() < end) await run(netns, subjects[next++ % subjects.length] as Subject)
  }
  await Promise.all(Array.from({ length: Math.min(together, times) }, lane))
  return next
}

/** `minutes`: how long each of them is repeated at most. */
export async function life(tools: Tools, times: LifeTimes, minutes: number): Promise<PartResult> {
  const world = await World.create(`life-${process.pid}`, tools.reader)
  const netns = world.path
  const subjects = subjectsOf(world)
  const findings: Finding[] = []
  const trials: Readonly<Record<string, Trial>> = {
    terminated: { run: terminate, times: times.terminated, together: 2 },
    exited: { run: exit, times: times.exited, together: 2 },
    forked: { run: fork, times: times.forked },
    opened: { run: open, times: times.opened },
    'forgotten and collected': { run: forget, times: subjects.length },
    '50 handles': { run: many, times: subjects.length },
    aborted: { run: abort, times: times.aborted / ABORTS },
  }
  for (const subject of subjects) await terminate(netns, subject) // starts once what stays
  const figures: Record<string, number> = {}
  for (const [scenario, trial] of Object.entries(trials)) {
    const before = resources()
    const add = (trouble: Finding['trouble'], text: string) => findings.push({ trouble, scenario, fault: '', text })
    const count = await repeat(trial, netns, subjects, minutes).catch((error: unknown) => {
      add(String(error).includes('did not end') ? 'hang' : 'broken', String(error))
      return 0
    })
    figures[scenario] = trial.run === abort ? count * ABORTS : count
    console.log(`${scenario}: ${count} of ${trial.times}`)
    const now = await world.left(before)
    const [descriptors, threads] = [now.descriptors - before.descriptors, now.threads - before.threads]
    if (descriptors > 0 || threads > 0) add('leak', `${descriptors} descriptors, ${threads} threads after ${count}`)
  }
  await world.close()
  return { name: 'life', figures, findings }
}
