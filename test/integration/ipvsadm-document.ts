// Parses the tables of docs/ipvsadm.md for ipvsadm-table.test.ts.
import { readFileSync } from 'node:fs'

/** A row of a table. Fields without a column are empty. */
export interface DocumentedRow {
  /** Heading of the section. */
  readonly section: string
  /** The first cell without backquotes: options, or a whole command. */
  readonly id: string
  /** A command line of ipvsadm. */
  readonly command: string
  /** An expression that uses `ipvs`, or `none`. */
  readonly code: string
  readonly note: string
}

const plain = (cell: string): string => cell.replaceAll('`', '').trim()

function rowOf(section: string, cells: readonly string[]): DocumentedRow {
  const id = plain(cells[0] ?? '')
  const [command = '', code = '', note = ''] = cells.length > 3 ? cells.slice(1) : cells
  return { section, id, command: plain(command), code: plain(code), note: note.trim() }
}

/** All rows, in the document's order. */
export function readDocument(): DocumentedRow[] {
  const text = readFileSync(new URL('../../docs/ipvsadm.md', import.meta.url), 'utf8')
  const rows: DocumentedRow[] = []
  let section = ''
  let isBody = false
  for (const line of text.split('\n')) {
    if (line.startsWith('## ')) section = line.slice(3)
    const isRow = line.startsWith('|')
    if (isRow && isBody) rows.push(rowOf(section, line.split('|').slice(1, -1)))
    isBody = isRow && (isBody || line.startsWith('|---'))
  }
  return rows
}

/** The options in a text, long and short. */
export function optionsIn(text: string): string[] {
  const found = text.matchAll(/(?<![\w-])(--[a-z][a-z-]*|-[A-Za-z0-9])(?![\w-])/g)
  return [...new Set(Array.from(found, ([option]) => option))].toSorted()
}
