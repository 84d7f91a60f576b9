// What a handle knows about the table: its elements as of one generation of the ruleset. The kernel refuses a change that
// is based on another generation, so knowing too little costs a second try and nothing else.
import type { MarkElement } from './element.ts'
import { specialKind } from './rule-element.ts'

/** One transaction. Removals come first. */
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
  #byKey: Map<string, MarkElement> | undefined // made when it is needed: listings do without

  constructor(elements: readonly MarkElement[], generation: number) {
    this.#listed = elements
    this.#generation = generation
  }

  get generation(): number {
    return this.#generation
  }

  /** Can be gone through again and again. */
  elements(): Iterable<MarkElement> {
    const map = this.#byKey
    return map === undefined ? this.#listed : { [Symbol.iterator]: () => map.values() }
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
      for (const element of this.#listed) {
        // Others can have made one that counts and one that does not.
        const twin = this.#byKey.has(element.key)
        this.#byKey.set(twin ? `${element.key} twin` : element.key, element)
      }
      this.#listed = []
    }
    return this.#byKey
  }
}

/** Elements sorted by key, one array for each rule. */
export function* groupRules(sorted: readonly MarkElement[]): Generator<readonly MarkElement[]> {
  let start = 0
  while (start < sorted.length) {
    const { start: common } = sorted[start] as MarkElement
    let end = start + 1
    while (end < sorted.length && sorted[end]?.start === common) end++
    yield* groupAlike(sorted.slice(start, end))
    start = end
  }
}

// What tells rules apart whose elements begin alike. Elements of others, who know nothing of ids, make up the rule that
// somebody would have written for them.
function ruleText({ rule, mark, special, comment, counter, place }: MarkElement): string {
  if (rule !== 0n) return `${rule} ${mark}`
  const kind = special === undefined ? '' : `${place} ${specialKind(special)}`
  return `${mark} ${counter === undefined ? '' : 'counted'} ${comment} ${kind}`
}

function sharePorts(group: readonly MarkElement[], { portFrom, special }: MarkElement): boolean {
  const last = group.at(-1) as MarkElement
  const from = special?.sourcePorts.from ?? 0
  return last.portTo >= portFrom && (last.special?.sourcePorts.to ?? 65535) >= from
}

// Elements that begin alike, which can be many, each of a rule of its own.
function groupAlike(elements: readonly MarkElement[]): Iterable<MarkElement[]> {
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
