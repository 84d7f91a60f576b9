// Elements of the table: one per port or port range of a rule. The kernel stores elements; all elements of a rule carry its
// id, from which listings rebuild the rule. There can be many thousands of elements, so each is one small object.
import { formatAddressBlock, isSingle, type AddressBlock } from '../values/address-block.ts'
import type { Family } from '../values/address.ts'
import { FULL_MASK, everyAddress, unlessAll, type CheckedRule, type Counter } from './checked-rule.ts'
import { allPorts, isAllPorts, type PortSpan } from './ports.ts'
import { Place, actionAt, placeOf } from './places.ts'
import { needsRuleElement, ruleFieldsKey, type RuleFields } from './rule-fields.ts'
import { ruleId } from './rule-id.ts'

type BlockEnds = Pick<AddressBlock, 'family' | 'from' | 'to'>

// The first character of a key is the family, which determines the size of addresses.
function sizeOf(key: string): 4 | 16 {
  return key.startsWith('4') ? 4 : 16
}

/**
 * An element. `key` identifies it in the kernel. It is a string with one character per byte, in network order, so that keys
 * sort by family, first and last address, protocol, first and last port, place, and the fields of a rule element.
 */
export class MarkElement {
  readonly key: string
  readonly mark: number
  /** Id of its rule; 0 for a foreign element, made by another program. */
  readonly rule: bigint
  readonly comment: string
  readonly counter: Counter | undefined
  /** Fields of a rule element. Absent for an element of a map. */
  readonly ruleFields: RuleFields | undefined

  constructor(key: string, mark: number, rule: bigint, comment: string, counter?: Counter, ruleFields?: RuleFields) {
    this.key = key
    this.mark = mark
    this.rule = rule
    this.comment = comment
    this.counter = counter
    this.ruleFields = ruleFields
  }

  get family(): Family {
    return this.key.startsWith('4') ? 'ipv4' : 'ipv6'
  }

  /** Size of an address in bytes. In the key, the first address starts at 1, and the last address follows it. */
  get addressSize(): 4 | 16 {
    return sizeOf(this.key)
  }

  /** Family and first address. */
  get from(): string {
    return this.key.slice(0, 1 + sizeOf(this.key))
  }

  /** Family and last address. */
  get to(): string {
    return this.key.charAt(0) + this.key.slice(1 + sizeOf(this.key), 1 + 2 * sizeOf(this.key))
  }

  /** IP protocol number; 0: all. */
  get protocol(): number {
    return this.key.charCodeAt(1 + 2 * sizeOf(this.key))
  }

  get portFrom(): number {
    return this.#port(2 + 2 * sizeOf(this.key))
  }

  get portTo(): number {
    return this.#port(4 + 2 * sizeOf(this.key))
  }

  /** See {@link Place}; the same with and without a counter. */
  get place(): number {
    return this.key.charCodeAt(6 + 2 * sizeOf(this.key))
  }

  get action(): CheckedRule['action'] {
    return this.ruleFields === undefined ? 'mark' : actionAt(this.place)
  }

  /** Start of the key up to the protocol, which all elements of a rule share. */
  get start(): string {
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

function addressBytes(text: string): Uint8Array {
  const bytes = new Uint8Array(16)
  for (let index = 0; index < text.length; index++) bytes[index] = text.charCodeAt(index)
  return bytes
}

const keyBytes = Buffer.alloc(1 + 2 * 16 + 6)

/** Builds a key up to its place, with a single string allocation. */
export function keyOf(block: BlockEnds, protocol: number, ports: PortSpan, place: number): string {
  const { family, from, to } = block
  const familyMark = family === 'ipv4' ? '4' : '6'
  const size = sizeOf(familyMark)
  keyBytes[0] = familyMark.charCodeAt(0)
  for (let index = 0; index < size; index++) {
    keyBytes[1 + index] = from[index] as number
    keyBytes[1 + size + index] = to[index] as number
  }
  const end = 1 + 2 * size
  keyBytes[end] = protocol
  keyBytes[end + 1] = ports.from >>> 8
  keyBytes[end + 2] = ports.from
  keyBytes[end + 3] = ports.to >>> 8
  keyBytes[end + 4] = ports.to
  keyBytes[end + 5] = place
  return keyBytes.toString('latin1', 0, end + 6)
}

function ruleFieldsOf(rule: CheckedRule, span: PortSpan): RuleFields {
  const source = rule.source ?? everyAddress(rule.block.family)
  const size = source.family === 'ipv4' ? 4 : 16
  return {
    handle: 0n,
    mask: rule.mask,
    sourceFrom: bytesText(source.from, size),
    sourceTo: bytesText(source.to, size),
    interfaceName: rule.interfaceName,
    sourcePorts: span,
    targetPort: rule.targetPort,
  }
}

// A single port of a single address goes to a hash map.
function mapPlace(single: boolean, span: PortSpan): number {
  if (isAllPorts(span)) return Place.hosts
  return single && span.from === span.to ? Place.exact : Place.ranges
}

/** Converts a rule to elements. */
export function elementsOf(rule: CheckedRule): MarkElement[] {
  const { action, mark, block, protocol, spans, counter, comment } = rule
  const id = ruleId(rule)
  const single = isSingle(block)
  const any = allPorts[0] as PortSpan
  const needsRule = needsRuleElement(rule)
  return spans.map((span) => {
    if (!needsRule) {
      const key = keyOf(block, protocol, span, mapPlace(single, span))
      return new MarkElement(key, mark, id, comment, counter)
    }
    const [ports, sourcePorts] = action === 'masquerade' ? [any, span] : [span, any]
    const ruleFields = ruleFieldsOf(rule, sourcePorts)
    const key = keyOf(block, protocol, ports, placeOf(action)) + ruleFieldsKey(ruleFields, mark)
    return new MarkElement(key, mark, id, comment, counter, ruleFields)
  })
}

function blockOf(family: Family, from: string, to: string): AddressBlock {
  const [first, last] = [addressBytes(from), addressBytes(to)]
  return { family, from: first, to: last, text: formatAddressBlock(first, last, family) }
}

function sum(values: readonly bigint[]): bigint {
  return values.reduce((left, right) => left + right)
}

function sumOf(elements: readonly MarkElement[]): Counter | undefined {
  const counters = elements.flatMap(({ counter }) => counter ?? [])
  if (counters.length === 0) return undefined
  return { packets: sum(counters.map(({ packets }) => packets)), bytes: sum(counters.map(({ bytes }) => bytes)) }
}

/** Converts the elements of a rule, sorted by port, to the rule. */
export function ruleOf(elements: readonly MarkElement[]): CheckedRule {
  const { mark, protocol, family, from, to, ruleFields, action } = elements[0] as MarkElement
  const spanOf = ({ portFrom, portTo, ruleFields: own }: MarkElement): PortSpan =>
    action === 'masquerade' && own !== undefined ? own.sourcePorts : { from: portFrom, to: portTo }
  return {
    action,
    mark,
    mask: ruleFields?.mask ?? FULL_MASK,
    block: blockOf(family, from.slice(1), to.slice(1)),
    protocol,
    spans: elements.map(spanOf),
    source: ruleFields && unlessAll(blockOf(family, ruleFields.sourceFrom, ruleFields.sourceTo)),
    interfaceName: ruleFields?.interfaceName ?? '',
    targetPort: ruleFields?.targetPort ?? 0,
    counter: sumOf(elements),
    comment: elements.find((element) => element.comment !== '')?.comment ?? '',
  }
}
