// Elements of the mark map: one for each port or range of ports of a rule. What the kernel has are elements; rules are
// found again by the id that theirs have in common. There can be many thousands of them: hence one short object each.
import { formatAddressBlock } from './address-block.ts'
import type { Family } from './address.ts'
import { ruleId, type CheckedRule } from './mark-rule.ts'

/** First character of keys: says the family and with it the size of addresses. */
export type FamilyMark = '4' | '6'

function sizeOf(key: string): number {
  return key.startsWith('4') ? 4 : 16
}

/**
 * An element. `key` is all that the kernel tells elements apart by, one character per byte and in network order, so that
 * keys sort like what they mean: family, first and last address, protocol, first and last port, map.
 */
export class MarkElement {
  readonly key: string
  readonly mark: number
  /** Id of its rule; 0: made by somebody else. */
  readonly rule: bigint
  readonly comment: string

  constructor(key: string, mark: number, rule: bigint, comment: string) {
    this.key = key
    this.mark = mark
    this.rule = rule
    this.comment = comment
  }

  get family(): Family {
    return this.key.startsWith('4') ? 'ipv4' : 'ipv6'
  }

  /** Family and first address. */
  get from(): string {
    return this.key.slice(0, 1 + sizeOf(this.key))
  }

  /** Family and last address. */
  get to(): string {
    return this.key.charAt(0) + this.key.slice(1 + sizeOf(this.key), 1 + 2 * sizeOf(this.key))
  }

  get protocol(): number {
    return this.key.charCodeAt(1 + 2 * sizeOf(this.key))
  }

  get portFrom(): number {
    return this.#port(2 + 2 * sizeOf(this.key))
  }

  get portTo(): number {
    return this.#port(4 + 2 * sizeOf(this.key))
  }

  /** What all elements of a rule have in common at least. */
  get place(): string {
    return this.key.slice(0, 2 + 2 * sizeOf(this.key))
  }

  #port(at: number): number {
    return (this.key.charCodeAt(at) << 8) | this.key.charCodeAt(at + 1)
  }
}

function bytesText(bytes: Uint8Array, size: number): string {
  let text = ''
  for (let index = 0; index < size; index++) text += String.fromCharCode(bytes[index] as number)
  return text
}

// `text` begins with the family.
function addressBytes(text: string): Uint8Array {
  const bytes = new Uint8Array(16)
  for (let index = 1; index < text.length; index++) bytes[index - 1] = text.charCodeAt(index)
  return bytes
}

/** The end of a key, behind family and addresses. */
export function keyEnd(protocol: number, from: number, to: number, interval: number): string {
  return String.fromCharCode(protocol, from >>> 8, from & 0xff, to >>> 8, to & 0xff, interval)
}

/** The elements of a new rule. A single port of a single address goes to the hash map, all else to the interval map. */
export function elementsOf(rule: CheckedRule): MarkElement[] {
  const { mark, block, protocol, spans, comment } = rule
  const id = ruleId(rule)
  const familyMark: FamilyMark = block.family === 'ipv4' ? '4' : '6'
  const size = sizeOf(familyMark)
  const from = bytesText(block.from, size)
  const to = block.from === block.to ? from : bytesText(block.to, size)
  const start = familyMark + from + to
  return spans.map((span) => {
    const interval = from === to && span.from === span.to ? 0 : 1
    return new MarkElement(start + keyEnd(protocol, span.from, span.to, interval), mark, id, comment)
  })
}

/** The rule that elements of one rule, in the order of their ports, make up. */
export function ruleOf(elements: readonly MarkElement[]): CheckedRule {
  const { mark, protocol, family, from, to } = elements[0] as MarkElement
  const [first, last] = [addressBytes(from), addressBytes(to)]
  const spans = elements.map(({ portFrom, portTo }) => ({ from: portFrom, to: portTo }))
  const comment = elements.find((element) => element.comment !== '')?.comment ?? ''
  const text = formatAddressBlock(first, last, family)
  return { mark, block: { family, from: first, to: last, text }, protocol, spans, comment }
}
