// The elements of the table as of one generation of the ruleset. A change based on another generation is refused, so
// outdated elements only cost a second try.
import type { MarkElement } from './mark-element.ts'
import { ruleFieldsKind } from './rule-fields.ts'

/** A transaction: removals, then additions. */
export interface MarkChange {
  readonly removed: readonly MarkElement[]
  readonly added: readonly MarkElement[]
}

function belongTogether(left: MarkElement, right: MarkElement): boolean {
  return left.rule !== 0n && left.rule === right.rule && left.mark === right.mark && left.start === right.start
}

function byKey(left: MarkElement, right: MarkElement): number {
  return left.key < right.key ? -1 : Number(left.key > right.key)
}

export class MarkTable {
  #generation: number
  #listed: readonly MarkElement[]
  #byKey: Map<string, MarkElement> | undefined // built on demand: listings do not need it

  constructor(elements: readonly MarkElement[], generation: number) {
    this.#listed = elements
    this.#generation = generation
  }

  get generation(): number {
    return this.#generation
  }

  /** All elements; the result can be iterated repeatedly. */
  elements(): Iterable<MarkElement> {
    const map = this.#byKey
    return map === undefined ? this.#listed : { [Symbol.iterator]: () => map.values() }
  }

  /** The element with this key. */
  get(key: string): MarkElement | undefined {
    return this.#map().get(key)
  }

  /** The elements of the rule that `element` belongs to, sorted by port. Scans the table: for errors and rare cases only. */
  ruleWith(element: MarkElement): MarkElement[] {
    const elements: MarkElement[] = []
    for (const other of this.elements()) {
      if (other === element || belongTogether(element, other)) elements.push(other)
    }
    return elements.toSorted(byKey)
  }

  /** Records a change that the kernel applied. */
  commit({ removed, added }: MarkChange, generation: number): void {
    const elements = this.#map()
    for (const { key } of removed) elements.delete(key)
    for (const element of added) elements.set(element.key, element)
    this.#generation = generation
  }

  #map(): Map<string, MarkElement> {
    if (this.#byKey === undefined) {
      this.#byKey = new Map()
      for (const element of this.#listed) {
        // A foreign program may have added the key both to a map with counters and to one without.
        const duplicate = this.#byKey.has(element.key)
        this.#byKey.set(duplicate ? `${element.key} duplicate` : element.key, element)
      }
      this.#listed = []
    }
    return this.#byKey
  }
}

/** Groups elements, sorted by key, into one array per rule. */
export function* groupRules(sorted: readonly MarkElement[]): Generator<readonly MarkElement[]> {
  let start = 0
  while (start < sorted.length) {
    const { start: common } = sorted[start] as MarkElement
    let end = start + 1
    while (end < sorted.length && sorted[end]?.start === common) end++
    yield* groupSameStart(sorted.slice(start, end))
    start = end
  }
}

// Identifies the rule among elements with the same start of the key. Foreign elements have no id: elements that agree in
// everything but the ports form one rule.
function ruleText({ rule, mark, ruleFields, comment, counter, place }: MarkElement): string {
  if (rule !== 0n) return `${rule} ${mark}`
  const kind = ruleFields === undefined ? '' : `${place} ${ruleFieldsKind(ruleFields)}`
  return `${mark} ${counter === undefined ? '' : 'counted'} ${comment} ${kind}`
}

function sharePorts(group: readonly MarkElement[], { portFrom, ruleFields }: MarkElement): boolean {
  const last = group.at(-1) as MarkElement
  const from = ruleFields?.sourcePorts.from ?? 0
  return last.portTo >= portFrom && (last.ruleFields?.sourcePorts.to ?? 65535) >= from
}

// Groups elements with the same start of the key. There can be many, each with its own rule.
function groupSameStart(elements: readonly MarkElement[]): Iterable<MarkElement[]> {
  const groups: MarkElement[][] = []
  const latest = new Map<string, MarkElement[]>()
  for (const element of elements) {
    const text = ruleText(element)
    const group = latest.get(text)
    if (group !== undefined && (element.rule !== 0n || !sharePorts(group, element))) {
      group.push(element)
    } else {
      const first = [element]
      latest.set(text, first)
      groups.push(first)
    }
  }
  return groups
}
