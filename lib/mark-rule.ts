// Rules that give packets their firewall mark: what users write, checked and in one spelling.
import { parseAddressBlock, type AddressBlock } from './address-block.ts'
import { describeSpans, formatSpan, parsePorts, type MarkPort, type PortSpan } from './mark-ports.ts'
import { parseFwmark, parseProtocol, protocolName, type Protocol } from './service-key.ts'
import { InvalidInput, readFields, show } from './validate.ts'

/**
 * Packets that get a mark: those of one protocol to one address (or block, or range) and some ports.
 *
 * Like `iptables -t mangle -A PREROUTING -d 172.16.0.100 -p tcp -m multiport --dports 80,443 -j MARK --set-mark 7`, for
 * packets that the host itself sends as well.
 */
export interface MarkRule {
  /** The mark, 1 to 4294967295, as a number or as text: decimal (`'7'`) or hexadecimal (`'0x7'`). */
  readonly mark: number | string
  /**
   * Destination address, IPv4 or IPv6: one (`'172.16.0.100'`), a CIDR block (`'10.0.0.0/24'`), or a range with both ends
   * included (`'10.0.0.5-10.0.0.9'`).
   */
  readonly address: string
  /** Packets of other protocols do not match. Like `-p` of iptables. */
  readonly protocol: Protocol
  /**
   * Destination ports, 1 to 65535: one, or a list of ports and of ranges, e.g. `[21, '10000-20000']`. None may be in it
   * twice.
   */
  readonly ports: MarkPort | readonly MarkPort[]
  /** For people; nft shows it. At most 128 bytes of UTF-8 without `"` and control characters. Default: none. */
  readonly comment?: string | undefined
}

/** A rule as the kernel has it, in one spelling: ports are sorted, blocks are written as such. */
export interface ListedMarkRule extends MarkRule {
  readonly mark: number
  readonly ports: readonly MarkPort[]
  /** Absent: none. */
  readonly comment?: string
}

/** A checked rule. */
export interface CheckedRule {
  readonly mark: number
  readonly block: AddressBlock
  /** IP protocol number. */
  readonly protocol: number
  readonly spans: readonly PortSpan[]
  /** Empty: none. */
  readonly comment: string
}

const ruleFields = ['mark', 'address', 'protocol', 'ports', 'comment'] as const

const LONGEST_COMMENT = 128 // nft refuses longer ones

// What nft prints it must be able to read again, and it knows no way to write a quote in a comment.
function parseComment(value: unknown, path: string): string {
  if (value === undefined) return ''
  if (typeof value !== 'string' || /["\p{Cc}\p{Surrogate}]/u.test(value)) {
    throw new InvalidInput(path, `${show(value)} is not text without quotation marks and control characters`)
  }
  if (Buffer.byteLength(value) > LONGEST_COMMENT) {
    throw new InvalidInput(path, `${show(value)} is longer than ${LONGEST_COMMENT} bytes`)
  }
  return value
}

function parseProtocolNumber(value: unknown, path: string): number {
  const [, number] = parseProtocol(value, path)
  if (number > 255) throw new InvalidInput(path, `${show(value)} is not a protocol number, 1 to 255`)
  return number
}

export function parseMarkRule(value: unknown, path: string): CheckedRule {
  const { mark, address, protocol, ports, comment } = readFields(value, path, ruleFields)
  return {
    mark: parseFwmark(mark, `${path}.mark`),
    block: parseAddressBlock(address, `${path}.address`),
    protocol: parseProtocolNumber(protocol, `${path}.protocol`),
    spans: parsePorts(ports, `${path}.ports`),
    comment: parseComment(comment, `${path}.comment`),
  }
}

/** Who reads this knows which rule is meant: `tcp 172.16.0.100 ports 80, 443 -> mark 7`. */
export function describeRule({ mark, block, protocol, spans }: CheckedRule): string {
  return `${protocolName(protocol)} ${block.text} ${describeSpans(spans)} -> mark ${mark}`
}

// The last step of MurmurHash3: every bit of the word has an effect on every bit of the result.
function spread(word: number): bigint {
  const once = Math.imul(word ^ (word >>> 16), 0x85ebca6b)
  const twice = Math.imul(once ^ (once >>> 13), 0xc2b2ae35)
  return BigInt((twice ^ (twice >>> 16)) >>> 0)
}

// Two halves of 32 bits, each mixed in its own way (the constants are those of MurmurHash3).
class Hash {
  #high = 0x9747b28c
  #low = 0x3c6ef372

  add(word: number): void {
    this.#high = Math.imul(this.#high ^ Math.imul(word, 0xcc9e2d51), 0x1b873593)
    this.#high = (this.#high << 13) | (this.#high >>> 19)
    this.#low = Math.imul(this.#low ^ Math.imul(word, 0x85ebca6b), 0xc2b2ae35)
    this.#low = ((this.#low << 15) | (this.#low >>> 17)) + this.#high
  }

  get value(): bigint {
    return (spread(this.#high) << 32n) | spread(this.#low)
  }
}

/**
 * Number of a rule, which its elements carry in the kernel. It follows from the rule, so that the same rule has the same
 * number in every process; the comment is no part of it. Never 0, which elements of others have.
 */
export function ruleId({ mark, block, protocol, spans }: CheckedRule): bigint {
  const hash = new Hash()
  hash.add(mark)
  hash.add(protocol)
  hash.add(block.family === 'ipv4' ? 4 : 6)
  for (const byte of block.from) hash.add(byte)
  for (const byte of block.to) hash.add(byte)
  for (const { from, to } of spans) hash.add((from << 16) | to)
  return hash.value || 1n
}

export function listedRule({ mark, block, protocol, spans, comment }: CheckedRule): ListedMarkRule {
  const rule = { mark, address: block.text, protocol: protocolName(protocol), ports: spans.map(formatSpan) }
  return comment === '' ? rule : { ...rule, comment }
}
