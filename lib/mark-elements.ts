// Elements of the mark map: one for each port or range of ports of a rule. What the kernel has are elements; rules are
// found again by the number that theirs have in common.
import { familyName, familyNumber, type Family } from './address.ts'
import { formatAddressBlock } from './address-block.ts'
import type { PortSpan } from './mark-ports.ts'
import { ruleId, type CheckedRule } from './mark-rule.ts'

/** A row of the record `element`. */
export interface ElementRow {
  readonly mark?: number | undefined
  readonly rule?: bigint | undefined
  readonly addressFrom?: Uint8Array | undefined
  readonly addressTo?: Uint8Array | undefined
  readonly family?: number | undefined
  readonly protocol?: number | undefined
  readonly portFrom?: number | undefined
  readonly portTo?: number | undefined
  readonly interval?: number | undefined
  readonly comment?: string | undefined
}

export interface MarkElement {
  readonly mark: number
  /** Id of its rule; 0: made by somebody else. */
  readonly rule: bigint
  readonly protocol: number
  readonly portFrom: number
  readonly portTo: number
  /** First and last address as text that sorts like addresses, families apart. */
  readonly from: string
  readonly to: string
  readonly comment: string
  /** What the kernel tells elements apart by. */
  readonly key: string
  /** The same for all elements of a rule; other elements have each their own. */
  readonly group: string
  readonly row: ElementRow
}

function sortable(bytes: Uint8Array, family: Family): string {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).latin1Slice()
  return family === 'ipv4' ? `4${text.slice(0, 4)}` : `6${text}`
}

const noAddress = new Uint8Array(16)

export function elementOf(row: ElementRow): MarkElement {
  const { mark = 0, rule = 0n, protocol = 0, portFrom = 0, portTo = 0, interval = 0, comment = '' } = row
  const { addressFrom = noAddress, addressTo = noAddress } = row
  const family = familyName(row.family)
  const from = sortable(addressFrom, family)
  const to = addressFrom === addressTo ? from : sortable(addressTo, family)
  const key = `${protocol} ${portFrom}-${portTo} ${interval} ${from}${to}`
  const group = rule === 0n ? key : `${rule} ${protocol} ${mark} ${from}${to}`
  return { mark, rule, protocol, portFrom, portTo, from, to, comment, key, group, row }
}

/** The elements of a new rule. A single port of a single address goes to the hash map, all else to the interval map. */
export function elementsOf(rule: CheckedRule): MarkElement[] {
  const { mark, block, protocol, spans, comment } = rule
  const id = ruleId(rule)
  const common = {
    mark,
    rule: id,
    addressFrom: block.from,
    addressTo: block.to,
    family: familyNumber(block.family),
    protocol,
    comment: comment === '' ? undefined : comment,
  }
  const oneAddress = Buffer.compare(block.from, block.to) === 0
  return spans.map(({ from, to }) =>
    elementOf({ ...common, portFrom: from, portTo: to, interval: oneAddress && from === to ? 0 : 1 }),
  )
}

/** The rule that elements of one group make up. */
export function ruleOf(elements: readonly MarkElement[]): CheckedRule {
  const { row, mark, protocol } = elements[0] as MarkElement
  const { addressFrom: from = noAddress, addressTo: to = noAddress } = row
  const family = familyName(row.family)
  const spans: PortSpan[] = elements.map(({ portFrom, portTo }) => ({ from: portFrom, to: portTo }))
  spans.sort((left, right) => left.from - right.from)
  const comment = elements.find((element) => element.comment !== '')?.comment ?? ''
  return { mark, block: { family, from, to, text: formatAddressBlock(from, to, family) }, protocol, spans, comment }
}
