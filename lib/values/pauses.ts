// Pauses of long loops: every few milliseconds the event loop runs. state/pauses.ts is the same for state/, which uses the
// public API only.
import { setImmediate } from 'node:timers/promises'

const WORK_MS = 4

/** For long loops: `if (pauses.isDue()) await pauses.take()`. */
export class Pauses {
  #nextAt: number = performance.now() + WORK_MS
  #steps = 0

  /** True if it is time for a pause. `steps`: number of loop iterations since the last call. */
  isDue(steps = 1): boolean {
    this.#steps += steps
    if (this.#steps < 64) return false
    this.#steps = 0
    return performance.now() > this.#nextAt
  }

  /** The event loop runs once. */
  async take(): Promise<void> {
    await setImmediate()
    this.#nextAt = performance.now() + WORK_MS
  }
}

/** Long work as a generator that yields where a pause is due: `if (pauses.isDue()) yield`. */
export type PausingWork<Result> = Generator<void, Result, void>

/** Runs work; the event loop runs at each pause. */
export async function runWithPauses<Result>(work: PausingWork<Result>, pauses: Pauses): Promise<Result> {
  for (;;) {
    const step = work.next()
    if (step.done === true) return step.value
    await pauses.take()
  }
}

/** Runs work without pauses. */
export function runAtOnce<Result>(work: PausingWork<Result>): Result {
  for (;;) {
    const step = work.next()
    if (step.done === true) return step.value
  }
}

const SORTED_AT_ONCE = 512

/** Sorts as `Array.prototype.sort` does, into a new array. */
export function* sortWithPauses<Value>(
  values: readonly Value[],
  compare: (left: Value, right: Value) => number,
  pauses: Pauses,
): PausingWork<Value[]> {
  if (values.length <= SORTED_AT_ONCE) return values.toSorted(compare)
  const middle = values.length >>> 1
  const left = yield* sortWithPauses(values.slice(0, middle), compare, pauses)
  const right = yield* sortWithPauses(values.slice(middle), compare, pauses)
  const merged: Value[] = []
  let [i, j] = [0, 0]
  while (i < left.length || j < right.length) {
    const takeLeft = j === right.length || (i < left.length && compare(left[i] as Value, right[j] as Value) <= 0)
    merged.push((takeLeft ? left[i++] : right[j++]) as Value)
    if (pauses.isDue()) yield
  }
  return merged
}
