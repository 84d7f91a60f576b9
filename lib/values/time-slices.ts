// Time slices: long loops yield to the event loop every few milliseconds.
import { setImmediate } from 'node:timers/promises'

const SLICE_MS = 4

/** For long loops: `if (slices.due()) await slices.next()`. */
export class TimeSlices {
  #end: number = performance.now() + SLICE_MS
  #steps = 0

  /** True if the slice is over. `steps`: number of loop iterations since the last call. */
  due(steps = 1): boolean {
    this.#steps += steps
    if (this.#steps < 64) return false
    this.#steps = 0
    return performance.now() > this.#end
  }

  async next(): Promise<void> {
    await setImmediate()
    this.#end = performance.now() + SLICE_MS
  }
}

/** Long work as a generator that yields at the end of each slice: `if (slices.due()) yield`. */
export type Sliced<Result> = Generator<void, Result, void>

/** Runs work; the event loop runs between its slices. */
export async function inSlices<Result>(work: Sliced<Result>, slices: TimeSlices): Promise<Result> {
  for (;;) {
    const step = work.next()
    if (step.done === true) return step.value
    await slices.next()
  }
}

/** Runs work without a pause. */
export function atOnce<Result>(work: Sliced<Result>): Result {
  for (;;) {
    const step = work.next()
    if (step.done === true) return step.value
  }
}

const SORTED_AT_ONCE = 512

/** Sorts as `Array.prototype.sort` does, into a new array. */
export function* sortInSlices<Value>(
  values: readonly Value[],
  compare: (left: Value, right: Value) => number,
  slices: TimeSlices,
): Sliced<Value[]> {
  if (values.length <= SORTED_AT_ONCE) return values.toSorted(compare)
  const middle = values.length >>> 1
  const left = yield* sortInSlices(values.slice(0, middle), compare, slices)
  const right = yield* sortInSlices(values.slice(middle), compare, slices)
  const merged: Value[] = []
  let [i, j] = [0, 0]
  while (i < left.length || j < right.length) {
    const takeLeft = j === right.length || (i < left.length && compare(left[i] as Value, right[j] as Value) <= 0)
    merged.push((takeLeft ? left[i++] : right[j++]) as Value)
    if (slices.due()) yield
  }
  return merged
}
