// Finds packets that a rule of its own and another element both claim. Such rules are few: each is compared with all others.
import { FULL_MASK } from './rule.ts'
import type { MarkElement } from './element.ts'
import { isQualified, specialsMeet } from './rule-element.ts'
import type { Sliced, Slices } from '../values/time-slices.ts'

/** Two elements with packets in common. */
export type Overlap = readonly [added: MarkElement, other: MarkElement]

function meet(left: MarkElement, right: MarkElement): boolean {
  return (
    left.from <= right.to &&
    right.from <= left.to &&
    (left.protocol === 0 || right.protocol === 0 || left.protocol === right.protocol) &&
    left.portFrom <= right.portTo &&
    right.portFrom <= left.portTo &&
    (left.special === undefined || right.special === undefined || specialsMeet(left.special, right.special))
  )
}

function maskOf({ special }: MarkElement): number {
  return special?.mask ?? FULL_MASK
}

function qualified({ special }: MarkElement): boolean {
  return special !== undefined && isQualified(special)
}

/** Whether both want something from one packet that it cannot have: two values for a bit of its mark, or two ports. */
function clash(left: MarkElement, right: MarkElement): boolean {
  if (left.action !== right.action || left.action === 'masquerade') return false
  if (left.action === 'mark' && ((maskOf(left) & maskOf(right)) === 0 || qualified(left) !== qualified(right)))
    return false
  return meet(left, right)
}

/** The first overlap in which at least one of both is special. `ignored`: existing ones that go away. */
export function* findSpecialOverlap(
  added: readonly MarkElement[],
  existing: Iterable<MarkElement>,
  ignored: ReadonlySet<MarkElement>,
  slices: Slices,
): Sliced<Overlap | undefined> {
  const specials = added.filter(({ special }) => special !== undefined)
  const mapped = specials.length === 0 ? [] : added.filter(({ special }) => special === undefined)
  for (const [index, element] of specials.entries()) {
    for (const other of [specials.slice(index + 1), mapped].flat()) {
      if (clash(element, other)) return [element, other]
      if (slices.due()) yield
    }
  }
  for (const other of existing) {
    if (slices.due()) yield
    if (ignored.has(other)) continue
    const candidates = other.special === undefined ? specials : added
    for (const element of candidates) if (clash(element, other)) return [element, other]
  }
  return undefined
}
