// Runs on the measured kernel: reads all cells as a line of JSON from stdin, runs each cell in its own network namespace and
// process, and prints a line of JSON per cell.
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { arch, release } from 'node:os'
import { fileURLToPath } from 'node:url'

import type { Place } from './guest-process.ts'
import type { Cell, CellResult } from './plan.ts'

const program = fileURLToPath(new URL('cell.js', import.meta.url))

function command(name: string, args: readonly string[]): { stdout: string; problem: string | undefined } {
  const done = spawnSync(name, args, { encoding: 'utf8', maxBuffer: 1 << 26 })
  const failed = done.error !== undefined || done.status !== 0
  const problem = failed
    ? `${done.error?.message ?? ''}${done.stderr ?? ''}`.trim() || `status ${done.status}`
    : undefined
  return { stdout: done.stdout ?? '', problem }
}

// Namespaces are not reused, because removed destinations slow down adding new ones. The kernel refuses destinations while lo is
// down.
function run(cell: Cell): CellResult {
  const words = [process.execPath, '--expose-gc', program, JSON.stringify(cell)]
  const script = 'ip link set lo up && exec "$@"'
  const { stdout, problem } = command('unshare', ['--net', 'sh', '-c', script, 'sh', ...words])
  return problem === undefined ? (JSON.parse(stdout) as CellResult) : { ...cell, error: problem }
}

const cells = JSON.parse(readFileSync(0, 'utf8')) as Cell[]
for (const module of ['ip_vs', 'ip_vs_rr', 'ip_vs_wrr', 'ip_vs_mh']) {
  const { problem } = command('modprobe', [module])
  if (problem !== undefined) {
    console.error(`bench: modprobe ${module}: ${problem}`)
    process.exit(1)
  }
}
const cpus = Number(command('nproc', []).stdout)
console.log(JSON.stringify({ release: release(), arch: arch(), cpus } satisfies Place))
for (const cell of cells) console.log(JSON.stringify(run(cell)))
