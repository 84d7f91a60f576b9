// NAT rules: address translation in addition to that of IPVS itself.
import { parseAddressBlock } from '../values/address-block.ts'
import {
  FULL_MASK,
  everyAddress,
  isAll,
  noCounts,
  parseComment,
  parseInterface,
  ruleProtocolName,
  unlessAll,
  type CheckedRule,
} from './checked-rule.ts'
import { formatSpans, type MarkPort } from './ports.ts'
import { listedRest, parseRulePorts, parseRuleProtocol, parseSource } from './mark-rule.ts'
import type { Protocol } from '../values/protocol.ts'
import { InvalidInput, boolean, integer, oneOf, readFields, type Fields } from '../values/validate.ts'

/**
 * A rule for the director: connections that real servers open get the director's source address. Needed, for example, by the
 * data connections of active FTP with forwarding `masquerade`, which come from port 20.
 *
 * Like `iptables -t nat -A POSTROUTING -s 10.0.0.0/24 -p tcp --sport 20 -j MASQUERADE`.
 */
export interface MasqueradeRule {
  /** Replaces the source by the address of the interface that the packet leaves by. */
  readonly action: 'masquerade'
  /** Real servers: an address, CIDR block or range, as {@link MarkRule.address}. */
  readonly source: string
  /** As {@link MarkRule.protocol}. */
  readonly protocol: Protocol | 'all'
  /** Source ports, as {@link MarkRule.ports}; `20` for active FTP. */
  readonly sourcePorts?: MarkPort | readonly MarkPort[] | 'all' | undefined
  /** Destination, of the family of `source`. Default: any. */
  readonly address?: string | undefined
  /** Counts connections, by their first packet. Default false. */
  readonly counter?: boolean | undefined
  /** As {@link MarkRule.comment}. */
  readonly comment?: string | undefined
}

/**
 * A rule for a real server with direct routing: redirects packets for the virtual address to the server's own address, so
 * that its loopback interface needs no virtual address.
 *
 * Like `iptables -t nat -A PREROUTING -d 172.16.0.100 -p tcp --dport 80 -j REDIRECT`.
 */
export interface RedirectRule {
  /** Replaces the destination by an address of this host. */
  readonly action: 'redirect'
  /** The virtual address, as {@link MarkRule.address}. */
  readonly address: string
  /** As {@link MarkRule.protocol}. */
  readonly protocol: Protocol | 'all'
  /** Destination ports, as {@link MarkRule.ports}. */
  readonly ports?: MarkPort | readonly MarkPort[] | 'all' | undefined
  /** Port to redirect to, 1 to 65535. Default: the packet's own port. Like `--to-ports`. */
  readonly toPort?: number | undefined
  /** As {@link MarkRule.source}. */
  readonly source?: string | undefined
  /** As {@link MarkRule.interface}. */
  readonly interface?: string | undefined
  /** Counts connections, by their first packet. Default false. */
  readonly counter?: boolean | undefined
  /** As {@link MarkRule.comment}. */
  readonly comment?: string | undefined
}

/** A NAT rule. */
export type NatRule = MasqueradeRule | RedirectRule

/** Counter of a listed NAT rule. */
export interface ListedNatCounter {
  /** Present if the rule counts connections. */
  readonly counter?: true
  /** Number of connections since the rule was created. Present with `counter`. */
  readonly packets?: bigint
  /** Number of bytes of their first packets, including IP headers. Present with `counter`. */
  readonly bytes?: bigint
}

/** A NAT rule in the kernel, in canonical form. */
export type ListedNatRule =
  | (Omit<MasqueradeRule, 'counter'> &
      ListedNatCounter & {
        /** Source ports, sorted, or `'all'`. */
        readonly sourcePorts: readonly MarkPort[] | 'all'
      })
  | (Omit<RedirectRule, 'counter'> &
      ListedNatCounter & {
        /** Ports, sorted, or `'all'`. */
        readonly ports: readonly MarkPort[] | 'all'
      })

const counts = ['packets', 'bytes'] as const // ignored, so that listed rules are valid input
const common = ['action', 'address', 'protocol', 'source', 'counter', 'comment'] as const
const masqueradeFields = [...common, 'sourcePorts'] as const
const redirectFields = [...common, 'ports', 'toPort', 'interface'] as const
const every = [...masqueradeFields, 'ports', 'toPort', 'interface'] as const
const actions = ['masquerade', 'redirect'] as const

function parseCounter(value: unknown, path: string) {
  return value !== undefined && boolean(value, path) ? noCounts : undefined
}

type Given = Fields<(typeof every)[number]>

function parseMasquerade(given: Given, path: string): CheckedRule {
  const source = parseAddressBlock(given.source, `${path}.source`)
  const address = parseSource(given.address, source, `${path}.address`)
  const protocol = parseRuleProtocol(given.protocol, `${path}.protocol`)
  return {
    action: 'masquerade',
    mark: 0,
    mask: FULL_MASK,
    block: address ?? everyAddress(source.family),
    protocol,
    spans: parseRulePorts(given.sourcePorts, protocol, `${path}.sourcePorts`),
    source: unlessAll(source),
    interfaceName: '',
    targetPort: 0,
    counter: parseCounter(given.counter, `${path}.counter`),
    comment: parseComment(given.comment, `${path}.comment`),
  }
}

function parseRedirect(given: Given, path: string): CheckedRule {
  const block = parseAddressBlock(given.address, `${path}.address`)
  const protocol = parseRuleProtocol(given.protocol, `${path}.protocol`)
  const toPort = given.toPort === undefined ? 0 : integer(given.toPort, `${path}.toPort`, 1, 65535)
  if (toPort !== 0 && protocol === 0) {
    throw new InvalidInput(`${path}.toPort`, 'a port needs a protocol: set protocol, for example to "tcp"')
  }
  return {
    action: 'redirect',
    mark: 0,
    mask: FULL_MASK,
    block,
    protocol,
    spans: parseRulePorts(given.ports, protocol, `${path}.ports`),
    source: parseSource(given.source, block, `${path}.source`),
    interfaceName: parseInterface(given.interface, `${path}.interface`),
    targetPort: toPort,
    counter: parseCounter(given.counter, `${path}.counter`),
    comment: parseComment(given.comment, `${path}.comment`),
  }
}

const parsers = {
  masquerade: { names: masqueradeFields as readonly string[], parse: parseMasquerade },
  redirect: { names: redirectFields as readonly string[], parse: parseRedirect },
}

export function parseNatRule(value: unknown, path: string): CheckedRule {
  const given = readFields(value, path, every, counts)
  const action = oneOf(given.action, `${path}.action`, actions)
  const { names, parse } = parsers[action]
  const stray = every.find((name) => given[name] !== undefined && !names.includes(name))
  if (stray !== undefined) {
    throw new InvalidInput(`${path}.${stray}`, `"${action}" has no such property (accepted: ${names.join(', ')})`)
  }
  return parse(given, path)
}

export function listedNatRule(rule: CheckedRule): ListedNatRule {
  const { action, block, protocol: number, spans, source, targetPort } = rule
  const protocol = ruleProtocolName(number)
  if (action === 'masquerade') {
    return {
      action,
      ...(!isAll(block) && { address: block.text }),
      protocol,
      sourcePorts: formatSpans(spans),
      ...listedRest(rule),
      source: source?.text ?? everyAddress(block.family).text,
    }
  }
  return {
    action: 'redirect',
    address: block.text,
    protocol,
    ports: formatSpans(spans),
    ...(targetPort !== 0 && { toPort: targetPort }),
    ...listedRest(rule),
  }
}
