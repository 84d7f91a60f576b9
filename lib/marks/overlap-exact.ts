// Finds overlaps where all elements are single ports of single addresses, as most are. They overlap when their keys are the
// same, so no sweep is needed.
import type { MarkElement } from './element.ts'
import type { Overlap } from './overlap-rules.ts'
import { Place } from './rule-element.ts'
import type { Sliced, Slices } from '../values/time-slices.ts'

/** Whether all elements of maps are of that kind; special ones are looked at elsewhere. */
export function* areExact(elements: Iterable<MarkElement>, slices: Slices): Sliced<boolean> {
  for (const { place } of elements) {
    if (place !== Place.exact && place < Place.special) return false
    if (slices.due()) yield
  }
  return true
}

function firstWith(key: string, elements: readonly MarkElement[]): MarkElement {
  return elements.find((element) => element.key === key) as MarkElement
}

/** The first exact element that is there twice, `ignored` existing ones excepted. */
export function* findTwins(
  added: readonly MarkElement[],
  existing: Iterable<MarkElement>,
  ignored: ReadonlySet<MarkElement>,
  slices: Slices,
): Sliced<Overlap | undefined> {
  const keys = new Set<string>()
  for (const element of added) {
    const { size } = keys
    keys.add(element.key)
    if (keys.size === size) return [element, firstWith(element.key, added)]
    if (slices.due()) yield
  }
  for (const other of existing) {
    if (keys.has(other.key) && !ignored.has(other)) return [firstWith(other.key, added), other]
    if (slices.due()) yield
  }
  return undefined
}
