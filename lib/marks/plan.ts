// From the rules that somebody wants to the elements that have to change.
import { elementsOf, ruleOf, type MarkElement } from './element.ts'
import { findOverlap } from './overlap.ts'
import type { Overlap } from './overlap-rules.ts'
import { describeRule, type CheckedRule } from './rule.ts'
import { specialKind } from './rule-element.ts'
import type { MarkChange, MarkTable } from './known-table.ts'
import { inSlices, type Sliced, type Slices } from '../values/time-slices.ts'
import { InvalidInput } from '../values/validate.ts'

/** A rule that was given. There can be many thousands of them: what only errors need is made for them. */
class WishedRule {
  readonly elements: readonly MarkElement[]
  readonly #argument: string
  readonly #index: number | undefined

  constructor(elements: readonly MarkElement[], argument: string, index?: number) {
    this.elements = elements
    this.#argument = argument
    this.#index = index
  }

  /** Where it stands in the arguments: `rule` or `rules[3]`. */
  get path(): string {
    return this.#index === undefined ? this.#argument : `${this.#argument}[${this.#index}]`
  }

  get text(): string {
    return describeRule(ruleOf(this.elements))
  }
}

/** Given rules, each once. */
export type Wish = readonly WishedRule[]

/** One rule by itself. */
export function wishOf(rule: CheckedRule): Wish {
  return [new WishedRule(elementsOf(rule), 'rule')]
}

/**
 * Rules in the order of the arguments. They are taken one by one: those before, being checked, are kept as elements only.
 * `argument`: its name, for errors.
 */
export function* slicedWish(rules: Iterable<CheckedRule>, slices: Slices, argument = 'rules'): Sliced<Wish> {
  const wish: WishedRule[] = []
  const seen = new Set<bigint>()
  let index = 0
  for (const given of rules) {
    const elements = elementsOf(given)
    const { size } = seen
    seen.add((elements[0] as MarkElement).rule)
    if (seen.size > size) wish.push(new WishedRule(elements, argument, index))
    index++
    if (slices.due()) yield
  }
  return wish
}

/** The same, with everything else between slices. */
export async function wishOfAll(rules: Iterable<CheckedRule>, slices: Slices, argument?: string): Promise<Wish> {
  return inSlices(slicedWish(rules, slices, argument), slices)
}

function ownerOf(element: MarkElement, wish: Wish): WishedRule | undefined {
  return wish.find(({ elements }) => elements.includes(element))
}

function describeExisting(table: MarkTable, element: MarkElement): string {
  return `"${describeRule(ruleOf(table.ruleWith(element)))}"`
}

const REMOVE_FIRST = '; remove that rule first, or put the new state in place in one step with replace()'

function describeOverlap([added, other]: Overlap, wish: Wish, table: MarkTable, fix = REMOVE_FIRST): InvalidInput {
  const { text: wanted, path } = ownerOf(added, wish) as WishedRule
  const rival = ownerOf(other, wish)
  const from = Math.max(added.portFrom, other.portFrom)
  const to = Math.min(added.portTo, other.portTo)
  const some = from === to ? `port ${from}` : `ports ${from} to ${to}`
  const ports = from === 0 && to === 65535 ? 'all ports' : some
  const both = `"${wanted}" overlaps`
  if (rival !== undefined) {
    const text = `"${rival.text}" (${rival.path})`
    return new InvalidInput(path, `${both} ${text} in ${ports}; a packet gets one mark only, so take one of them out`)
  }
  const text = describeExisting(table, other)
  return new InvalidInput(path, `${both} the existing ${text} in ${ports}${fix}`)
}

// The elements of a rule that are in the table already. Those of others count when all are there: somebody made the same
// rule with nft, or loaded a saved ruleset, which knows nothing of ids. Of a rule that says more, none does.
function present(
  table: MarkTable,
  elements: readonly MarkElement[],
  gone: ReadonlySet<MarkElement> = nothing,
): MarkElement[] {
  const found: MarkElement[] = []
  for (const { key, mark } of elements) {
    const element = table.get(key)
    if (element?.mark === mark && !gone.has(element)) found.push(element)
  }
  const id = elements[0]?.rule
  const own = found.filter(({ rule }) => rule === id)
  if (own.length === elements.length || found.length < elements.length) return own
  if (found.every(({ rule }) => rule === id || rule === 0n)) return found
  // What is left of a rule of which somebody removed a part has another id.
  const rest = table.ruleWith(found[0] as MarkElement)
  return rest.length === found.length && found.every((element) => rest.includes(element)) ? found : own
}

// Whether the one gives at least the packets of the other the same mark: same addresses, protocol and kind, no fewer ports.
function covers(other: MarkElement, element: MarkElement): boolean {
  const same = other.start === element.start && other.action === 'mark' && other.mark === element.mark
  return same && isSameKind(other, element) && other.portFrom <= element.portFrom && element.portTo <= other.portTo
}

function isSameKind({ special: left }: MarkElement, { special: right }: MarkElement): boolean {
  if (left === undefined || right === undefined) return left === right
  return specialKind(left) === specialKind(right)
}

/** Whether packets of a rule have its mark from other elements already: those of a rule for more ports, for instance. */
function isCovered(table: MarkTable, { elements }: WishedRule, gone: ReadonlySet<MarkElement>): boolean {
  const missing = new Set(elements)
  for (const other of table.elements()) {
    if (gone.has(other)) continue
    for (const element of missing) if (covers(other, element)) missing.delete(element)
  }
  return missing.size === 0
}

