// Finds overlaps of rule elements. They are few, so each is compared with all elements.
import { FULL_MASK } from './checked-rule.ts'
import type { MarkElement } from './mark-element.ts'
import { isQualified, ruleFieldsMeet } from './rule-fields.ts'
import type { PausingWork, Pauses } from '../values/pauses.ts'

/** Two elements with packets in common. */
export type Overlap = readonly [added: MarkElement, other: MarkElement]

function meet(left: MarkElement, right: MarkElement): boolean {
  return (
    left.from <= right.to &&
    right.from <= left.to &&
    (left.protocol === 0 || right.protocol === 0 || left.protocol === right.protocol) &&
    left.portFrom <= right.portTo &&
    right.portFrom <= left.portTo &&
    (left.ruleFields === undefined ||
      right.ruleFields === undefined ||
      ruleFieldsMeet(left.ruleFields, right.ruleFields))
  )
}

function maskOf({ ruleFields }: MarkElement): number {
  return ruleFields?.mask ?? FULL_MASK
}

function qualified({ ruleFields }: MarkElement): boolean {
  return ruleFields !== undefined && isQualified(ruleFields)
}

/** True if both elements can match a packet and set the same bit of its mark, or redirect it to a port each. */
function clash(left: MarkElement, right: MarkElement): boolean {
  if (left.action !== right.action || left.action === 'masquerade') return false
  if (left.action === 'mark' && ((maskOf(left) & maskOf(right)) === 0 || qualified(left) !== qualified(right)))
    return false
  return meet(left, right)
}

/** The first overlap in which at least one element is a rule element. `ignored`: existing elements that will be removed. */
export function* findRuleOverlap(
  added: readonly MarkElement[],
  existing: Iterable<MarkElement>,
  ignored: ReadonlySet<MarkElement>,
  pauses: Pauses,
): PausingWork<Overlap | undefined> {
  const ruleElements = added.filter(({ ruleFields }) => ruleFields !== undefined)
  const mapped = ruleElements.length === 0 ? [] : added.filter(({ ruleFields }) => ruleFields === undefined)
  for (const [index, element] of ruleElements.entries()) {
    for (const other of [ruleElements.slice(index + 1), mapped].flat()) {
      if (clash(element, other)) return [element, other]
      if (pauses.isDue()) yield
    }
  }
  for (const other of existing) {
    if (pauses.isDue()) yield
    if (ignored.has(other)) continue
    const candidates = other.ruleFields === undefined ? ruleElements : added
    for (const element of candidates) if (clash(element, other)) return [element, other]
  }
  return undefined
}
