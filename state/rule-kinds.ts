// The two kinds of rules, as far as comparing them is concerned.
import { checkMarkRules, checkMarkRulesAsync, checkNatRules, type MarkPort, type MarkRule, type NatRule } from 'ipvs'
import { markWords, natWords } from './rule-text.ts'

/** From a port to a port, both included. */
export type Span = readonly [from: number, to: number]

/** How rules of a kind are compared. They are in the spelling of listings. */
export interface RuleKind<Rule> {
  readonly section: 'marks' | 'nat'
  /** All of a rule in words: rules with the same words are the same. */
  readonly words: (rule: Rule) => string
  /** What makes it the rule that it is: all but comment and counter. */
  readonly key: (rule: Rule) => string
  /** Which packets, but for ports. */
  readonly packets: (rule: Rule) => string
  readonly ports: (rule: Rule) => readonly Span[]
  /** What it does with packets. */
  readonly effect: (rule: Rule) => string
  /** Throws for rules that overlap each other, or those that stay. */
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
  return `marks ${markWords(rule)}`
}

export function natKey(rule: NatRule): string {
  return `nat ${natWords({ ...rule, comment: undefined, counter: undefined })}`
}

export const markKind: RuleKind<MarkRule> = {
  section: 'marks',
  words: markWords,
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
  words: natWords,
  key: natKey,
  packets: (rule) => {
    const { action, address = '', protocol, source = '' } = rule
    return [action, address, protocol, source, rule.action === 'redirect' ? (rule.interface ?? '') : ''].join(' ')
  },
  ports: (rule) => spansOf(rule.action === 'redirect' ? rule.ports : rule.sourcePorts),
  effect: (rule) => (rule.action === 'redirect' ? String(rule.toPort ?? '') : ''),
  check: checkNatRules,
  checkAsync: async (rules, existing) => checkNatRules(rules, existing), // there are few
}
