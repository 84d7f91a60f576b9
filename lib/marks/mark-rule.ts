// Rules that give packets their firewall mark: what users write, checked and in one spelling.
import { parseAddressBlock, type AddressBlock } from '../values/address-block.ts'
import {
  FULL_MASK,
  noCounts,
  parseComment,
  parseInterface,
  ruleProtocolName,
  unlessAll,
  type CheckedRule,
} from './rule.ts'
import { allPorts, formatSpans, parsePorts, type MarkPort, type PortSpan } from './ports.ts'
import { parseFwmark, parseProtocol, type Protocol } from '../values/protocol.ts'
import { FieldSet, InvalidInput, boolean, show } from '../values/validate.ts'

/**
 * Packets that get a mark: those of one protocol to one address (or block, or range) and some ports.
 *
 * Like `iptables -t mangle -A PREROUTING -d 172.16.0.100 -p tcp -m multiport --dports 80,443 -j MARK --set-mark 7`, for
 * packets that the host itself sends as well.
 *
 * Rules may not overlap, since a packet gets one mark, with two exceptions: rules with `source` or `interface` prevail
 * over those without, and rules whose masks have no bit in common may all match.
 */
export interface MarkRule {
  /** The mark, 1 to 4294967295, as a number or as text: decimal (`'7'`) or hexadecimal (`'0x7'`). */
  readonly mark: number | string
  /**
   * The bits of the packet's mark that are set, written as `mark`; the other bits stay as others have set them. `mark`
   * must lie within. Default: all, `0xffffffff`. Like `--set-xmark 0x7/0xff` of iptables, and
   * `meta mark set meta mark & 0xffffff00 | 0x7` of nft.
   *
   * IPVS compares the whole mark: the service must have the mark that results, foreign bits included.
   */
  readonly mask?: number | string | undefined
  /**
   * Destination address, IPv4 or IPv6: one (`'172.16.0.100'`), a CIDR block (`'10.0.0.0/24'`), or a range with both ends
   * included (`'10.0.0.5-10.0.0.9'`).
   */
  readonly address: string
  /** Packets of other protocols do not match; `'all'`: every protocol, ICMP included. Like `-p` of iptables. */
  readonly protocol: Protocol | 'all'
  /**
   * Destination ports, 1 to 65535: one, or a list of ports and of ranges, e.g. `[21, '10000-20000']`. None may be in it
   * twice. `'all'`: whatever the port, fragments and packets without ports included; the default, and the only value, for
   * protocol `'all'`.
   */
  readonly ports?: MarkPort | readonly MarkPort[] | 'all' | undefined
  /** Source address, block or range, of the same family. Default: any. Like `-s` of iptables. */
  readonly source?: string | undefined
  /**
   * The interface that packets come in by, at most 15 bytes; a `*` at the end stands for any rest (`'eth*'`). Packets
   * that the host itself sends have none. Default: any. Like `-i` of iptables, `iifname` of nft.
   */
  readonly interface?: string | undefined
  /** Count packets and bytes, see {@link ListedMarkRule}. Default: false. Like `counter` of nft. */
  readonly counter?: boolean | undefined
  /** For people; nft shows it. At most 128 bytes of UTF-8 without `"` and control characters. Default: none. */
  readonly comment?: string | undefined
}

/** A rule as the kernel has it, in one spelling: ports are sorted, blocks are written as such. */
export interface ListedMarkRule extends MarkRule {
  readonly mark: number
  /** Absent: all bits. */
  readonly mask?: number
  readonly ports: readonly MarkPort[] | 'all'
  /** Absent: any. */
  readonly source?: string
  /** Absent: any. */
  readonly interface?: string
  /** Absent: nothing is counted. */
  readonly counter?: true
  /** Packets that matched since the rule was made; with `counter`. */
  readonly packets?: bigint
  /** Their bytes, IP headers included; with `counter`. */
  readonly bytes?: bigint
  /** Absent: none. */
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

/** Protocol number, 0: all. */
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
      `leaves out ${bits} of the mark 0x${mark.toString(16)}; add the bits, or drop them there`,
    )
  }
  return mask
}

/** Of the same family as the destination. */
export function parseSource(value: unknown, { family }: AddressBlock, path: string): AddressBlock | undefined {
  if (value === undefined) return undefined
  const source = parseAddressBlock(value, path)
  if (source.family !== family) throw new InvalidInput(path, `is ${source.family}, but the address is ${family}`)
  return unlessAll(source)
}

/** Protocol `all` has no ports, the others name theirs. */
export function parseRulePorts(value: unknown, protocol: number, path: string): readonly PortSpan[] {
  if (protocol !== 0) return parsePorts(value, path)
  if (value === undefined || value === 'all') return allPorts
  throw new InvalidInput(path, 'not all protocols have ports: name one of them, such as "tcp", or leave ports out')
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

/** What rules of all kinds show in the same way. */
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
