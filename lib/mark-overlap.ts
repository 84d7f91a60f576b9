// Finds packets that two elements both claim. The kernel does not: it has separate maps for exact keys and for ranges.
import type { MarkElement } from './mark-elements.ts'
import type { Slices } from './slices.ts'

/** Two elements with packets in common. */
export type Overlap = readonly [added: MarkElement, other: MarkElement]

function byPosition(left: MarkElement, right: MarkElement): number {
  if (left.from !== right.from) return left.from < right.from ? -1 : 1
  return left.portFrom - right.portFrom
}

function sharePorts(left: MarkElement, right: MarkElement): boolean {
  return left.portFrom <= right.portTo && right.portFrom <= left.portTo
}

// A sweep over addresses. `active` has the elements whose addresses include the current one, by port. Their ports are
// disjoint, or else an overlap would have been found: so only neighbours have to be looked at.
class Sweep {
  readonly #added: ReadonlySet<MarkElement>
  #active: MarkElement[] = []
  #nearestEnd = '\u{ffff}'
  #others: MarkElement[] = [] // existing ones that overlap each other, which is not our business; hardly ever any

  constructor(added: ReadonlySet<MarkElement>) {
    this.#added = added
  }

  #advance(address: string): void {
    if (address <= this.#nearestEnd) return
    const reaches = ({ to }: MarkElement) => to >= address
    this.#active = this.#active.filter(reaches)
    this.#others = this.#others.filter(reaches)
    this.#nearestEnd = '\u{ffff}'
    for (const { to } of this.#active) if (to < this.#nearestEnd) this.#nearestEnd = to
    for (const { to } of this.#others) if (to < this.#nearestEnd) this.#nearestEnd = to
  }

  // Index of the first active element that begins behind this port.
  #behind(port: number): number {
    let low = 0
    let high = this.#active.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#active[middle] as MarkElement).portFrom > port) high = middle
      else low = middle + 1
    }
    return low
  }

  #conflict(element: MarkElement, other: MarkElement): Overlap | undefined {
    if (this.#added.has(element)) return [element, other]
    return this.#added.has(other) ? [other, element] : undefined
  }

  /** Takes the next element by position. */
  take(element: MarkElement): Overlap | undefined {
    this.#advance(element.from)
    const place = this.#behind(element.portTo)
    let crowded = false
    for (let index = place - 1; index >= 0 && sharePorts(this.#active[index] as MarkElement, element); index--) {
      const overlap = this.#conflict(element, this.#active[index] as MarkElement)
      if (overlap !== undefined) return overlap
      crowded = true
    }
    for (const other of this.#others) {
      const overlap = sharePorts(other, element) ? this.#conflict(element, other) : undefined
      if (overlap !== undefined) return overlap
    }
    if (crowded) this.#others.push(element)
    else this.#active.splice(place, 0, element)
    if (element.to < this.#nearestEnd) this.#nearestEnd = element.to
    return undefined
  }
}

/** The first overlap of an added element with another added or an existing one. */
export async function findOverlap(
  added: readonly MarkElement[],
  existing: Iterable<MarkElement>,
  slices: Slices,
): Promise<Overlap | undefined> {
  const byProtocol = new Map<number, { elements: MarkElement[]; from: string; to: string }>()
  for (const element of added) {
    const { from, to } = element
    const found = byProtocol.get(element.protocol)
    if (found === undefined) {
      byProtocol.set(element.protocol, { elements: [element], from, to })
    } else {
      found.elements.push(element)
      if (from < found.from) found.from = from
      if (to > found.to) found.to = to
    }
  }
  for (const element of existing) {
    const found = byProtocol.get(element.protocol) // far away from all added ones: of no interest
    if (found !== undefined && element.from <= found.to && found.from <= element.to) found.elements.push(element)
    if (slices.due()) await slices.next()
  }
  const set = new Set(added)
  for (const { elements } of byProtocol.values()) {
    const sweep = new Sweep(set)
    elements.sort(byPosition)
    for (const element of elements) {
      const overlap = sweep.take(element)
      if (overlap !== undefined) return overlap
      if (slices.due()) await slices.next()
    }
  }
  return undefined
}
