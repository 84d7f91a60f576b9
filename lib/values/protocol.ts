// Transport protocols and firewall marks, the values that service keys and mark rules share.
import { InvalidInput, oneOf, show } from './validate.ts'

/** Transport protocol of a service. */
export type Protocol = 'tcp' | 'udp' | 'sctp'

const protocols: readonly Protocol[] = ['tcp', 'udp', 'sctp']
const protocolNumbers: Readonly<Record<Protocol, number>> = { tcp: 6, udp: 17, sctp: 132 }

/** Returns name and number of a protocol. A protocol without a name is given by its number as text. */
export function parseProtocol(value: unknown, path: string): readonly [Protocol, number] {
  const known = protocols.indexOf(value as Protocol)
  if (known < 0 && typeof value === 'string' && /^(0|[1-9][0-9]{0,4})$/.test(value) && Number(value) <= 0xffff) {
    return [protocolName(Number(value)), Number(value)]
  }
  const name = protocols[known] ?? oneOf(value, path, protocols)
  return [name, protocolNumbers[name]]
}

/** `tcp`, `udp`, `sctp`, or the number as text. */
export function protocolName(number: number): Protocol {
  return protocols.find((name) => protocolNumbers[name] === number) ?? (String(number) as Protocol)
}

/** Parses a mark: 1 to 4294967295, as a number or as decimal or 0x text. */
export function parseFwmark(value: unknown, path: string): number {
  const isText = typeof value === 'string' && /^(0[xX][0-9a-fA-F]{1,8}|[1-9][0-9]{0,9})$/.test(value)
  const mark = isText ? Number(value) : value
  if (typeof mark !== 'number' || !Number.isInteger(mark) || mark < 1 || mark > 0xffffffff) {
    // 0 is the mark of unmarked packets; for it, the kernel would create a TCP service 0.0.0.0:0.
    throw new InvalidInput(
      path,
      `${show(value)} is not a mark: an integer from 1 to 4294967295, or its decimal or 0x text`,
    )
  }
  return mark
}
