// Finds overlaps if all elements are exact: a single port of a single address. Exact elements overlap if their keys are equal,
// so no sweep is needed.
import type { MarkElement } from './mark-element.ts'
import type { Overlap } from './overlap-rules.ts'
import { Place } from './places.ts'
import type { PausingWork, Pauses } from '../values/pauses.ts'

/** True if all elements of maps are exact. Rule elements are not considered. */
export function* areExact(elements: Iterable<MarkElement>, pauses: Pauses): PausingWork<boolean> {
  for (const { place } of elements) {
    if (place !== Place.exact && place < Place.special) return false
    if (pauses.isDue()) yield
  }
  return true
}

function firstWith(key: string, elements: readonly MarkElement[]): MarkElement {
  return elements.find((element) => element.key === key) as MarkElement
}

/** The first two exact elements with the same key. `ignored`: existing elements that do not count. */
export function* findDuplicateKey(
  added: readonly MarkElement[],
  existing: Iterable<MarkElement>,
  ignored: ReadonlySet<MarkElement>,
  pauses: Pauses,
): PausingWork<Overlap | undefined> {
  const keys = new Set<string>()
  for (const element of added) {
    const { size } = keys
    keys.add(element.key)
    if (keys.size === size) return [element, firstWith(element.key, added)]
    if (pauses.isDue()) yield
  }
  for (const other of existing) {
    if (keys.has(other.key) && !ignored.has(other)) return [firstWith(other.key, added), other]
    if (pauses.isDue()) yield
  }
  return undefined
}
