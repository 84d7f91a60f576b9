// Finds packets that two elements both claim. The kernel does not: it has separate maps for exact keys and for ranges.
import type { MarkElement } from './mark-elements.ts'
import { sortInSlices, type Slices } from './slices.ts'

const BEHIND_ALL = '\u{ffff}' // addresses are of smaller characters

/** Two elements with packets in common. */
export type Overlap = readonly [added: MarkElement, other: MarkElement]

// An element as the sweep looks at it, again and again.
interface Box {
  readonly element: MarkElement
  readonly added: boolean
  readonly from: string
  readonly to: string
  readonly portFrom: number
  readonly portTo: number
}

function boxOf(element: MarkElement, added: boolean): Box {
  const { from, to, portFrom, portTo } = element
  return { element, added, from, to, portFrom, portTo }
}

function byPosition(left: Box, right: Box): number {
  if (left.from !== right.from) return left.from < right.from ? -1 : 1
  return left.portFrom - right.portFrom
}

function sharePorts(left: Box, right: Box): boolean {
  return left.portFrom <= right.portTo && right.portFrom <= left.portTo
}

function conflict(box: Box, other: Box): Overlap | undefined {
  if (box.added) return [box.element, other.element]
  return other.added ? [other.element, box.element] : undefined
}

// A sweep over addresses. `active` has the elements whose addresses include the current one, by port. Their ports are
// disjoint, or else an overlap would have been found: so only neighbours have to be looked at.
class Sweep {
  #active: Box[] = []
  #nearestEnd = BEHIND_ALL
  #others: Box[] = [] // existing ones that overlap each other, which is not our business; hardly ever any

  #advance(address: string): void {
    if (address <= this.#nearestEnd) return
    const reaches = ({ to }: Box) => to >= address
    this.#active = this.#active.filter(reaches)
    this.#others = this.#others.filter(reaches)
    this.#nearestEnd = BEHIND_ALL
    for (const { to } of this.#active) if (to < this.#nearestEnd) this.#nearestEnd = to
    for (const { to } of this.#others) if (to < this.#nearestEnd) this.#nearestEnd = to
  }

  // Index of the first active box that begins behind this port.
  #behind(port: number): number {
    let low = 0
    let high = this.#active.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#active[middle] as Box).portFrom > port) high = middle
      else low = middle + 1
    }
    return low
  }

  /** Takes the next box by position. */
  take(box: Box): Overlap | undefined {
    this.#advance(box.from)
    const place = this.#behind(box.portTo)
    let crowded = false
    for (let index = place - 1; index >= 0 && sharePorts(this.#active[index] as Box, box); index--) {
      const overlap = conflict(box, this.#active[index] as Box)
      if (overlap !== undefined) return overlap
      crowded = true
    }
    for (const other of this.#others) {
      const overlap = sharePorts(other, box) ? conflict(box, other) : undefined
      if (overlap !== undefined) return overlap
    }
    if (crowded) this.#others.push(box)
    else this.#active.splice(place, 0, box)
    if (box.to < this.#nearestEnd) this.#nearestEnd = box.to
    return undefined
  }
}

// The added ones of one protocol, everything existing near them, and how far they reach.
interface Field {
  readonly boxes: Box[]
  from: string
  to: string
}

async function fieldsOf(
  added: readonly MarkElement[],
  existing: Iterable<MarkElement>,
  ignored: ReadonlySet<MarkElement>,
  slices: Slices,
): Promise<Iterable<Field>> {
  const fields = new Map<number, Field>()
  for (const element of added) {
    const box = boxOf(element, true)
    const field = fields.get(element.protocol)
    if (field === undefined) {
      fields.set(element.protocol, { boxes: [box], from: box.from, to: box.to })
    } else {
      field.boxes.push(box)
      if (box.from < field.from) field.from = box.from
      if (box.to > field.to) field.to = box.to
    }
    if (slices.due()) await slices.next()
  }
  let end = ''
  for (const { to } of fields.values()) if (to > end) end = to
  end += BEHIND_ALL
  for (const element of existing) {
    if (slices.due()) await slices.next()
    if (element.key > end) continue // keys begin with the first address; most elements end here
    const field = fields.get(element.protocol)
    if (field === undefined || element.to < field.from || element.from > field.to || ignored.has(element)) continue
    field.boxes.push(boxOf(element, false))
  }
  return fields.values()
}

/** The first overlap of an added element with another added or an existing one, `ignored` ones excepted. */
export async function findOverlap(
  added: readonly MarkElement[],
  existing: Iterable<MarkElement>,
  ignored: ReadonlySet<MarkElement>,
  slices: Slices,
): Promise<Overlap | undefined> {
  for (const { boxes } of await fieldsOf(added, existing, ignored, slices)) {
    const sweep = new Sweep()
    for (const box of await sortInSlices(boxes, byPosition, slices)) {
      const overlap = sweep.take(box)
      if (overlap !== undefined) return overlap
      if (slices.due()) await slices.next()
    }
  }
  return undefined
}
