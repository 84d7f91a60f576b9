// Turning many rows into objects takes time that the event loop has not got at once.
import { setImmediate } from 'node:timers/promises'

const SLICE_MS = 4

/** For long loops: `if (slices.due()) await slices.next()`. */
export class Slices {
  #end: number = performance.now() + SLICE_MS
  #steps = 0

  /** `steps`: how many small ones have been done since the last time. */
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

const SORTED_AT_ONCE = 512

/** Sorts as `Array.prototype.sort` does, into a new array. */
export async function sortInSlices<Value>(
  values: readonly Value[],
  compare: (left: Value, right: Value) => number,
  slices: Slices,
): Promise<Value[]> {
  if (values.length <= SORTED_AT_ONCE) return values.toSorted(compare)
  const middle = values.length >>> 1
  const left = await sortInSlices(values.slice(0, middle), compare, slices)
  const right = await sortInSlices(values.slice(middle), compare, slices)
  const merged: Value[] = []
  let [i, j] = [0, 0]
  while (i < left.length || j < right.length) {
    const takeLeft = j === right.length || (i < left.length && compare(left[i] as Value, right[j] as Value) <= 0)
    merged.push((takeLeft ? left[i++] : right[j++]) as Value)
    if (slices.due()) await slices.next()
  }
  return merged
}
