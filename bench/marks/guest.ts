// Runs on the measured kernel: reads a plan as a line of JSON from stdin, and prints a line of JSON per figure.
import { execFile, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { arch, cpus, release } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'

import { load, mostLoadMs, Place } from './place.ts'
import { streams, type Cell, type CellResult, type Plan } from './plan.ts'

const execute = promisify(execFile)

const runMs = 200

function tell(result: CellResult): void {
  console.log(JSON.stringify(result))
}

function reasonOf(error: unknown): string {
  const { killed, stderr, message } = error as { killed?: boolean; stderr?: string; message?: string }
  if (killed === true) return `not loaded within ${mostLoadMs / 1000} s`
  const lines = (stderr ?? '').split('\n').filter((line) => line.trim() !== '')
  return (lines.find((line) => /Error\b/.test(line)) ?? lines.at(-1) ?? message ?? String(error)).trim()
}

async function openAll(cells: readonly Cell[]): Promise<Map<Cell, Place>> {
  const places = new Map<Cell, Place>()
  for (const cell of cells) {
    try {
      places.set(cell, await Place.open(cell))
      console.error(`bench: ${cell.driver}, N = ${cell.n}: loaded`)
    } catch (error) {
      tell({ ...cell, repetition: 0, error: reasonOf(error) })
    }
  }
  return places
}

// Loads all rules once, each set in its own namespace; repetitions of sending interleave.
async function measurePackets(cells: readonly Cell[], repeat: number): Promise<void> {
  const places = await openAll(cells)
  for (let repetition = 0; repetition < repeat; repetition++) {
    for (const [cell, place] of places) {
      const values: Record<string, number> = {}
      for (const stream of streams) values[stream] = await place.measure(stream, runMs)
      tell({ ...cell, repetition, values })
    }
  }
  for (const place of places.values()) place.close()
}

async function measureLoad(cell: Cell, repetition: number): Promise<CellResult> {
  const args = ['--net', process.execPath, load, cell.driver, String(cell.n)]
  try {
    const { stdout } = await execute('unshare', args, { timeout: mostLoadMs })
    return { ...cell, repetition, values: JSON.parse(stdout) as Record<string, number> }
  } catch (error) {
    return { ...cell, repetition, error: reasonOf(error) }
  }
}

async function measureLoads(cells: readonly Cell[], repeat: number): Promise<void> {
  // Warm-up: the first run reads programs from disk and loads kernel modules.
  for (const driver of new Set(cells.map((cell) => cell.driver))) await measureLoad({ trial: 'load', driver, n: 1 }, 0)
  const failed = new Set<Cell>()
  for (let repetition = 0; repetition < repeat; repetition++) {
    // Rotates the order, so that no cell always follows the same one.
    const start = Math.floor((repetition * cells.length) / repeat)
    for (const cell of [...cells.slice(start), ...cells.slice(0, start)]) {
      if (failed.has(cell)) continue
      const result = await measureLoad(cell, repetition)
      if (result.error !== undefined) failed.add(cell)
      tell(result)
      await sleep(400 + cell.n / 50) // the kernel removes the namespace meanwhile
    }
  }
}

const { cells, repeat } = JSON.parse(readFileSync(0, 'utf8')) as Plan
// Ignores failures: the modules may be built in, or the host may have no modprobe.
for (const module of ['veth', 'iptable_mangle', 'xt_mark', 'xt_tcpudp', 'nft_compat']) spawnSync('modprobe', [module])
console.log(JSON.stringify({ release: release(), arch: arch(), cpus: cpus().length }))
await measureLoads(
  cells.filter(({ trial }) => trial === 'load'),
  repeat,
)
await measurePackets(
  cells.filter(({ trial }) => trial === 'packets'),
  repeat,
)
