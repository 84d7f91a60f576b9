// Compares the rules of two states: existing and desired ones. All changes of one kind are one transaction. lib/marks/plan.ts then
// compares the rules of that transaction with the elements of the table.
import { IpvsError } from 'ipvs'
import type { RuleChange } from './change.ts'
import type { CheckedList, CheckedRule } from './checked.ts'
import { placed, type Problems } from './problems.ts'
import type { RuleKind, Span } from './rule-kinds.ts'
import { rowCounter, type PausingWork } from './pauses.ts'

/** The changes of the rules of one kind. */
export interface RuleDifference<Rule> {
  /** New rules with the rules that they replace, and their paths in the desired state. */
  readonly written: readonly { readonly rule: Rule; readonly from: readonly Rule[]; readonly path: string }[]
  /** Existing rules that no other rule replaces. */
  readonly removed: readonly Rule[]
  /** Existing rules that stay. */
  readonly kept: readonly Rule[]
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

/**
 * Compares the existing rules of one kind with the desired ones. `prunes`: whether a rule that `desired` lacks is removed.
 *
 * A desired rule is written unless it exists, or an existing rule for more ports has the same effect. An existing rule that is
 * not desired is removed if `prunes` says so, replaced if desired rules cover all its ports and one has another effect, else kept.
 */
export function* ruleDifference<Rule>(
  kind: RuleKind<Rule>,
  current: readonly Rule[],
  desired: CheckedList<CheckedRule<Rule>>,
  prunes: (rule: Rule) => boolean,
): PausingWork<RuleDifference<Rule>> {
  const { text, key, packets, ports, effect } = kind
  const canPause = rowCounter()
  const desiredByKey = new Map<string, CheckedRule<Rule>>()
  for (const row of desired.rows) {
    if (!desiredByKey.has(key(row.rule))) desiredByKey.set(key(row.rule), row)
    if (canPause()) yield
  }
  // The existing rules: desired, removed, or neither. A rule of the last kind is kept unless desired rules replace it.
  const existing = new Map<string, Rule>()
  const pruned: Rule[] = []
  const undesired: Rule[] = []
  for (const rule of current) {
    if (desiredByKey.has(key(rule))) existing.set(key(rule), rule)
    else if (!desired.unclear && prunes(rule)) pruned.push(rule)
    else undesired.push(rule)
    if (canPause()) yield
  }
  // If every desired rule exists, nothing is replaced and no group is needed.
  const hasNew = [...desiredByKey.keys()].some((name) => !existing.has(name))
  const desiredByPackets = grouped(hasNew ? [...desiredByKey.values()] : [], ({ rule }) => packets(rule))
  // Whether `other` has the effect of `rule` on all packets of `rule`. Both match the same packets, except for the ports.
  const covers = (other: Rule, rule: Rule) =>
    effect(other) === effect(rule) && ports(rule).every((span) => isWithin(span, joined(ports(other))))
  // Whether desired rules cover all packets of `other`, and at least one of them has another effect.
  const isReplaced = (other: Rule): boolean => {
    const rivals = (desiredByPackets.get(packets(other)) ?? []).filter(({ rule }) => shares(ports(rule), ports(other)))
    if (rivals.every(({ rule }) => covers(other, rule))) return false
    const covered = joined(rivals.flatMap(({ rule }) => ports(rule)))
    return ports(other).every((span) => isWithin(span, covered))
  }
  const replaced = new Set<Rule>()
  for (const rule of undesired) {
    if (isReplaced(rule)) replaced.add(rule)
    if (canPause()) yield
  }
  yield
  const rest = undesired.filter((rule) => !replaced.has(rule))
  yield
  const restByPackets = grouped(hasNew ? rest : [], packets)
  const replacedByPackets = grouped([...replaced], packets)
  const prunedByPackets = grouped(hasNew ? pruned : [], packets)
  const writtenOf = ({ rule, path }: CheckedRule<Rule>): RuleDifference<Rule>['written'] => {
    const same = existing.get(key(rule))
    if (same !== undefined) return text(same) === text(rule) ? [] : [{ rule, from: [same], path }]
    if (restByPackets.get(packets(rule))?.some((other) => covers(other, rule))) return []
    // Each replaced rule belongs to one change: the first that replaces it.
    const from = [replacedByPackets, prunedByPackets].flatMap((groups) => {
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
  const written: RuleDifference<Rule>['written'][number][] = []
  for (const row of desiredByKey.values()) {
    written.push(...writtenOf(row))
    if (canPause()) yield
  }
  const taken = new Set(written.flatMap(({ from }) => from))
  const kept = [...existing.values(), ...rest].filter((rule) => !taken.has(rule))
  return { written, removed: pruned.filter((rule) => !taken.has(rule)), kept }
}

/** The number of overlaps that an error names: each needs another check of all rules. */
export const MOST_OVERLAPS = 20

// Leaves out the rule that overlaps another one, and adds a problem.
function without<Rule>(
  { written, removed, kept }: RuleDifference<Rule>,
  error: unknown,
  problems: Problems,
): RuleDifference<Rule> {
  if (!(error instanceof IpvsError)) throw error
  const [, place] = /^rules\[(\d+)\]/.exec(error.attribute ?? '') ?? []
  const bad = written[Number(place)]
  if (bad === undefined) throw error
  problems.add(...placed(error, bad.path, `rules[${place}]`))
  return { written: written.filter((each) => each !== bad), removed, kept: [...kept, ...bad.from] }
}

/** New rules that overlap each other or existing rules become problems, at most `most` of them. Returns the rest. */
export function withoutOverlaps<Rule>(
  kind: RuleKind<Rule>,
  difference: RuleDifference<Rule>,
  problems: Problems,
  most: number,
): RuleDifference<Rule> {
  let rest = difference
  for (let count = 0; rest.written.length > 0 && count < most; count++) {
    try {
      kind.check(rulesOf(rest), rest.kept)
      break
    } catch (error) {
      rest = without(rest, error, problems)
    }
  }
  return rest
}

/** {@link withoutOverlaps} with pauses for the event loop. */
export async function withoutOverlapsAsync<Rule>(
  kind: RuleKind<Rule>,
  difference: RuleDifference<Rule>,
  problems: Problems,
  most: number,
): Promise<RuleDifference<Rule>> {
  let rest = difference
  for (let count = 0; rest.written.length > 0 && count < most; count++) {
    try {
      await kind.checkAsync(rulesOf(rest), rest.kept)
      break
    } catch (error) {
      rest = without(rest, error, problems)
    }
  }
  return rest
}

function rulesOf<Rule>({ written }: RuleDifference<Rule>): Rule[] {
  return written.map(({ rule }) => rule)
}

/** The changes, removals first; all are one transaction. */
export function ruleChanges<Kind extends 'mark' | 'nat', Rule>(
  name: Kind,
  { key }: RuleKind<Rule>,
  { written, removed }: RuleDifference<Rule>,
): RuleChange<Kind, Rule>[] {
  return [
    ...removed.map((rule) => ({ kind: name, action: 'remove', key: key(rule), rule }) as const),
    ...written.map(({ rule, from }) =>
      from.length === 0
        ? ({ kind: name, action: 'add', key: key(rule), rule } as const)
        : ({ kind: name, action: 'update', key: key(rule), rule, from } as const),
    ),
  ]
}
