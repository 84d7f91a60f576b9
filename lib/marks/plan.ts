// Plans of changes: from the desired rules to the elements to remove and to add. Compares rules with the elements of the table;
// state/rule-difference.ts compares the rules of two states.
import { elementsOf, ruleOf, type MarkElement } from './mark-element.ts'
import { findOverlap } from './overlap.ts'
import type { Overlap } from './overlap-rules.ts'
import { describeRule, type CheckedRule } from './checked-rule.ts'
import { ruleFieldsKind } from './rule-fields.ts'
import type { MarkChange, MarkTable } from './mark-table.ts'
import { runWithPauses, type PausingWork, type Pauses } from '../values/pauses.ts'
import { InvalidInput } from '../values/validate.ts'

/** A rule of the arguments. There can be many thousands: path and text, which only errors need, are built on demand. */
class DesiredRule {
  readonly elements: readonly MarkElement[]
  readonly #argument: string
  readonly #index: number | undefined

  constructor(elements: readonly MarkElement[], argument: string, index?: number) {
    this.elements = elements
    this.#argument = argument
    this.#index = index
  }

  /** Path in the arguments: `rule` or `rules[3]`. */
  get path(): string {
    return this.#index === undefined ? this.#argument : `${this.#argument}[${this.#index}]`
  }

  get text(): string {
    return describeRule(ruleOf(this.elements))
  }
}

/** Desired rules, without duplicates. */
export type DesiredRules = readonly DesiredRule[]

/** A single rule. */
export function desiredRule(rule: CheckedRule): DesiredRules {
  return [new DesiredRule(elementsOf(rule), 'rule')]
}

/**
 * Converts rules, in the order of the arguments. Consumes the iterable one rule at a time and keeps only the elements.
 * `argument`: the argument's name, for errors.
 */
export function* desiredRulesWork(
  rules: Iterable<CheckedRule>,
  pauses: Pauses,
  argument = 'rules',
): PausingWork<DesiredRules> {
  const desired: DesiredRule[] = []
  const seen = new Set<bigint>()
  let index = 0
  for (const given of rules) {
    const elements = elementsOf(given)
    const { size } = seen
    seen.add((elements[0] as MarkElement).rule)
    if (seen.size > size) desired.push(new DesiredRule(elements, argument, index))
    index++
    if (pauses.isDue()) yield
  }
  return desired
}

/** Like `desiredRulesWork`; the event loop runs between pauses. */
export async function desiredRules(
  rules: Iterable<CheckedRule>,
  pauses: Pauses,
  argument?: string,
): Promise<DesiredRules> {
  return runWithPauses(desiredRulesWork(rules, pauses, argument), pauses)
}

function ownerOf(element: MarkElement, desired: DesiredRules): DesiredRule | undefined {
  return desired.find(({ elements }) => elements.includes(element))
}

function describeExisting(table: MarkTable, element: MarkElement): string {
  return `"${describeRule(ruleOf(table.ruleWith(element)))}"`
}

const REMOVE_FIRST = '; remove that rule first, or put the new state in place in one step with replace()'

function describeOverlap(
  [added, other]: Overlap,
  desired: DesiredRules,
  table: MarkTable,
  fix = REMOVE_FIRST,
): InvalidInput {
  const { text: wanted, path } = ownerOf(added, desired) as DesiredRule
  const rival = ownerOf(other, desired)
  const from = Math.max(added.portFrom, other.portFrom)
  const to = Math.min(added.portTo, other.portTo)
  const some = from === to ? `port ${from}` : `ports ${from} to ${to}`
  const ports = from === 0 && to === 65535 ? 'all ports' : some
  const both = `"${wanted}" overlaps`
  if (rival !== undefined) {
    const text = `"${rival.text}" (${rival.path})`
    return new InvalidInput(path, `${both} ${text} in ${ports}; a packet gets only one mark, so remove one of the two`)
  }
  const text = describeExisting(table, other)
  return new InvalidInput(path, `${both} the existing ${text} in ${ports}${fix}`)
}

// The elements of a rule that the table has. Elements without the id of this rule count only if the table has all elements of
// the rule, and if they are no part of a larger rule. There are two such cases: nft added the rule, or loaded it from a saved
// ruleset, so its elements have no id; or a larger rule lost its other elements, and these still have its id.
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
  // Another program removed elements of a larger rule: the rest has the id of that rule.
  const rest = table.ruleWith(found[0] as MarkElement)
  return rest.length === found.length && found.every((element) => rest.includes(element)) ? found : own
}

// True if `other` gives all packets of `element` the same mark: equal addresses, protocol and fields, and all its ports.
function covers(other: MarkElement, element: MarkElement): boolean {
  const same = other.start === element.start && other.action === 'mark' && other.mark === element.mark
  return same && isSameKind(other, element) && other.portFrom <= element.portFrom && element.portTo <= other.portTo
}

function isSameKind({ ruleFields: left }: MarkElement, { ruleFields: right }: MarkElement): boolean {
  if (left === undefined || right === undefined) return left === right
  return ruleFieldsKind(left) === ruleFieldsKind(right)
}

/** True if other elements already give all packets of a rule its mark, for example a rule for more ports. */
function isCovered(table: MarkTable, { elements }: DesiredRule, gone: ReadonlySet<MarkElement>): boolean {
  const missing = new Set(elements)
  for (const other of table.elements()) {
    if (gone.has(other)) continue
    for (const element of missing) if (covers(other, element)) missing.delete(element)
  }
  return missing.size === 0
}

