// What is wrong in a site file: where, what, and how to repair it.

/** Keys and indexes that lead to a value: `['services', 'shop', 'servers', 1]`. */
export type Path = readonly (string | number)[]

/** One mistake, or one doubt. Texts have no control characters, whatever the file has. */
export interface SiteProblem {
  readonly severity: 'error' | 'warning'
  /** Stable, for programs: `unknown-key`, `one-server`. */
  readonly code: string
  /** The name of the file, as given to the parser. */
  readonly file: string
  /** From 1. */
  readonly line: number
  /** From 1, in UTF-16 units. */
  readonly column: number
  /** `services.shop.servers[1].adress`; empty for the whole file. */
  readonly path: string
  /** What is wrong. */
  readonly text: string
  /** What to do. `undefined`: the text says all. */
  readonly fix: string | undefined
}

/** A problem before its place in the file is known. */
export interface Finding {
  readonly code: string
  readonly path: Path
  readonly text: string
  readonly fix?: string | undefined
  /** Default `'error'`. */
  readonly severity?: 'error' | 'warning'
  /** The place is the last key of the path, not its value. */
  readonly atKey?: boolean
}

/** The file cannot be used. `problems` has all of its errors, and warnings too, in the order of the file. */
export class SiteError extends Error {
  override readonly name = 'SiteError'
  readonly problems: readonly SiteProblem[]

  constructor(problems: readonly SiteProblem[]) {
    super(problems.map(formatProblem).join('\n'))
    this.problems = problems
  }
}

/** Control, format and separator characters, such as those that move a terminal's cursor, as escapes. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, (character) => {
    const code = character.codePointAt(0) as number
    return code > 0xffff ? `\\u{${code.toString(16)}}` : `\\u${code.toString(16).padStart(4, '0')}`
  })
}

/** A value of the file as an error shows it: short, in one line. */
export function show(value: unknown): string {
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object' && value !== null) return 'a map'
  const text = JSON.stringify(value) ?? String(value)
  return printable(text.length > 60 ? `${text.slice(0, 57)}..."` : text)
}

/** `services.shop.servers[1].adress`. */
export function pathText(path: Path): string {
  let text = ''
  for (const step of path) {
    if (typeof step === 'number') text += `[${step}]`
    else if (/^[\w.-]{1,80}$/.test(step)) text += text === '' ? step : `.${step}`
    else text += `[${show(step)}]`
  }
  return text
}

/** One line: `site.yaml:9:23: services.shop.servers[1].adress: unknown key; did you mean address?`. */
export function formatProblem({ severity, file, line, column, path, text, fix }: SiteProblem): string {
  const kind = severity === 'warning' ? 'warning: ' : ''
  const where = path === '' ? '' : `${path}: `
  return printable(`${file}:${line}:${column}: ${kind}${where}${text}${fix === undefined ? '' : `; ${fix}`}`)
}
