// Formats values: JSON, styles on a terminal, numbers with a unit.
import { styleText } from 'node:util'
import type { Streams } from './streams.ts'

function withoutBigints(_key: string, value: unknown): unknown {
  if (typeof value !== 'bigint') return value
  return value <= Number.MAX_SAFE_INTEGER ? Number(value) : String(value)
}

/** JSON; counters are numbers up to 2^53 - 1, and strings above. */
export function json(value: unknown, indent?: number): string {
  return JSON.stringify(value, withoutBigints, indent)
}

/** Adds a style, on a terminal only. */
export function emphasis(style: 'bold' | 'green' | 'yellow' | 'red' | 'dim', text: string, streams: Streams): string {
  const coloured = streams.terminal && !process.env['NO_COLOR']
  return coloured ? styleText(style, text, { validateStream: false }) : text
}

const units = ['', 'k', 'M', 'G', 'T', 'P', 'E']

/** Formats with three digits and a unit, rounded down: `1.23M`. */
export function short(value: number | bigint): string {
  let number = Number(value)
  let unit = 0
  for (; number >= 1000 && unit < units.length - 1; unit++) number /= 1000
  const digits = unit === 0 || number >= 100 ? 0 : number >= 10 ? 1 : 2
  const factor = 10 ** digits
  return `${(Math.floor(number * factor) / factor).toFixed(digits)}${units[unit]}`
}
