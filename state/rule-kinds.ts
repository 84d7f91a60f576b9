// The two kinds of rules, mark rules and NAT rules: what rule-difference.ts needs to compare them.
import { checkMarkRules, checkMarkRulesAsync, checkNatRules, type MarkPort, type MarkRule, type NatRule } from 'ipvs'
import { markRuleText, natRuleText } from './rule-text.ts'

/** From a port to a port, both included. */
export type Span = readonly [from: number, to: number]

/** How rules of one kind are compared. Rules are in the spelling of listings. */
export interface RuleKind<Rule> {
  readonly section: 'marks' | 'nat'
  /** The whole rule as text: equal rules have equal text. */
  readonly text: (rule: Rule) => string
  /** The rule without comment and counter, as text. */
  readonly key: (rule: Rule) => string
  /** The packets of the rule, without ports, as text. */
  readonly packets: (rule: Rule) => string
  readonly ports: (rule: Rule) => readonly Span[]
  /** The effect on packets, as text. */
  readonly effect: (rule: Rule) => string
  /** Throws if rules overlap each other or existing rules. */
  readonly check: (rules: readonly Rule[], existing: readonly Rule[]) => void
  readonly checkAsync: (rules: readonly Rule[], existing: readonly Rule[]) => Promise<void>
}

function spansOf(ports: MarkRule['ports'] = 'all'): Span[] {
  if (ports === 'all') return [[0, 65535]]
  return [ports].flat().map((port: MarkPort) => {
    const [from = 0, to = from] = String(port).split('-').map(Number)
    return [from, to]
  })
}

export function markKey({ comment: _comment, counter: _counter, ...rule }: MarkRule): string {
  return `marks ${markRuleText(rule)}`
}

export function natKey(rule: NatRule): string {
  return `nat ${natRuleText({ ...rule, comment: undefined, counter: undefined })}`
}

export const markKind: RuleKind<MarkRule> = {
  section: 'marks',
  text: markRuleText,
  key: markKey,
  packets: ({ address, protocol, mask = '', source = '', interface: name = '' }) =>
    [address, protocol, mask, source, name].join(' '),
  ports: ({ ports }) => spansOf(ports),
  effect: ({ mark }) => String(mark),
  check: checkMarkRules,
  checkAsync: checkMarkRulesAsync,
}

export const natKind: RuleKind<NatRule> = {
  section: 'nat',
  text: natRuleText,
  key: natKey,
  packets: (rule) => {
    const { action, address = '', protocol, source = '' } = rule
    return [action, address, protocol, source, rule.action === 'redirect' ? (rule.interface ?? '') : ''].join(' ')
  },
  ports: (rule) => spansOf(rule.action === 'redirect' ? rule.ports : rule.sourcePorts),
  effect: (rule) => (rule.action === 'redirect' ? String(rule.toPort ?? '') : ''),
  check: checkNatRules,
  checkAsync: async (rules, existing) => checkNatRules(rules, existing), // NAT rules are few
}
