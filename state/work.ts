// Long work in slices, so that the event loop continues.
import { setImmediate } from 'node:timers/promises'

const SLICE_MS = 4
const ROWS = 64

/** Work that pauses by `yield`, often. */
export type Work<Result> = Generator<void, Result, void>

/** For long loops: `const due = beats()` before the loop, `if (due()) yield` in it. */
export function beats(): () => boolean {
  let rows = 0
  return () => ++rows % ROWS === 0
}

/** Does the work without pauses. */
export function atOnce<Result>(work: Work<Result>): Result {
  for (;;) {
    const step = work.next()
    if (step.done === true) return step.value
  }
}

/** Does the work in slices; the event loop runs between them. Rejects with the reason of an aborted signal. */
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
