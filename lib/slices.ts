// Turning many rows into objects takes time that the event loop has not got at once.
import { setImmediate } from 'node:timers/promises'
import type { Rows } from './rows.ts'

const SLICE_MS = 4

/** Converts rows in slices of a few milliseconds, letting everything else happen between them. */
export async function convertRows<Row, Value>(rows: Rows<Row>, convert: (row: Row) => Value): Promise<Value[]> {
  const values: Value[] = []
  let end = performance.now() + SLICE_MS
  for (let index = 0; index < rows.length; index++) {
    values.push(convert(rows.at(index)))
    if (index % 64 === 63 && performance.now() > end) {
      await setImmediate()
      end = performance.now() + SLICE_MS
    }
  }
  return values
}

/** For loops of another kind: `if (slices.due()) await slices.next()`. */
export class Slices {
  #end: number = performance.now() + SLICE_MS
  #steps = 0

  due(): boolean {
    return ++this.#steps % 64 === 0 && performance.now() > this.#end
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
