// One kernel's run of a bench whose guest prints a line of JSON per figure.
import { BenchError } from './bench-error.ts'
import { placeWords, runGuest, type GuestOptions, type Place } from './guest-process.ts'
import type { Run } from './results.ts'

/** `kernel`: one of the lab's kernels; undefined: the host's kernel. `describe`: words for the progress, or nothing to say. */
export async function measuredRun<Cell extends object>(
  kernel: string | undefined,
  guest: string,
  plan: unknown,
  describe: (cell: Cell) => string | undefined,
  options: GuestOptions,
): Promise<Run<Cell>> {
  const name = kernel ?? 'host'
  const start = Date.now()
  const cells: Cell[] = []
  let place: Place | undefined
  const hear = (line: string): void => {
    const told = JSON.parse(line) as Cell | Place
    if ('release' in told) {
      place = told
      return
    }
    cells.push(told)
    const words = describe(told)
    if (words !== undefined) process.stderr.write(`bench: ${name}: ${words}\n`)
  }
  const status = await runGuest(kernel, guest, plan, hear, options)
  if (place === undefined || status !== 0) throw new BenchError(`${name}: ended with status ${status}`)
  const seconds = (Date.now() - start) / 1000
  return { release: place.release, place: placeWords(kernel, place), emulated: kernel !== undefined, seconds, cells }
}
