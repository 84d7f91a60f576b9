// Prints tables: the only place of the command line, besides `ipvs adm` (cli/adm/render.ts).
import { printablePart } from '../../lab/printable.ts'
import { emphasis } from './format.ts'
import type { Streams } from './streams.ts'

export interface Column {
  readonly title: string
  readonly right?: boolean
}

/** A table with columns as wide as their cells, two spaces apart. */
export function tableText(columns: readonly Column[], cells: readonly (readonly string[])[], streams: Streams): string {
  const rows = cells.map((row) => row.map(printablePart))
  const widths = columns.map(({ title }, at) =>
    rows.reduce((width, row) => Math.max(width, row[at]?.length ?? 0), title.length),
  )
  const line = (row: readonly string[]): string =>
    columns
      .map(({ right }, at) => {
        const [cell = '', width = 0] = [row[at], widths[at]]
        return right ? cell.padStart(width) : cell.padEnd(width)
      })
      .join('  ')
      .trimEnd()
  const heading = line(columns.map(({ title }) => title))
  return [emphasis('bold', heading, streams), ...rows.map(line)].map((each) => `${each}\n`).join('')
}
