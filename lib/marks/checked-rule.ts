// A validated rule of our table, marking or NAT, in internal form.
import { type AddressBlock } from '../values/address-block.ts'
import type { Family } from '../values/address.ts'
import { describeSpans, type PortSpan } from './ports.ts'
import { protocolName, type Protocol } from '../values/protocol.ts'
import { InvalidInput, show } from '../values/validate.ts'

/** Counters of a rule; bytes include IP headers. */
export interface Counter {
  readonly packets: bigint
  readonly bytes: bigint
}

export const noCounts: Counter = { packets: 0n, bytes: 0n }

/** All bits of a mark. */
export const FULL_MASK = 0xffffffff

export interface CheckedRule {
  readonly action: 'mark' | 'masquerade' | 'redirect'
  /** 0 for NAT rules. */
  readonly mark: number
  readonly mask: number
  /** Destination. */
  readonly block: AddressBlock
  /** IP protocol number; 0: all. */
  readonly protocol: number
  /** Destination ports; source ports for masquerade. */
  readonly spans: readonly PortSpan[]
  readonly source: AddressBlock | undefined
  /** Empty: any. */
  readonly interfaceName: string
  /** Target port of a redirect; 0: unchanged. */
  readonly targetPort: number
  readonly counter: Counter | undefined
  /** Empty: none. */
  readonly comment: string
}

const LONGEST_COMMENT = 128 // nft refuses longer ones
const LONGEST_INTERFACE = 15

/** Parses a comment. nft cannot escape a quotation mark, so it could not read its own output. */
export function parseComment(value: unknown, path: string): string {
  if (value === undefined) return ''
  if (typeof value !== 'string' || /["\p{Cc}\p{Surrogate}]/u.test(value)) {
    throw new InvalidInput(path, `${show(value)} is not text without quotation marks and control characters`)
  }
  if (Buffer.byteLength(value) > LONGEST_COMMENT) {
    throw new InvalidInput(path, `${show(value)} is longer than ${LONGEST_COMMENT} bytes`)
  }
  return value
}

/** Parses an interface name: a valid name for the kernel, without characters that nft cannot read back. */
export function parseInterface(value: unknown, path: string): string {
  if (value === undefined) return ''
  if (typeof value !== 'string' || !/^[^\s/:"*\\\p{Cc}\p{Surrogate}]+\*?$/u.test(value)) {
    throw new InvalidInput(path, `${show(value)} is not the name of a network interface such as "eth0" or "eth*"`)
  }
  if (Buffer.byteLength(value) > LONGEST_INTERFACE) {
    throw new InvalidInput(path, `${show(value)} is longer than ${LONGEST_INTERFACE} bytes`)
  }
  return value
}

/** Returns `undefined` for the block of all addresses, which matches everything. */
export function unlessAll(block: AddressBlock | undefined): AddressBlock | undefined {
  return block === undefined || isAll(block) ? undefined : block
}

export function isAll({ family, from, to }: AddressBlock): boolean {
  const size = family === 'ipv4' ? 4 : 16
  return from.every((byte) => byte === 0) && to.subarray(0, size).every((byte) => byte === 0xff)
}

export function everyAddress(family: Family): AddressBlock {
  const size = family === 'ipv4' ? 4 : 16
  const to = new Uint8Array(16).fill(0xff, 0, size)
  return { family, from: new Uint8Array(16), to, text: family === 'ipv4' ? '0.0.0.0/0' : '::/0' }
}

/** Name of a protocol number: `tcp`; `all` for 0. */
export function ruleProtocolName(number: number): Protocol | 'all' {
  return number === 0 ? 'all' : protocolName(number)
}

function describeAction({ action, mark, mask, targetPort }: CheckedRule): string {
  if (action === 'masquerade') return 'masquerade'
  if (action === 'redirect') return targetPort === 0 ? 'redirect' : `redirect to port ${targetPort}`
  return mask === FULL_MASK ? `mark ${mark}` : `mark 0x${mark.toString(16)}/0x${mask.toString(16)}`
}

/**
 * Describes a rule in one line, for error messages: `tcp 172.16.0.100 ports 80, 443 from 10.0.0.0/8 on eth0 -> mark 7`.
 */
export function describeRule(rule: CheckedRule): string {
  const { action, block, protocol, spans, source, interfaceName } = rule
  const parts = [protocol === 0 ? 'all protocols' : ruleProtocolName(protocol)]
  const anyDestination = action === 'masquerade' && isAll(block)
  if (!anyDestination) parts.push(block.text)
  if (protocol !== 0) parts.push(action === 'masquerade' ? `source ${describeSpans(spans)}` : describeSpans(spans))
  if (source !== undefined) parts.push(`from ${source.text}`)
  if (interfaceName !== '') parts.push(`on ${interfaceName}`)
  return `${parts.join(' ')} -> ${describeAction(rule)}`
}
