// Mark rules: public types, validation, and canonical form.
import { parseAddressBlock, type AddressBlock } from '../values/address-block.ts'
import {
  FULL_MASK,
  noCounts,
  parseComment,
  parseInterface,
  ruleProtocolName,
  unlessAll,
  type CheckedRule,
} from './checked-rule.ts'
import { allPorts, formatSpans, parsePorts, type MarkPort, type PortSpan } from './ports.ts'
import { parseFwmark, parseProtocol, type Protocol } from '../values/protocol.ts'
import { FieldSet, InvalidInput, boolean, show } from '../values/validate.ts'

/**
 * A rule that sets the mark of packets by destination address, protocol and destination ports.
 *
 * Like `iptables -t mangle -A PREROUTING -d 172.16.0.100 -p tcp -m multiport --dports 80,443 -j MARK --set-mark 7`, and the
 * same in `OUTPUT`, for packets that the host itself sends.
 *
 * A packet gets one mark, so rules must not overlap. Exceptions: a rule with `source` or `interface` takes precedence over a
 * rule without them, and rules whose masks have no common bit may match the same packet.
 */
export interface MarkRule {
  /** The mark, 1 to 4294967295, as a number or as text: decimal (`'7'`) or hexadecimal (`'0x7'`). */
  readonly mark: number | string
  /**
   * Mask of the bits to set, in the format of `mark`; the packet keeps its other bits. Must include all bits of `mark`.
   * Default `0xffffffff`, all bits. Like `--set-xmark 0x7/0xff` of iptables, and
   * `meta mark set meta mark & 0xffffff00 | 0x7` of nft.
   *
   * IPVS compares the whole mark: the mark of the service must equal the resulting mark, including the bits outside the mask.
   */
  readonly mask?: number | string | undefined
  /**
   * Destination, IPv4 or IPv6: an address (`'172.16.0.100'`), a CIDR block (`'10.0.0.0/24'`), or an inclusive range
   * (`'10.0.0.5-10.0.0.9'`).
   */
  readonly address: string
  /** Protocol; `'all'`: every protocol, including ICMP. Like `-p` of iptables. */
  readonly protocol: Protocol | 'all'
  /**
   * Destination ports, 1 to 65535: a port, or a list of ports and inclusive ranges, e.g. `[21, '10000-20000']`, without
   * duplicates. `'all'`: all packets, including fragments and packets without ports. Required, except with protocol `'all'`,
   * for which `'all'` is the default and the only value.
   */
  readonly ports?: MarkPort | readonly MarkPort[] | 'all' | undefined
  /** Source address, block or range, of the family of `address`. Default: any. Like `-s` of iptables. */
  readonly source?: string | undefined
  /**
   * Input interface, at most 15 bytes; a final `*` is a wildcard (`'eth*'`). Never matches packets that the host itself
   * sends. Default: any. Like `-i` of iptables, `iifname` of nft.
   */
  readonly interface?: string | undefined
  /** Counts packets and bytes, see {@link ListedMarkRule}. Default false. Like `counter` of nft. */
  readonly counter?: boolean | undefined
  /** Comment, at most 128 bytes of UTF-8 without `"` and control characters. nft shows it. Default: none. */
  readonly comment?: string | undefined
}

/** A rule in the kernel, in canonical form: ports are sorted, and a range that is a CIDR block is written as one. */
export interface ListedMarkRule extends MarkRule {
  readonly mark: number
  /** Mask of the bits that are set. Absent: all bits. */
  readonly mask?: number
  readonly ports: readonly MarkPort[] | 'all'
  /** Source. Absent: any. */
  readonly source?: string
  /** Input interface. Absent: any. */
  readonly interface?: string
  /** Present if the rule counts packets. */
  readonly counter?: true
  /** Number of matching packets since the rule was created. Present with `counter`. */
  readonly packets?: bigint
  /** Number of bytes of the matching packets, including IP headers. Present with `counter`. */
  readonly bytes?: bigint
  /** Comment. Absent: none. */
  readonly comment?: string
}

