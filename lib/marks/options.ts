// Options of `FirewallMarks.open`.
import { parsePath, type OpenOptions } from '../calls/options.ts'
import { parseSignal } from '../values/signals.ts'
import { InvalidInput, boolean, integer, readFields, show } from '../values/validate.ts'

/** Options of `FirewallMarks.open`. */
export interface MarksOpenOptions extends OpenOptions {
  /**
   * Name of the nf_tables table (family inet) for the rules. No other program may use this table. A letter, then letters,
   * digits, `_`, `-`, `.`; at most 63 characters. Default `'ipvs'`.
   */
  readonly table?: string | undefined
  /**
   * True: `open` removes temporary rules of a change whose process was killed (see `status`). False: `open` changes nothing,
   * for programs that only read. Default `true`.
   */
  readonly tidy?: boolean | undefined
}

function parseTable(value: unknown, path: string): string {
  if (typeof value !== 'string' || !/^[A-Za-z][\w.-]{0,62}$/.test(value)) {
    const accepted = 'a letter, then letters, digits, "_", "-" and ".", at most 63 characters'
    throw new InvalidInput(path, `${show(value)} is not the name of a table such as "ipvs": ${accepted}`)
  }
  return value
}

export interface ParsedMarksOptions {
  readonly netns: string | undefined
  readonly table: string
  readonly tidy: boolean
  readonly timeoutMs: number
  readonly signal: AbortSignal | undefined
}

export function parseMarksOptions(options: unknown): ParsedMarksOptions {
  const given = readFields(options, 'options', ['netns', 'table', 'tidy', 'timeoutMs', 'signal'])
  return {
    netns: given.netns === undefined ? undefined : parsePath(given.netns, 'options.netns'),
    table: given.table === undefined ? 'ipvs' : parseTable(given.table, 'options.table'),
    tidy: given.tidy === undefined ? true : boolean(given.tidy, 'options.tidy'),
    timeoutMs: integer(given.timeoutMs === undefined ? 5000 : given.timeoutMs, 'options.timeoutMs', 1, 0x7fffffff),
    signal: parseSignal(given.signal, 'options.signal'),
  }
}
