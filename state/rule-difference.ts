// Compares existing rules with desired ones. All changes of one kind are one transaction.
import { IpvsError } from 'ipvs'
import type { RuleChange } from './change.ts'
import type { CheckedList, CheckedRule } from './checked.ts'
import { placed, type Problems } from './problems.ts'
import type { RuleKind, Span } from './rule-kinds.ts'
import { beats, type Work } from './work.ts'

/** New rules with the rules that they replace, and removed rules. */
export interface RuleDifference<Rule> {
  readonly puts: readonly { readonly rule: Rule; readonly from: readonly Rule[]; readonly path: string }[]
  readonly goes: readonly Rule[]
  /** Existing rules that stay. */
  readonly stays: readonly Rule[]
}

const isWithin = ([from, to]: Span, spans: readonly Span[]): boolean =>
  spans.some((span) => span[0] <= from && to <= span[1])
const shares = (left: readonly Span[], right: readonly Span[]): boolean =>
  left.some(([from, to]) => right.some((span) => span[0] <= to && from <= span[1]))

/** Joins adjacent and overlapping spans. */
function joined(spans: readonly Span[]): Span[] {
  const result: Span[] = []
  for (const [from, to] of spans.toSorted((left, right) => left[0] - right[0])) {
    const last = result.at(-1)
    if (last !== undefined && from <= last[1] + 1) result[result.length - 1] = [last[0], Math.max(last[1], to)]
    else result.push([from, to])
  }
  return result
}

function grouped<Item>(items: readonly Item[], key: (item: Item) => string): Map<string, Item[]> {
  const groups = new Map<string, Item[]>()
  for (const item of items) {
    const group = groups.get(key(item))
    if (group === undefined) groups.set(key(item), [item])
    else group.push(item)
  }
  return groups
}

/** `prunes`: whether a rule that `wanted` lacks is removed. */
export function* ruleDifference<Rule>(
  kind: RuleKind<Rule>,
  current: readonly Rule[],
  wanted: CheckedList<CheckedRule<Rule>>,
  prunes: (rule: Rule) => boolean,
): Work<RuleDifference<Rule>> {
  const { words, key, packets, ports, effect } = kind
  const due = beats()
  const named = new Map<string, CheckedRule<Rule>>()
  for (const each of wanted.rows) {
    if (!named.has(key(each.rule))) named.set(key(each.rule), each)
    if (due()) yield
  }
  const there = new Map<string, Rule>()
  const goes: Rule[] = []
  const others: Rule[] = [] // not desired; each stays unless a desired rule replaces it
  for (const rule of current) {
    if (named.has(key(rule))) there.set(key(rule), rule)
    else if (!wanted.unclear && prunes(rule)) goes.push(rule)
    else others.push(rule)
    if (due()) yield
  }
  const fresh = [...named].filter(([name]) => !there.has(name)).map(([, each]) => each)
  const wantedBy = grouped(fresh.length === 0 ? [] : [...named.values()], ({ rule }) => packets(rule))
  const gives = (other: Rule, rule: Rule) =>
    effect(other) === effect(rule) && ports(rule).every((span) => isWithin(span, joined(ports(other))))
  // Desired rules cover all its packets, and at least one of them has another effect.
  const isReplaced = (other: Rule): boolean => {
    const same = (wantedBy.get(packets(other)) ?? []).filter(({ rule }) => shares(ports(rule), ports(other)))
    if (same.every(({ rule }) => gives(other, rule))) return false
    const claimed = joined(same.flatMap(({ rule }) => ports(rule)))
    return ports(other).every((span) => isWithin(span, claimed))
  }
  const old: Rule[] = []
  for (const rule of others) {
    if (isReplaced(rule)) old.push(rule)
    if (due()) yield
  }
  const replaced = grouped(old, packets)
  yield
  const kept = others.filter((rule) => replaced.get(packets(rule))?.includes(rule) !== true)
  yield
  const keptBy = grouped(fresh.length === 0 ? [] : kept, packets)
  const pruned = grouped(fresh.length === 0 ? [] : goes, packets)
  const putOf = ({ rule, path }: CheckedRule<Rule>): RuleDifference<Rule>['puts'] => {
    const same = there.get(key(rule))
    if (same !== undefined) return words(same) === words(rule) ? [] : [{ rule, from: [same], path }]
    if (keptBy.get(packets(rule))?.some((other) => gives(other, rule))) return []
    // Each replaced rule belongs to one change: the first that replaces it.
    const from = [replaced, pruned].flatMap((groups) => {
      const group = groups.get(packets(rule)) ?? []
      const taken = group.filter((other) => shares(ports(other), ports(rule)))
      if (taken.length > 0)
        groups.set(
          packets(rule),
          group.filter((other) => !taken.includes(other)),
        )
      return taken
    })
    return [{ rule, from, path }]
  }
  const puts: RuleDifference<Rule>['puts'][number][] = []
  for (const each of named.values()) {
    puts.push(...putOf(each))
    if (due()) yield
  }
  const taken = new Set(puts.flatMap(({ from }) => from))
  const stays = [...there.values(), ...kept].filter((rule) => !taken.has(rule))
  return { puts, goes: goes.filter((rule) => !taken.has(rule)), stays }
}