const ruleFields = new FieldSet(
  ['mark', 'address', 'protocol', 'ports', 'comment', 'mask', 'source', 'interface', 'counter'],
  (given, present, bit) => ({
    mark: present & bit.mark ? given.mark : undefined,
    address: present & bit.address ? given.address : undefined,
    protocol: present & bit.protocol ? given.protocol : undefined,
    ports: present & bit.ports ? given.ports : undefined,
    comment: present & bit.comment ? given.comment : undefined,
    mask: present & bit.mask ? given.mask : undefined,
    source: present & bit.source ? given.source : undefined,
    interface: present & bit.interface ? given.interface : undefined,
    counter: present & bit.counter ? given.counter : undefined,
  }),
  ['packets', 'bytes'],
)

/** Returns the protocol number; 0: all. */
export function parseRuleProtocol(value: unknown, path: string): number {
  if (value === 'all') return 0
  const [, number] = parseProtocol(value, path)
  if (number < 1 || number > 255) throw new InvalidInput(path, `${show(value)} is not a protocol number, 1 to 255`)
  return number
}

function parseMask(value: unknown, mark: number, path: string): number {
  if (value === undefined) return FULL_MASK
  const mask = parseFwmark(value, path)
  const outside = (mark & ~mask) >>> 0
  if (outside !== 0) {
    const bits = `0x${outside.toString(16)}`
    throw new InvalidInput(
      path,
      `does not include the bits ${bits} of mark 0x${mark.toString(16)}; add them to the mask or remove them from the mark`,
    )
  }
  return mask
}

/** Parses a source, which must have the family of the destination. */
export function parseSource(value: unknown, { family }: AddressBlock, path: string): AddressBlock | undefined {
  if (value === undefined) return undefined
  const source = parseAddressBlock(value, path)
  if (source.family !== family) throw new InvalidInput(path, `is ${source.family}, but the address is ${family}`)
  return unlessAll(source)
}

/** Parses the ports of a rule: required, except with protocol 0 (all), which has none. */
export function parseRulePorts(value: unknown, protocol: number, path: string): readonly PortSpan[] {
  if (protocol !== 0) return parsePorts(value, path)
  if (value === undefined || value === 'all') return allPorts
  throw new InvalidInput(path, 'ports need a protocol: set protocol, for example to "tcp", or leave ports out')
}

export function parseMarkRule(value: unknown, path: string): CheckedRule {
  const given = ruleFields.read(value, path)
  const mark = parseFwmark(given.mark, `${path}.mark`)
  const block = parseAddressBlock(given.address, `${path}.address`)
  const protocol = parseRuleProtocol(given.protocol, `${path}.protocol`)
  const counter = given.counter !== undefined && boolean(given.counter, `${path}.counter`)
  return {
    action: 'mark',
    mark,
    mask: parseMask(given.mask, mark, `${path}.mask`),
    block,
    protocol,
    spans: parseRulePorts(given.ports, protocol, `${path}.ports`),
    source: parseSource(given.source, block, `${path}.source`),
    interfaceName: parseInterface(given.interface, `${path}.interface`),
    targetPort: 0,
    counter: counter ? noCounts : undefined,
    comment: parseComment(given.comment, `${path}.comment`),
  }
}

interface ListedRest {
  source?: string
  interface?: string
  counter?: true
  packets?: bigint
  bytes?: bigint
  comment?: string
}

/** Properties that all kinds of listed rules share. */
export function listedRest({ source, interfaceName, counter, comment }: CheckedRule): ListedRest {
  return {
    ...(source !== undefined && { source: source.text }),
    ...(interfaceName !== '' && { interface: interfaceName }),
    ...(counter !== undefined && { counter: true as const, ...counter }),
    ...(comment !== '' && { comment }),
  }
}

export function listedRule(rule: CheckedRule): ListedMarkRule {
  const { mark, mask, block, protocol, spans } = rule
  return {
    mark,
    ...(mask !== FULL_MASK && { mask }),
    address: block.text,
    protocol: ruleProtocolName(protocol),
    ports: formatSpans(spans),
    ...listedRest(rule),
  }
}
