// Compares rows: plain data of JSON. Node's isDeepStrictEqual takes ten times as long.

function isSameList(left: readonly unknown[], right: readonly unknown[]): boolean {
  return left.length === right.length && left.every((value, index) => isSame(value, right[index]))
}

/** Whether two values have equal contents. A property with the value `undefined` differs from a missing one. */
export function isSame(left: unknown, right: unknown): boolean {
  if (left === right) return true
  if (typeof left !== 'object' || typeof right !== 'object' || left === null || right === null) return false
  if (Array.isArray(left) || Array.isArray(right)) {
    return Array.isArray(left) && Array.isArray(right) && isSameList(left, right)
  }
  const [before, after] = [left as Readonly<Record<string, unknown>>, right as Readonly<Record<string, unknown>>]
  let count = 0
  for (const name in before) {
    if (!Object.hasOwn(after, name) || !isSame(before[name], after[name])) return false
    count++
  }
  return Object.keys(after).length === count
}