// Elements of a rule that have to be made, and others' elements that they take the place of.
function missingOf(table: MarkTable, { elements }: WishedRule, gone: ReadonlySet<MarkElement>): MarkChange {
  const found = new Map(present(table, elements, gone).map((element) => [element.key, element]))
  const added = elements.filter((element) => found.get(element.key)?.rule !== element.rule)
  const removed = added.flatMap(({ key }) => found.get(key) ?? [])
  const isMarked = ({ key, mark }: MarkElement) => {
    const other = table.get(key)
    return other?.mark === mark && !gone.has(other)
  }
  // All are elements of rules for more ports: such a look-up saves the search for most of these.
  if (removed.length === 0 && added.length > 0 && elements.every(isMarked)) return { removed, added: [] }
  return { removed, added }
}

const nothing: ReadonlySet<MarkElement> = new Set()

/**
 * What is missing of the given rules. A rule that is there already is left alone, whatever its comment and counter, and so is
 * one whose packets have the mark by a rule for more ports; elements that somebody else made for it become ours. `gone`:
 * elements that are removed in the same transaction.
 */
export async function planAdd(
  table: MarkTable,
  wish: Wish,
  slices: Slices,
  gone: ReadonlySet<MarkElement> = nothing,
): Promise<MarkChange> {
  const missing = new Map<WishedRule, MarkChange>()
  for (const wished of wish) {
    const change = missingOf(table, wished, gone)
    if (change.added.length > 0) missing.set(wished, change)
    if (slices.due()) await slices.next()
  }
  for (;;) {
    const changes = [...missing.values()]
    const removed = new Set([...gone, ...changes.flatMap((change) => change.removed)])
    const added = changes.flatMap((change) => change.added)
    const overlap = added.length === 0 ? undefined : await overlapIn(table, added, removed, slices)
    if (overlap === undefined) return { removed: [...removed], added }
    const owner = ownerOf(overlap[0], wish) as WishedRule
    if (!isCovered(table, owner, gone)) throw describeOverlap(overlap, wish, table)
    missing.delete(owner)
  }
}

async function overlapIn(
  table: MarkTable,
  added: readonly MarkElement[],
  ignored: ReadonlySet<MarkElement>,
  slices: Slices,
): Promise<Overlap | undefined> {
  return inSlices(findOverlap(added, table.elements(), ignored, slices), slices)
}

/** Removes rules and adds others in one transaction: what `planRemove` and `planAdd` do, both from the same table. */
export async function planChange(table: MarkTable, goes: Wish, comes: Wish, slices: Slices): Promise<MarkChange> {
  const { removed } = await planRemove(table, goes, slices)
  return planAdd(table, comes, slices, new Set(removed))
}

/** The first overlap of rules with each other or with those of a table, in words; `fix` follows that with a table's rule. */
export function* overlapProblem(
  table: MarkTable,
  wish: Wish,
  fix: string,
  slices: Slices,
): Sliced<InvalidInput | undefined> {
  const elements = wish.flatMap((wished) => wished.elements)
  const overlap = yield* findOverlap(elements, table.elements(), nothing, slices)
  return overlap && describeOverlap(overlap, wish, table, fix)
}

function describeAbsent(table: MarkTable, { text, path, elements }: WishedRule): InvalidInput {
  const first = elements[0] as MarkElement
  const near = new Set<string>()
  for (const element of table.elements()) {
    const sameKind = element.protocol === first.protocol && element.action === first.action
    const touches = sameKind && element.from <= first.to && first.from <= element.to
    if (touches) near.add(describeExisting(table, element))
    if (near.size === 4) break
  }
  const [shown, more] = [[...near].slice(0, 3).join(', '), near.size > 3 ? ', ...' : '']
  const instead = near.size === 0 ? 'nothing is there for this address and protocol' : `there is ${shown}${more}`
  return new InvalidInput(path, `there is no rule "${text}"; ${instead}. Rules go as a whole: see list()`)
}

/** All elements of the given rules. A rule that is not there is an error. */
export async function planRemove(table: MarkTable, wish: Wish, slices: Slices): Promise<MarkChange> {
  const removed: MarkElement[] = []
  for (const wished of wish) {
    const found = present(table, wished.elements)
    if (found.length !== wished.elements.length) throw describeAbsent(table, wished)
    removed.push(...found)
    if (slices.due()) await slices.next()
  }
  return { removed, added: [] }
}

function isSame(left: MarkElement, right: MarkElement): boolean {
  const counted = (left.counter === undefined) === (right.counter === undefined)
  return counted && left.mark === right.mark && left.rule === right.rule && left.comment === right.comment
}

/** Which part of the table: rules that mark, or those that translate addresses. */
export type Part = 'marks' | 'nat'

function partOf({ action }: MarkElement): Part {
  return action === 'mark' ? 'marks' : 'nat'
}

/** What to change so that the given rules, and nothing else, are in a part of the table. */
export async function planReplace(part: Part, table: MarkTable, wish: Wish, slices: Slices): Promise<MarkChange> {
  const wanted = wish.flatMap(({ elements }) => elements)
  const overlap = await inSlices(findOverlap(wanted, [], nothing, slices), slices)
  if (overlap !== undefined) throw describeOverlap(overlap, wish, table)
  const kept = new Set<MarkElement>()
  const added: MarkElement[] = []
  for (const element of wanted) {
    const existing = table.get(element.key)
    if (existing !== undefined && isSame(existing, element)) kept.add(existing)
    else added.push(element)
    if (slices.due()) await slices.next()
  }
  const removed = [...table.elements()].filter((element) => !kept.has(element) && partOf(element) === part)
  return { removed, added }
}
