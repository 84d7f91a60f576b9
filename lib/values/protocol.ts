// Transport protocols and firewall marks: what both service keys and mark rules name.
import { InvalidInput, oneOf, show } from './validate.ts'

/** Transport protocol of a service. */
export type Protocol = 'tcp' | 'udp' | 'sctp'

const protocols: readonly Protocol[] = ['tcp', 'udp', 'sctp']
const protocolNumbers: Readonly<Record<Protocol, number>> = { tcp: 6, udp: 17, sctp: 132 }

/** A number as text is that of another protocol. */
export function parseProtocol(value: unknown, path: string): readonly [Protocol, number] {
  const known = protocols.indexOf(value as Protocol)
  if (known < 0 && typeof value === 'string' && /^(0|[1-9][0-9]{0,4})$/.test(value) && Number(value) <= 0xffff) {
    return [protocolName(Number(value)), Number(value)]
  }
  const name = protocols[known] ?? oneOf(value, path, protocols)
  return [name, protocolNumbers[name]]
}

export function protocolName(number: number): Protocol {
  return protocols.find((name) => protocolNumbers[name] === number) ?? (String(number) as Protocol)
}

export function parseFwmark(value: unknown, path: string): number {
  const isText = typeof value === 'string' && /^(0[xX][0-9a-fA-F]{1,8}|[1-9][0-9]{0,9})$/.test(value)
  const mark = isText ? Number(value) : value
  if (typeof mark !== 'number' || !Number.isInteger(mark) || mark < 1 || mark > 0xffffffff) {
    // 0 is what unmarked packets have, and the kernel would make a TCP service 0.0.0.0:0 of it.
    throw new InvalidInput(
      path,
      `${show(value)} is not a mark: an integer from 1 to 4294967295, or its decimal or 0x text`,
    )
  }
  return mark
}
