// Finds pairs of elements that match the same packet. The kernel does not: exact keys and ranges are in separate maps. plan.ts
// compares the rules of a call with the table.
import type { MarkElement } from './mark-element.ts'
import { areExact, findDuplicateKey } from './overlap-exact.ts'
import { findRuleOverlap, type Overlap } from './overlap-rules.ts'
import { sortWithPauses, type PausingWork, type Pauses } from '../values/pauses.ts'

const BEHIND_ALL = '\u{ffff}' // addresses are of smaller characters

// Fields of an element that the sweep compares, extracted once: getters of elements cost more.
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

// A sweep over addresses. `active` has the elements whose addresses include the current address, sorted by port. Their ports
// are disjoint, because the sweep ends at the first overlap: so only neighbours have to be compared.
class Sweep {
  #active: Box[] = []
  #nearestEnd = BEHIND_ALL
  #others: Box[] = [] // existing elements that overlap each other, which is no error; almost always empty

  #advance(address: string): void {
    if (address <= this.#nearestEnd) return
    const reaches = ({ to }: Box) => to >= address
    this.#active = this.#active.filter(reaches)
    this.#others = this.#others.filter(reaches)
    this.#nearestEnd = BEHIND_ALL
    for (const { to } of this.#active) if (to < this.#nearestEnd) this.#nearestEnd = to
    for (const { to } of this.#others) if (to < this.#nearestEnd) this.#nearestEnd = to
  }

  // Index of the first active box that starts after this port.
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

// The elements of one protocol, and the address range of the added elements.
interface Field {
  readonly boxes: Box[]
  from: string
  to: string
}

const ALL = 0 // protocols

// One field per protocol of the added elements. Elements for all protocols are in every field.
class Fields {
  readonly #fields = new Map<number, Field>()

  constructor(added: readonly MarkElement[], existing: Iterable<MarkElement>) {
    const protocols = new Set(added.map(({ protocol }) => protocol))
    if (protocols.has(ALL))
      for (const { protocol, ruleFields } of existing) if (ruleFields === undefined) protocols.add(protocol)
    if (protocols.size > 1) protocols.delete(ALL)
    for (const protocol of protocols) this.#fields.set(protocol, { boxes: [], from: BEHIND_ALL, to: '' })
  }

  /** The last address of the added elements. */
  get end(): string {
    let end = ''
    for (const { to } of this.values()) if (to > end) end = to
    return end
  }

  values(): Iterable<Field> {
    return this.#fields.values()
  }

  #of(element: MarkElement): Iterable<Field> {
    if (element.protocol === ALL) return this.values()
    const field = this.#fields.get(element.protocol)
    return field === undefined ? [] : [field]
  }

  add(element: MarkElement): void {
    const box = boxOf(element, true)
    for (const field of this.#of(element)) {
      field.boxes.push(box)
      if (box.from < field.from) field.from = box.from
      if (box.to > field.to) field.to = box.to
    }
  }

  addExisting(element: MarkElement): void {
    for (const field of this.#of(element)) {
      if (element.to >= field.from && element.from <= field.to) field.boxes.push(boxOf(element, false))
    }
  }
}

function* fieldsOf(
  added: readonly MarkElement[],
  existing: Iterable<MarkElement>,
  ignored: ReadonlySet<MarkElement>,
  pauses: Pauses,
): PausingWork<Iterable<Field>> {
  const fields = new Fields(added, existing)
  for (const element of added) {
    fields.add(element)
    if (pauses.isDue()) yield
  }
  const end = fields.end + BEHIND_ALL
  for (const element of existing) {
    if (pauses.isDue()) yield
    if (element.key > end) continue // keys begin with the first address; true for most elements
    if (element.ruleFields === undefined && !ignored.has(element)) fields.addExisting(element)
  }
  return fields.values()
}

/** The first overlap of an added element with another added element or with an existing element that is not in `ignored`. */
export function* findOverlap(
  added: readonly MarkElement[],
  existing: Iterable<MarkElement>,
  ignored: ReadonlySet<MarkElement>,
  pauses: Pauses,
): PausingWork<Overlap | undefined> {
  const ruleOverlap = yield* findRuleOverlap(added, existing, ignored, pauses)
  if (ruleOverlap !== undefined) return ruleOverlap
  const mapped = added.filter((element) => element.ruleFields === undefined)
  if (mapped.length === 0) return undefined
  if ((yield* areExact(mapped, pauses)) && (yield* areExact(existing, pauses))) {
    return yield* findDuplicateKey(mapped, existing, ignored, pauses)
  }
  for (const { boxes } of yield* fieldsOf(mapped, existing, ignored, pauses)) {
    const sweep = new Sweep()
    for (const box of yield* sortWithPauses(boxes, byPosition, pauses)) {
      const overlap = sweep.take(box)
      if (overlap !== undefined) return overlap
      if (pauses.isDue()) yield
    }
  }
  return undefined
}