/** The number of overlaps that an error names: each needs another check of all rules. */
export const MOST_OVERLAPS = 20

// Leaves out the rule that overlaps another one, and adds a problem.
function without<Rule>(
  { puts, goes, stays }: RuleDifference<Rule>,
  error: unknown,
  problems: Problems,
): RuleDifference<Rule> {
  if (!(error instanceof IpvsError)) throw error
  const [, place] = /^rules\[(\d+)\]/.exec(error.attribute ?? '') ?? []
  const bad = puts[Number(place)]
  if (bad === undefined) throw error
  problems.add(...placed(error, bad.path, `rules[${place}]`))
  return { puts: puts.filter((each) => each !== bad), goes, stays: [...stays, ...bad.from] }
}

/** New rules that overlap each other or existing rules become problems, at most `most` of them. Returns the rest. */
export function withoutOverlaps<Rule>(
  kind: RuleKind<Rule>,
  difference: RuleDifference<Rule>,
  problems: Problems,
  most: number,
): RuleDifference<Rule> {
  let rest = difference
  for (let count = 0; rest.puts.length > 0 && count < most; count++) {
    try {
      kind.check(rulesOf(rest), rest.stays)
      break
    } catch (error) {
      rest = without(rest, error, problems)
    }
  }
  return rest
}

/** {@link withoutOverlaps} in slices. */
export async function withoutOverlapsAsync<Rule>(
  kind: RuleKind<Rule>,
  difference: RuleDifference<Rule>,
  problems: Problems,
  most: number,
): Promise<RuleDifference<Rule>> {
  let rest = difference
  for (let count = 0; rest.puts.length > 0 && count < most; count++) {
    try {
      await kind.checkAsync(rulesOf(rest), rest.stays)
      break
    } catch (error) {
      rest = without(rest, error, problems)
    }
  }
  return rest
}

function rulesOf<Rule>({ puts }: RuleDifference<Rule>): Rule[] {
  return puts.map(({ rule }) => rule)
}

/** The changes, removals first; all are one transaction. */
export function ruleChanges<Kind extends 'mark' | 'nat', Rule>(
  name: Kind,
  { key }: RuleKind<Rule>,
  { puts, goes }: RuleDifference<Rule>,
): RuleChange<Kind, Rule>[] {
  return [
    ...goes.map((rule) => ({ kind: name, action: 'remove', key: key(rule), rule }) as const),
    ...puts.map(({ rule, from }) =>
      from.length === 0
        ? ({ kind: name, action: 'add', key: key(rule), rule } as const)
        : ({ kind: name, action: 'update', key: key(rule), rule, from } as const),
    ),
  ]
}
