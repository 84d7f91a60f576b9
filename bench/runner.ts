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
const mostBoots = 6

const progressMs = 15_000

/** What a run has heard so far. */
class Log {
  readonly results: CellResult[] = []
  place: Place | undefined
  readonly #name: string
  readonly #cells: number
  readonly #start = Date.now()
  #told = Date.now()

  constructor(name: string, cells: number) {
    this.#name = name
    this.#cells = cells
  }

  get seconds(): number {
    return (Date.now() - this.#start) / 1000
  }

  get complete(): boolean {
    return this.results.length === this.#cells
  }

  get done(): string {
    return `${this.results.length} of ${this.#cells} cells`
  }

  /** For cells that no machine could measure. */
  fail(cells: readonly Cell[]): void {
    for (const cell of cells) this.results.push({ ...cell, error: 'Error: the machine ended' })
  }

  hear(line: string): void {
    if (!line.endsWith('}')) return // cut off by a crash
    const told = JSON.parse(line) as Place | CellResult
    if ('release' in told) {
      this.place = told
      return
    }
    this.results.push(told)
    if (told.error !== undefined) this.say(`${told.trial}, ${told.driver}, N = ${told.n}: ${told.error}`)
    if (Date.now() - this.#told > progressMs) this.#sayProgress()
  }

  say(words: string): void {
    process.stderr.write(`bench: ${this.#name}: ${words}\n`)
  }

  #sayProgress(): void {
    this.#told = Date.now()
    const left = (this.seconds / this.results.length) * (this.#cells - this.results.length)
    this.say(`${this.done}, about ${Math.ceil(left / 60)} min left`)
  }
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
  const log = new Log(kernel ?? 'host', cells.length)
  // Measuring drives kernels into bugs of their own. What is left is measured after another boot.
  for (let boot = 1; !log.complete; boot++) {
    const before = log.results.length
    const status = await runGuest(kernel, cells.slice(before), (line) => log.hear(line))
    if (log.complete) break
    const words = `ended with status ${status} after ${log.done}`
    if (log.place === undefined || kernel === undefined) throw new BenchError(`${kernel ?? 'host'}: ${words}`)
    log.say(words)
    const here = log.results.length
    if (boot === mostBoots) log.fail(cells.slice(here))
    else if (here === before) log.fail(cells.slice(here, here + 1)) // the second time in the same cell
  }
  const { place, results, seconds } = log
  if (place === undefined) throw new BenchError('the guest said nothing of itself')
  const where = kernel === undefined ? 'The host itself' : 'In the lab (an emulator)'
  const words = `${where}, ${place.arch}, ${place.cpus} processors`
  return { release: place.release, place: words, emulated: kernel !== undefined, seconds, cells: results }
}
