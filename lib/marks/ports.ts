// Ports of a rule: numbers and ranges, sorted, without duplicates.
import { InvalidInput, integer, list, show } from '../values/validate.ts'

/** A port, 1 to 65535, or an inclusive range of ports, e.g. `'10000-20000'`. */
export type MarkPort = number | `${number}-${number}`

/** An inclusive range of ports; for a single port, both ends are equal. */
export interface PortSpan {
  readonly from: number
  readonly to: number
}

/** All ports. Rules cannot name port 0, so this differs from any range of a rule. */
export const allPorts: readonly PortSpan[] = [{ from: 0, to: 65535 }]

export function isAllPorts({ from, to }: PortSpan): boolean {
  return from === 0 && to === 65535
}

const MOST_PORTS = 65535

function parsePort(value: unknown, path: string): PortSpan {
  if (typeof value !== 'string') {
    const port = integer(value, path, 1, 65535)
    return { from: port, to: port }
  }
  const ends = /^([1-9][0-9]{0,4})-([1-9][0-9]{0,4})$/.exec(value)
  const [from, to] = [Number(ends?.[1]), Number(ends?.[2])]
  if (ends === null || from > 65535 || to > 65535) {
    const number = /^[1-9][0-9]{0,4}$/.test(value) ? `; write the number ${value} without quotes` : ''
    throw new InvalidInput(path, `${show(value)} is not a range of ports such as "10000-20000"${number}`)
  }
  if (from > to) throw new InvalidInput(path, `${show(value)} ends before it begins; write "${to}-${from}"`)
  return { from, to }
}

export function formatSpan({ from, to }: PortSpan): MarkPort {
  return from === to ? from : `${from}-${to}`
}

/** `[80, '443-445']` or `all`. */
export function formatSpans(spans: readonly PortSpan[]): readonly MarkPort[] | 'all' {
  return spans.some(isAllPorts) ? 'all' : spans.map(formatSpan)
}

/** Parses ports and sorts them. */
export function parsePorts(value: unknown, path: string): readonly PortSpan[] {
  if (value === 'all') return allPorts
  if (value === undefined) throw new InvalidInput(path, 'is missing: give a port, a list of ports, or "all"')
  if (typeof value === 'number' || typeof value === 'string') return [parsePort(value, path)]
  const spans = list(value, path, MOST_PORTS).map((port, index) => parsePort(port, `${path}[${index}]`))
  if (spans.length === 0)
    throw new InvalidInput(path, 'is an empty list: give at least one port, or "all" for all ports')
  spans.sort((left, right) => left.from - right.from || left.to - right.to)
  for (let index = 1; index < spans.length; index++) {
    const [before, after] = [spans[index - 1] as PortSpan, spans[index] as PortSpan]
    if (after.from <= before.to) {
      throw new InvalidInput(path, `port ${after.from} is listed twice: ${formatSpan(before)} and ${formatSpan(after)}`)
    }
  }
  return spans
}

/** For messages: `port 80`, `ports 80, 443`; at most 8 entries are shown. */
export function describeSpans(spans: readonly PortSpan[]): string {
  if (spans.some(isAllPorts)) return 'all ports'
  const shown = spans.slice(0, 8).map((span) => String(formatSpan(span)))
  if (spans.length > shown.length) shown.push(`... (${spans.length} in all)`)
  const one = spans.length === 1 && spans[0]?.from === spans[0]?.to
  return `${one ? 'port' : 'ports'} ${shown.join(', ')}`
}