// The elements of a rule to add, and the foreign elements that they replace.
function missingOf(table: MarkTable, { elements }: DesiredRule, gone: ReadonlySet<MarkElement>): MarkChange {
  const found = new Map(present(table, elements, gone).map((element) => [element.key, element]))
  const added = elements.filter((element) => found.get(element.key)?.rule !== element.rule)
  const removed = added.flatMap(({ key }) => found.get(key) ?? [])
  const isMarked = ({ key, mark }: MarkElement) => {
    const other = table.get(key)
    return other?.mark === mark && !gone.has(other)
  }
  // The table has every element with this mark, each as a part of a rule for more ports, so nothing is missing. planAdd would
  // find the same with isCovered(), which searches the whole table.
  if (removed.length === 0 && added.length > 0 && elements.every(isMarked)) return { removed, added: [] }
  return { removed, added }
}

const nothing: ReadonlySet<MarkElement> = new Set()

/**
 * Plans the addition of rules. An existing rule stays unchanged, even if its comment or counter differs. So does a rule whose
 * packets already get the mark from a rule for more ports. Foreign elements of a rule are replaced by elements with its id.
 * `gone`: elements that the same transaction removes.
 */
export async function planAdd(
  table: MarkTable,
  desired: DesiredRules,
  pauses: Pauses,
  gone: ReadonlySet<MarkElement> = nothing,
): Promise<MarkChange> {
  const missing = new Map<DesiredRule, MarkChange>()
  for (const rule of desired) {
    const change = missingOf(table, rule, gone)
    if (change.added.length > 0) missing.set(rule, change)
    if (pauses.isDue()) await pauses.take()
  }
  for (;;) {
    const changes = [...missing.values()]
    const removed = new Set([...gone, ...changes.flatMap((change) => change.removed)])
    const added = changes.flatMap((change) => change.added)
    const overlap = added.length === 0 ? undefined : await overlapIn(table, added, removed, pauses)
    if (overlap === undefined) return { removed: [...removed], added }
    const owner = ownerOf(overlap[0], desired) as DesiredRule
    if (!isCovered(table, owner, gone)) throw describeOverlap(overlap, desired, table)
    missing.delete(owner)
  }
}

async function overlapIn(
  table: MarkTable,
  added: readonly MarkElement[],
  ignored: ReadonlySet<MarkElement>,
  pauses: Pauses,
): Promise<Overlap | undefined> {
  return runWithPauses(findOverlap(added, table.elements(), ignored, pauses), pauses)
}

/** Plans the removal of rules and the addition of other rules in one transaction. */
export async function planChange(
  table: MarkTable,
  removals: DesiredRules,
  additions: DesiredRules,
  pauses: Pauses,
): Promise<MarkChange> {
  const { removed } = await planRemove(table, removals, pauses)
  return planAdd(table, additions, pauses, new Set(removed))
}

/** The first overlap of rules with each other or with rules of a table, as an error. `fix`: text after an overlap with the table. */
export function* overlapProblem(
  table: MarkTable,
  desired: DesiredRules,
  fix: string,
  pauses: Pauses,
): PausingWork<InvalidInput | undefined> {
  const elements = desired.flatMap((rule) => rule.elements)
  const overlap = yield* findOverlap(elements, table.elements(), nothing, pauses)
  return overlap && describeOverlap(overlap, desired, table, fix)
}

function describeAbsent(table: MarkTable, { text, path, elements }: DesiredRule): InvalidInput {
  const first = elements[0] as MarkElement
  const near = new Set<string>()
  for (const element of table.elements()) {
    const sameKind = element.protocol === first.protocol && element.action === first.action
    const touches = sameKind && element.from <= first.to && first.from <= element.to
    if (touches) near.add(describeExisting(table, element))
    if (near.size === 4) break
  }
  const [shown, more] = [[...near].slice(0, 3).join(', '), near.size > 3 ? ', ...' : '']
  const instead =
    near.size === 0 ? 'the table has no rule for this address and protocol' : `the table has ${shown}${more}`
  return new InvalidInput(path, `there is no rule "${text}"; ${instead}. Only whole rules can be removed: see list()`)
}

/** Plans the removal of rules. Throws `InvalidInput` if a rule does not exist. */
export async function planRemove(table: MarkTable, desired: DesiredRules, pauses: Pauses): Promise<MarkChange> {
  const removed: MarkElement[] = []
  for (const rule of desired) {
    const found = present(table, rule.elements)
    if (found.length !== rule.elements.length) throw describeAbsent(table, rule)
    removed.push(...found)
    if (pauses.isDue()) await pauses.take()
  }
  return { removed, added: [] }
}

function isSame(left: MarkElement, right: MarkElement): boolean {
  const counted = (left.counter === undefined) === (right.counter === undefined)
  return counted && left.mark === right.mark && left.rule === right.rule && left.comment === right.comment
}

/** A part of the table: mark rules or NAT rules. */
export type Part = 'marks' | 'nat'

function partOf({ action }: MarkElement): Part {
  return action === 'mark' ? 'marks' : 'nat'
}

/** Plans the replacement of all rules in a part of the table. */
export async function planReplace(
  part: Part,
  table: MarkTable,
  desired: DesiredRules,
  pauses: Pauses,
): Promise<MarkChange> {
  const wanted = desired.flatMap(({ elements }) => elements)
  const overlap = await runWithPauses(findOverlap(wanted, [], nothing, pauses), pauses)
  if (overlap !== undefined) throw describeOverlap(overlap, desired, table)
  const kept = new Set<MarkElement>()
  const added: MarkElement[] = []
  for (const element of wanted) {
    const existing = table.get(element.key)
    if (existing !== undefined && isSame(existing, element)) kept.add(existing)
    else added.push(element)
    if (pauses.isDue()) await pauses.take()
  }
  const removed = [...table.elements()].filter((element) => !kept.has(element) && partOf(element) === part)
  return { removed, added }
}
