// Tables for people, JSON for programs.
import { styleText } from 'node:util'
import type { Output } from './output.ts'
import { printablePart } from '../../lab/printable.ts'

function withoutBigints(_key: string, value: unknown): unknown {
  if (typeof value !== 'bigint') return value
  return value <= Number.MAX_SAFE_INTEGER ? Number(value) : String(value)
}

/** JSON; counters are numbers up to 2^53 - 1, and strings above. */
export function json(value: unknown, indent?: number): string {
  return JSON.stringify(value, withoutBigints, indent)
}

export interface Column {
  readonly title: string
  readonly right?: boolean
}

/** A table with columns as wide as their cells, two spaces apart. */
export function table(columns: readonly Column[], given: readonly (readonly string[])[], output: Output): string {
  const rows = given.map((row) => row.map(printablePart))
  const widths = columns.map(({ title }, at) =>
    rows.reduce((width, row) => Math.max(width, row[at]?.length ?? 0), title.length),
  )
  const line = (cells: readonly string[]): string =>
    columns
      .map(({ right }, at) => {
        const [cell = '', width = 0] = [cells[at], widths[at]]
        return right ? cell.padStart(width) : cell.padEnd(width)
      })
      .join('  ')
      .trimEnd()
  const heading = line(columns.map(({ title }) => title))
  return [emphasis('bold', heading, output), ...rows.map(line)].map((each) => `${each}\n`).join('')
}

/** Adds a style, on a terminal only. */
export function emphasis(style: 'bold' | 'green' | 'yellow' | 'red' | 'dim', text: string, output: Output): string {
  const coloured = output.terminal && !process.env['NO_COLOR']
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
