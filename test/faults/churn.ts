// A table that changes all the time, and one that is used for long: what was always there is always listed, and memory and
// descriptors do not grow.
import { setTimeout as sleep } from 'node:timers/promises'
import { Ipvs, IpvsError } from 'ipvs'
import type { Finding, PartResult } from './results.ts'
import type { Tools } from './sweep.ts'
import { resources, World } from './world.ts'

const serviceOf = (fwmark: number) => ({ fwmark, scheduler: 'rr' })
const marksFrom = (from: number, count: number) => Array.from({ length: count }, (_, index) => serviceOf(from + index))

interface Churn {
  listed: number
  conflicts: number
  changed: number
}

// So long there are changes without a pause, and so long none: a table that never rests cannot be listed.
const TURN_MS = 1000

// Removes and adds services that stand among the steady ones until told to stop.
async function disturb(netns: string, passing: readonly { fwmark: number }[], stop: AbortSignal, seen: Churn) {
  const ipvs = await Ipvs.open({ netns, timeoutMs: 60_000 })
  while (!stop.aborted) {
    for (let from = 0; from < passing.length && !stop.aborted; from += 20) {
      const some = passing.slice(from, from + 20)
      await ipvs.removeServices(some)
      await ipvs.addServices(some)
      seen.changed += 2 * some.length
      if (performance.now() % (2 * TURN_MS) > TURN_MS) await sleep(TURN_MS)
    }
  }
  await ipvs.close()
}

async function watch(ipvs: Ipvs, steady: ReadonlySet<number>, seen: Churn): Promise<string | undefined> {
  try {
    const marks = (await ipvs.listServices()).map(({ fwmark = 0 }) => fwmark)
    seen.listed++
    const there = new Set(marks)
    if (there.size !== marks.length) return `${marks.length - there.size} entries twice`
    const missing = [...steady].filter((mark) => !there.has(mark))
    return missing.length > 0 ? `${missing.length} missing that were always there, such as ${missing[0]}` : undefined
  } catch (error) {
    if (!(error instanceof IpvsError) || error.code !== 'ERR_IPVS_CONFLICT') throw error
    seen.conflicts++
    return undefined
  }
}

export async function churn(tools: Tools, services: number, seconds: number): Promise<PartResult> {
  const world = await World.create(`churn-${process.pid}`, tools.reader)
  const all = marksFrom(1, services)
  await world.ipvs.addServices(all)
  const passing = all.filter(({ fwmark }) => fwmark % 10 === 0)
  const steady = new Set(all.map(({ fwmark }) => fwmark).filter((fwmark) => fwmark % 10 !== 0))
  const seen: Churn = { listed: 0, conflicts: 0, changed: 0 }
  const findings: Finding[] = []
  const stop = new AbortController()
  const disturbing = disturb(world.path, passing, stop.signal, seen)
  const end = performance.now() + seconds * 1000
  while (performance.now() < end) {
    const text = await watch(world.ipvs, steady, seen)
    if (text !== undefined) findings.push({ trouble: 'lie', scenario: 'churn', fault: 'another writer', text })
    await sleep(0)
  }
  stop.abort()
  await disturbing
  await world.close()
  return { name: 'churn', figures: { services, seconds, ...seen }, findings }
}

const KIB = 1024

export async function growth(tools: Tools, operations: number): Promise<PartResult> {
  const world = await World.create(`growth-${process.pid}`, tools.reader)
  const { ipvs } = world
  const services = marksFrom(1, 500)
  const round = async () => {
    await ipvs.addServices(services)
    await ipvs.removeServices(services)
  }
  const collect = (globalThis as { gc?: () => void }).gc ?? (() => {})
  for (let warming = 0; warming < 20; warming++) await round()
  collect()
  const before = { ...resources(), memory: process.memoryUsage().rss }
  for (let done = 0; done < operations; done += 1000) await round()
  collect()
  const now = { ...resources(), memory: process.memoryUsage().rss }
  await world.close()
  const grown = Math.round((now.memory - before.memory) / KIB)
  const descriptors = now.descriptors - before.descriptors
  const text = `${grown} KiB and ${descriptors} descriptors in ${operations} operations`
  const leaking = grown > 8 * KIB || descriptors > 0
  return {
    name: 'growth',
    figures: { operations, 'KiB more': grown, 'descriptors more': descriptors },
    findings: leaking ? [{ trouble: 'leak', scenario: 'growth', fault: '', text }] : [],
  }
}
