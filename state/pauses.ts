// Pauses of long loops, so that the event loop runs: like lib/values/pauses.ts, which is not public.
import { setImmediate } from 'node:timers/promises'

const WORK_MS = 4
const ROWS = 64

/** Long work as a generator that yields where it can pause, every few rows. */
export type PausingWork<Result> = Generator<void, Result, void>

/** For long loops: `const canPause = rowCounter()` before the loop, `if (canPause()) yield` in it. True for every 64th row. */
export function rowCounter(): () => boolean {
  let rows = 0
  return () => ++rows % ROWS === 0
}

/** Does the work without pauses. */
export function runAtOnce<Result>(work: PausingWork<Result>): Result {
  for (;;) {
    const step = work.next()
    if (step.done === true) return step.value
  }
}

/** Does the work with a pause every few milliseconds. Rejects with the reason of an aborted signal. */
export async function runWithPauses<Result>(work: PausingWork<Result>, signal?: AbortSignal): Promise<Result> {
  let nextAt = performance.now() + WORK_MS
  for (;;) {
    const step = work.next()
    if (step.done === true) return step.value
    if (performance.now() < nextAt) continue
    await setImmediate()
    signal?.throwIfAborted()
    nextAt = performance.now() + WORK_MS
  }
}
