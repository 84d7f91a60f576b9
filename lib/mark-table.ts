// What a handle knows about the table: its elements as of one generation of the ruleset. The kernel refuses a change that
// is based on another generation, so knowing too little costs a second try and nothing else.
import type { MarkElement } from './mark-elements.ts'

/** One transaction. Removals come first. */
export interface MarkChange {
  readonly removed: readonly MarkElement[]
  readonly added: readonly MarkElement[]
}

function belongTogether(left: MarkElement, right: MarkElement): boolean {
  return left.rule !== 0n && left.rule === right.rule && left.mark === right.mark && left.place === right.place
}

function byKey(left: MarkElement, right: MarkElement): number {
  return left.key < right.key ? -1 : Number(left.key > right.key)
}

export class MarkTable {
  #generation: number
  #listed: readonly MarkElement[]
  #byKey: Map<string, MarkElement> | undefined // made when it is needed: listings do without

  constructor(elements: readonly MarkElement[], generation: number) {
    this.#listed = elements
    this.#generation = generation
  }

  get generation(): number {
    return this.#generation
  }

  elements(): Iterable<MarkElement> {
    return this.#byKey?.values() ?? this.#listed
  }

  /** The element with this key. */
  get(key: string): MarkElement | undefined {
    return this.#map().get(key)
  }

  /** The elements of the rule that this one belongs to, by port. Looks at all there are: for errors and rare cases. */
  ruleWith(element: MarkElement): MarkElement[] {
    const elements: MarkElement[] = []
    for (const other of this.elements()) {
      if (other === element || belongTogether(element, other)) elements.push(other)
    }
    return elements.toSorted(byKey)
  }

  /** The kernel carried out a change. */
  commit({ removed, added }: MarkChange, generation: number): void {
    const elements = this.#map()
    for (const { key } of removed) elements.delete(key)
    for (const element of added) elements.set(element.key, element)
    this.#generation = generation
  }

  #map(): Map<string, MarkElement> {
    if (this.#byKey === undefined) {
      this.#byKey = new Map()
      for (const element of this.#listed) this.#byKey.set(element.key, element)
      this.#listed = []
    }
    return this.#byKey
  }
}

/** Elements sorted by key, one array for each rule. */
export function* groupRules(sorted: readonly MarkElement[]): Generator<readonly MarkElement[]> {
  let start = 0
  while (start < sorted.length) {
    const { place } = sorted[start] as MarkElement
    let end = start + 1
    while (end < sorted.length && sorted[end]?.place === place) end++
    yield* groupPlace(sorted.slice(start, end))
    start = end
  }
}

// Elements at one place, which can be many, each of a rule of its own.
function groupPlace(elements: readonly MarkElement[]): Iterable<MarkElement[]> {
  const rules = new Map<unknown, MarkElement[]>()
  for (const element of elements) {
    const { rule, mark } = element
    const id = rule === 0n ? element : `${rule} ${mark}`
    const group = rules.get(id)
    if (group === undefined) rules.set(id, [element])
    else group.push(element)
  }
  return rules.values()
}
