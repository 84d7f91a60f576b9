// Long work in slices: nothing here holds up the event loop for long.
import { setImmediate } from 'node:timers/promises'

const SLICE_MS = 4
const ROWS = 64

/** Work that pauses by `yield`, often. */
export type Work<Result> = Generator<void, Result, void>

/** For long loops: `const due = beats()`, and at each row `if (due()) yield`. */
export function beats(): () => boolean {
  let rows = 0
  return () => ++rows % ROWS === 0
}

/** Carries out work without a pause. */
export function atOnce<Result>(work: Work<Result>): Result {
  for (;;) {
    const step = work.next()
    if (step.done === true) return step.value
  }
}

/** Carries out work; everything else happens between its slices. Rejects with the reason of a signal that fires. */
export async function inSlices<Result>(work: Work<Result>, signal?: AbortSignal): Promise<Result> {
  let end = performance.now() + SLICE_MS
  for (;;) {
    const step = work.next()
    if (step.done === true) return step.value
    if (performance.now() < end) continue
    await setImmediate()
    signal?.throwIfAborted()
    end = performance.now() + SLICE_MS
  }
}
