// All cells of one kernel, in one boot.
import { fileURLToPath } from 'node:url'

import { BenchError } from './bench-error.ts'
import { placeWords, runGuest, type Place } from './guest-process.ts'
import type { Cell, CellResult } from './plan.ts'
import type { Run } from './results.ts'

const guest = fileURLToPath(new URL('guest.js', import.meta.url))

/** Limit for a kernel that crashes repeatedly. */
const mostBoots = 6

const progressMs = 15_000

/** The results of a run so far. */
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

  /** Marks cells as failed because the machine ended. */
  fail(cells: readonly Cell[]): void {
    for (const cell of cells) this.results.push({ ...cell, error: 'Error: the machine ended' })
  }

  hear(line: string): void {
    if (!line.endsWith('}')) return // truncated by a crash
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

/** Measures all cells. `kernel`: one of the lab's kernels; undefined: the host's kernel. */
export async function measure(kernel: string | undefined, cells: readonly Cell[]): Promise<Run> {
  const log = new Log(kernel ?? 'host', cells.length)
  // The load can crash a kernel. Remaining cells are measured after another boot.
  for (let boot = 1; !log.complete; boot++) {
    const before = log.results.length
    const status = await runGuest(kernel, guest, cells.slice(before), (line) => log.hear(line))
    if (log.complete) break
    const words = `ended with status ${status} after ${log.done}`
    if (log.place === undefined || kernel === undefined) throw new BenchError(`${kernel ?? 'host'}: ${words}`)
    log.say(words)
    const here = log.results.length
    if (boot === mostBoots) log.fail(cells.slice(here))
    else if (here === before) log.fail(cells.slice(here, here + 1)) // crashed twice in the same cell
  }
  const { place, results, seconds } = log
  if (place === undefined) throw new BenchError('the guest did not describe its machine')
  return {
    release: place.release,
    place: placeWords(kernel, place),
    emulated: kernel !== undefined,
    seconds,
    cells: results,
  }
}
