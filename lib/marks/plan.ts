// From the rules that somebody wants to the elements that have to change.
import { elementsOf, ruleOf, type MarkElement } from './element.ts'
import { findOverlap } from './overlap.ts'
import type { Overlap } from './overlap-rules.ts'
import { describeRule, type CheckedRule } from './rule.ts'
import type { MarkChange, MarkTable } from './known-table.ts'
import type { Slices } from '../values/time-slices.ts'
import { InvalidInput } from '../values/validate.ts'

/** A rule that was given. There can be many thousands of them: what only errors need is made for them. */
class WishedRule {
  readonly elements: readonly MarkElement[]
  readonly #index: number | undefined

  constructor(elements: readonly MarkElement[], index: number | undefined) {
    this.elements = elements
    this.#index = index
  }

  /** Where it stands in the arguments: `rule` or `rules[3]`. */
  get path(): string {
    return this.#index === undefined ? 'rule' : `rules[${this.#index}]`
  }

  get text(): string {
    return describeRule(ruleOf(this.elements))
  }
}

/** Given rules, each once. */
export type Wish = readonly WishedRule[]

/** One rule by itself. */
export function wishOf(rule: CheckedRule): Wish {
  return [new WishedRule(elementsOf(rule), undefined)]
}

/** Rules in the order of the arguments. They are taken one by one: those before, being checked, are kept as elements only. */
export async function wishOfAll(rules: Iterable<CheckedRule>, slices: Slices): Promise<Wish> {
  const wish: WishedRule[] = []
  const seen = new Set<bigint>()
  let index = 0
  for (const given of rules) {
    const elements = elementsOf(given)
    const { size } = seen
    seen.add((elements[0] as MarkElement).rule)
    if (seen.size > size) wish.push(new WishedRule(elements, index))
    index++
    if (slices.due()) await slices.next()
  }
  return wish
}

function ownerOf(element: MarkElement, wish: Wish): WishedRule | undefined {
  return wish.find(({ elements }) => elements.includes(element))
}

function describeExisting(table: MarkTable, element: MarkElement): string {
  return `"${describeRule(ruleOf(table.ruleWith(element)))}"`
}

function describeOverlap([added, other]: Overlap, wish: Wish, table: MarkTable): InvalidInput {
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
  const fix = 'remove that rule first, or put the new state in place in one step with replace()'
  return new InvalidInput(path, `${both} the existing ${text} in ${ports}; ${fix}`)
}

// The elements of a rule that are in the table already. Those of others count when all are there: somebody made the same
// rule with nft, or loaded a saved ruleset, which knows nothing of ids. Of a rule that says more, none does.
function present(table: MarkTable, elements: readonly MarkElement[]): MarkElement[] {
  const found: MarkElement[] = []
  for (const { key, mark } of elements) {
    const element = table.get(key)
    if (element?.mark === mark) found.push(element)
  }
  const id = elements[0]?.rule
  const own = found.filter(({ rule }) => rule === id)
  if (own.length === elements.length || found.length < elements.length) return own
  if (found.every(({ rule }) => rule === id || rule === 0n)) return found
  // What is left of a rule of which somebody removed a part has another id.
  const rest = table.ruleWith(found[0] as MarkElement)
  return rest.length === found.length && found.every((element) => rest.includes(element)) ? found : own
}

/**
 * What is missing of the given rules. A rule that is there already is left alone, whatever its comment and counter; elements that
 * somebody else made for it become ours.
 */
export async function planAdd(table: MarkTable, wish: Wish, slices: Slices): Promise<MarkChange> {
  const removed = new Set<MarkElement>()
  const added: MarkElement[] = []
  for (const { elements } of wish) {
    const found = new Map(present(table, elements).map((element) => [element.key, element]))
    for (const element of elements) {
      const existing = found.get(element.key)
      if (existing?.rule === element.rule) continue
      if (existing !== undefined) removed.add(existing)
      added.push(element)
    }
    if (slices.due()) await slices.next()
  }
  if (added.length > 0) {
    const overlap = await findOverlap(added, table.elements(), removed, slices)
    if (overlap !== undefined) throw describeOverlap(overlap, wish, table)
  }
  return { removed: [...removed], added }
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
  const overlap = await findOverlap(wanted, [], new Set(), slices)
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
