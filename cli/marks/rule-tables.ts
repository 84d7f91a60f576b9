// Tables of rules. Optional columns are shown only if a rule has a value.
import type { FoundMark, ListedMarkRule, ListedNatRule } from 'ipvs'
import type { Streams } from '../shared/streams.ts'
import { short } from '../shared/format.ts'
import { tableText, type Column } from '../shared/table.ts'
import { maskText, portsText } from '../../state/rule-text.ts'

interface RuleColumn<Rule> extends Column {
  readonly cell: (rule: Rule) => string | number | undefined
  /** Shown even if it is empty. */
  readonly always?: true
}

function sparse<Rule>(columns: readonly RuleColumn<Rule>[], rules: readonly Rule[], streams: Streams): string {
  const shown = columns.filter(({ always, cell }) => always || rules.some((rule) => cell(rule) !== undefined))
  const rows = rules.map((rule) => shown.map(({ cell }) => String(cell(rule) ?? '')))
  return tableText(shown, rows, streams)
}

const count = (value: bigint | undefined): string | undefined => (value === undefined ? undefined : short(value))

type Counted = Pick<ListedMarkRule, 'packets' | 'bytes'>

const counts: readonly RuleColumn<Counted>[] = [
  { title: 'PACKETS', cell: ({ packets }) => count(packets), right: true },
  { title: 'BYTES', cell: ({ bytes }) => count(bytes), right: true },
]
const maskColumn: RuleColumn<Pick<FoundMark, 'mask'>> = {
  title: 'MASK',
  cell: ({ mask }) => (mask === undefined ? undefined : maskText(mask)),
}

const markColumns: readonly RuleColumn<ListedMarkRule>[] = [
  { title: 'MARK', cell: ({ mark }) => mark, right: true, always: true },
  maskColumn,
  { title: 'ADDRESS', cell: ({ address }) => address, always: true },
  { title: 'PROTOCOL', cell: ({ protocol }) => protocol, always: true },
  { title: 'PORTS', cell: ({ ports }) => portsText(ports), always: true },
  { title: 'SOURCE', cell: ({ source }) => source },
  { title: 'INTERFACE', cell: (rule) => rule.interface },
  ...counts,
  { title: 'COMMENT', cell: ({ comment }) => comment, always: true },
]

const redirectOf = (rule: ListedNatRule) => (rule.action === 'redirect' ? rule : undefined)

const natColumns: readonly RuleColumn<ListedNatRule>[] = [
  { title: 'ACTION', cell: ({ action }) => action, always: true },
  { title: 'SOURCE', cell: ({ source }) => source },
  {
    title: 'SOURCE-PORTS',
    cell: (rule) => (rule.action === 'masquerade' ? portsText(rule.sourcePorts) : undefined),
  },
  { title: 'ADDRESS', cell: ({ address }) => address, always: true },
  { title: 'PROTOCOL', cell: ({ protocol }) => protocol, always: true },
  { title: 'PORTS', cell: (rule) => (rule.action === 'redirect' ? portsText(rule.ports) : undefined) },
  { title: 'TO-PORT', cell: (rule) => redirectOf(rule)?.toPort, right: true },
  { title: 'INTERFACE', cell: (rule) => redirectOf(rule)?.interface },
  ...counts,
  { title: 'COMMENT', cell: ({ comment }) => comment },
]

const foundColumns: readonly RuleColumn<FoundMark>[] = [
  { title: 'MARK', cell: ({ mark }) => mark ?? '?', right: true, always: true },
  maskColumn,
  { title: 'TABLE', cell: ({ family, table: name }) => `${family} ${name}`, always: true },
  { title: 'CHAIN', cell: ({ chain }) => chain, always: true },
  { title: 'RULE', cell: ({ handle }) => String(handle), right: true, always: true },
  { title: 'MAP', cell: ({ map }) => map },
]

/** Renders mark rules. */
export function renderMarks(rules: readonly ListedMarkRule[], streams: Streams): string {
  return sparse(markColumns, rules, streams)
}

/** Renders NAT rules. */
export function renderNat(rules: readonly ListedNatRule[], streams: Streams): string {
  return sparse(natColumns, rules, streams)
}

/** Renders rules of other tables; `?` is a mark that depends on the packet. */
export function renderFound(found: readonly FoundMark[], streams: Streams): string {
  return sparse(foundColumns, found, streams)
}
