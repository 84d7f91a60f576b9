// Measures an action: its time, the longest pause of the event loop, or memory.
import { readFileSync, writeFileSync } from 'node:fs'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'

import type { Action } from './drivers/driver.ts'
import type { Probe } from './trials/trials.ts'

/** Returns values whose names begin with the phase. `items`: number of rows of the phase. */
export type Measure = (phase: string, items: number, action: Action) => Promise<Record<string, number>>

// Collects the garbage of the input first, so that it does not count.
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
  await sleep(50) // the first samples include the start of the histogram
  histogram.reset()
  await action()
  await sleep(10) // the next sample records a pause
  histogram.disable()
  return { [phase]: Math.max(histogram.max / 1e6 - resolutionMs, 0) }
}

function residentBytes(field: 'VmRSS' | 'VmHWM'): number {
  const found = new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(readFileSync('/proc/self/status', 'utf8'))
  if (found === null) throw new Error(`no ${field} in /proc/self/status`)
  return Number(found[1]) * 1024
}

function collectGarbage(): void {
  if (globalThis.gc === undefined) throw new Error('cells need node --expose-gc')
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
  writeFileSync('/proc/self/clear_refs', '5') // resets the peak
  const before = residentBytes('VmRSS')
  const { result } = await action()
  const peak = residentBytes('VmHWM') - before
  const kept = heldBytes() - held
  if (result === action) throw new Error('unreachable') // keeps the result alive until here
  return { [`${phase}, peak`]: peak / items, [`${phase}, kept`]: Math.max(kept, 0) / items }
}

export const probes: Readonly<Record<Probe, Measure>> = { seconds, delay, memory }
