// All cells of one kernel, in one boot.
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

import { BenchError } from './bench-error.ts'
import type { Place } from './guest.ts'
import type { Cell, CellResult } from './plan.ts'
import type { Run } from './results.ts'

const lab = fileURLToPath(new URL('../test/lab/main.js', import.meta.url))
const guest = fileURLToPath(new URL('guest.js', import.meta.url))

/** A kernel that crashes again and again is not worth waiting for. */
const mostBoots = 4

function progress(kernel: string, done: number, of: number, start: number): void {
  const left = Math.round(((Date.now() - start) / Math.max(done, 1)) * (of - done) * 1e-3)
  process.stderr.write(`bench: ${kernel}: ${done} of ${of} cells, ${left} s left\n`)
}

/** Passes the lines of the guest on until it has ended; resolves with its status. */
async function runGuest(
  kernel: string | undefined,
  cells: readonly Cell[],
  onLine: (line: string) => void,
): Promise<number> {
  const inside = [process.execPath, guest]
  const [command = '', ...args] =
    kernel === undefined ? inside : [process.execPath, lab, '--kernel', kernel, '--', ...inside]
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] })
  child.stdin.on('error', () => {}) // its status says why
  child.stdin.end(JSON.stringify(cells))
  const ended = new Promise<number>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (status) => resolve(status ?? 1))
  })
  for await (const line of createInterface({ input: child.stdout })) onLine(line)
  return ended
}

/** `kernel`: one of the lab's; undefined: the host's own. */
export async function measure(kernel: string | undefined, cells: readonly Cell[]): Promise<Run> {
  const start = Date.now()
  const results: CellResult[] = []
  let place: Place | undefined
  const onLine = (line: string): void => {
    const told = JSON.parse(line) as Place | CellResult
    if ('release' in told) place = told
    else results.push(told)
    if ('error' in told) process.stderr.write(`bench: ${told.trial}, ${told.driver}, N = ${told.n}: ${told.error}\n`)
    if (!('release' in told) && results.length % 10 === 0) {
      progress(kernel ?? 'host', results.length, cells.length, start)
    }
  }
  // Measuring drives kernels into bugs of their own. What is left is measured after another boot.
  for (let boot = 1; results.length < cells.length; boot++) {
    const status = await runGuest(kernel, cells.slice(results.length), onLine)
    if (results.length === cells.length) break
    const words = `ended with status ${status} after ${results.length} of ${cells.length} cells`
    if (boot === mostBoots || kernel === undefined) throw new BenchError(`${kernel ?? 'host'}: ${words}`)
    process.stderr.write(`bench: ${kernel}: the machine ${words}; starting another one\n`)
  }
  if (place === undefined) throw new BenchError('the guest said nothing of itself')
  const seconds = (Date.now() - start) / 1000
  const where = kernel === undefined ? 'The host itself' : 'In the lab (an emulator)'
  const words = `${where}, ${place.arch}, ${place.cpus} processors`
  return { release: place.release, place: words, emulated: kernel !== undefined, seconds, cells: results }
}
