// What is taken of an action: its time, the longest pause of the event loop, or memory.
import { readFileSync, writeFileSync } from 'node:fs'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'

import type { Action } from './drivers/driver.ts'
import type { Probe } from './trials/trials.ts'

/** Names begin with that of the phase. `items`: rows the phase works on. */
export type Measure = (phase: string, items: number, action: Action) => Promise<Record<string, number>>

// What making the input left behind is not the action's to clear away.
async function seconds(phase: string, _items: number, action: Action): Promise<Record<string, number>> {
  collectGarbage()
  const start = performance.now()
  const outcome = await action()
  return { [phase]: outcome.seconds ?? (performance.now() - start) / 1000 }
}

const resolutionMs = 1

/** In milliseconds. */
async function delay(phase: string, _items: number, action: Action): Promise<Record<string, number>> {
  const histogram = monitorEventLoopDelay({ resolution: resolutionMs })
  histogram.enable()
  await sleep(50) // the first samples are those of its own start
  histogram.reset()
  await action()
  await sleep(10) // a pause shows with the next sample
  histogram.disable()
  return { [phase]: Math.max(histogram.max / 1e6 - resolutionMs, 0) }
}

function residentBytes(field: 'VmRSS' | 'VmHWM'): number {
  const found = new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(readFileSync('/proc/self/status', 'utf8'))
  if (found === null) throw new Error(`no ${field} in /proc/self/status`)
  return Number(found[1]) * 1024
}

function collectGarbage(): void {
  if (globalThis.gc === undefined) throw new Error('cells are measured with node --expose-gc only')
  globalThis.gc()
}

function heldBytes(): number {
  collectGarbage()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

/** Bytes per item. */
async function memory(phase: string, items: number, action: Action): Promise<Record<string, number>> {
  const held = heldBytes()
  writeFileSync('/proc/self/clear_refs', '5') // the peak starts anew from here
  const before = residentBytes('VmRSS')
  const { result } = await action()
  const peak = residentBytes('VmHWM') - before
  const kept = heldBytes() - held
  if (result === action) throw new Error('unreachable') // what the caller got lives until here
  return { [`${phase}, peak`]: peak / items, [`${phase}, kept`]: Math.max(kept, 0) / items }
}

export const probes: Readonly<Record<Probe, Measure>> = { seconds, delay, memory }
