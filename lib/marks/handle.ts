// The handle of a table: its store, and the context for errors.
import { describeRule, type CheckedRule } from './checked-rule.ts'
import { ruleOf } from './mark-element.ts'
import { planChange, desiredRule, desiredRules, type DesiredRules } from './plan.ts'
import type { MarkStore, Plan } from './store.ts'
import { groupRules } from './mark-table.ts'
import type { Namespace } from '../calls/namespace.ts'
import { parseCallOptions, type CallOptions } from '../calls/options.ts'
import { checked, type RequestContext } from '../calls/context.ts'
import { Pauses } from '../values/pauses.ts'
import { InvalidInput, isArray, list, readFields, show } from '../values/validate.ts'

const MOST_RULES = 1_000_000

export type Parse = (value: unknown, path: string) => CheckedRule

function parseAt(path: string, given: unknown, parse: Parse): CheckedRule {
  try {
    return parse(given, '')
  } catch (error) {
    throw error instanceof InvalidInput ? error.within(path) : error
  }
}

/** Validates rules one at a time. `argument`: the argument's name, for errors. */
export function* parseEach(rules: readonly unknown[], parse: Parse, argument = 'rules'): Iterable<CheckedRule> {
  for (let index = 0; index < rules.length; index++) yield parseAt(`${argument}[${index}]`, rules[index], parse)
}

/** Rules to remove and rules to add in one transaction. */
export interface RuleChanges<Rule> {
  /** Rules to remove. Default: none. */
  readonly remove?: readonly Rule[] | undefined
  /** Rules to add. Default: none. */
  readonly add?: readonly Rule[] | undefined
}

async function parseList(value: unknown, name: 'remove' | 'add', parse: Parse): Promise<DesiredRules> {
  const rules = value === undefined ? [] : list(value, `changes.${name}`, MOST_RULES)
  return desiredRules(parseEach(rules, parse, `changes.${name}`), new Pauses(), `changes.${name}`)
}

async function parseRules(value: unknown, parse: Parse, context: RequestContext): Promise<DesiredRules> {
  if (!isArray(value)) {
    const rule = parse(value, 'rule')
    context.target = describeRule(rule)
    return desiredRule(rule)
  }
  const rules = list(value, 'rules', MOST_RULES)
  const desired = await desiredRules(parseEach(rules, parse), new Pauses())
  context.target = rules.length === 1 ? (desired[0]?.text ?? '') : `${rules.length} rules`
  return desired
}

export class MarksHandle {
  readonly store: MarkStore
  readonly netns: Namespace | undefined
  readonly #target: string

  constructor(store: MarkStore, target: string, netns: Namespace | undefined) {
    this.store = store
    this.#target = target
    this.netns = netns
  }

  context(operation: string): RequestContext {
    return { operation, target: this.#target, netns: this.netns?.path }
  }

  async list<Listed>(
    operation: string,
    options: CallOptions,
    listed: (rule: CheckedRule) => Listed | undefined,
  ): Promise<Listed[]> {
    const context = this.context(operation)
    const signal = checked(context, () => parseCallOptions(options))
    const pauses = new Pauses()
    const rules: Listed[] = []
    for (const elements of groupRules(await this.store.read(context, signal))) {
      const rule = listed(ruleOf(elements))
      if (rule !== undefined) rules.push(rule)
      if (pauses.isDue()) await pauses.take()
    }
    return rules
  }

  async change(operation: string, parse: Parse, rules: unknown, options: CallOptions, plan: Plan): Promise<void> {
    const context = this.context(operation)
    const signal = checked(context, () => parseCallOptions(options))
    const desired = this.#desired(parse, rules, context)
    desired.catch(() => {}) // reported through the call; no unhandled rejection if the call ended first
    return this.store.change(context, signal, desired, plan)
  }

  /** Removes rules and adds others in one transaction. */
  async exchange(operation: string, parse: Parse, changes: unknown, options: CallOptions): Promise<void> {
    const context = this.context(operation)
    const [signal, given] = checked(context, () => [
      parseCallOptions(options),
      readFields(changes, 'changes', ['remove', 'add']),
    ])
    const removed = parseList(given.remove, 'remove', parse)
    const added = removed.then(() => parseList(given.add, 'add', parse))
    added.catch(() => {}) // reported through the call; no unhandled rejection if the call ended first
    return this.store.change(context, signal, added, async (table, desired, pauses) =>
      planChange(table, await removed, desired, pauses),
    )
  }

  async #desired(parse: Parse, rules: unknown, context: RequestContext): Promise<DesiredRules> {
    const { operation } = context
    if (operation.startsWith('replace') && !isArray(rules)) {
      const problem = `${show(rules)} is not an array; ${operation}() needs an array of all desired rules`
      throw new InvalidInput('rules', problem)
    }
    return parseRules(rules, parse, context)
  }
}
