// Parses JSON and reports the line and column of syntax errors.
import { FileError } from './files.ts'

const space = /[ \t\r\n]*/y
const word = /true|false|null|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y
const escape = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y

/** A syntax error and its offset. */
class Misfit extends Error {
  readonly at: number

  constructor(problem: string, at: number) {
    super(problem)
    this.at = at
  }
}

// Scans a text by RFC 8259. JSON.parse reports the place of an error only in some versions of Node.js.
class Scan {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  whole(): void {
    this.#value()
    if (this.#at < this.#text.length) throw new Misfit(`unexpected ${this.#here()} after the end`, this.#at)
  }

  #value(): void {
    this.#skip(space)
    const first = this.#text.charAt(this.#at)
    if (first === '{') this.#list('}', () => this.#member())
    else if (first === '[') this.#list(']', () => this.#value())
    else if (first === '"') this.#string()
    else if (!this.#skip(word)) throw new Misfit(`missing value before ${this.#here()}`, this.#at)
    this.#skip(space)
  }

  #list(end: string, item: () => void): void {
    this.#at++
    this.#skip(space)
    if (this.#takes(end)) return
    for (;;) {
      item()
      if (this.#takes(end)) return
      if (!this.#takes(',')) throw new Misfit(`missing "," or "${end}" before ${this.#here()}`, this.#at)
    }
  }

  #member(): void {
    this.#skip(space)
    if (this.#text.charAt(this.#at) !== '"') {
      throw new Misfit(`missing name in quotation marks before ${this.#here()}`, this.#at)
    }
    this.#string()
    this.#skip(space)
    if (!this.#takes(':')) throw new Misfit(`missing ":" before ${this.#here()}`, this.#at)
    this.#value()
  }

  #string(): void {
    const start = this.#at++
    for (;;) {
      const unit = this.#text.charCodeAt(this.#at)
      if (Number.isNaN(unit)) throw new Misfit('unterminated string', start)
      if (unit < 0x20) throw new Misfit('control character in a string; write \\u and four digits', this.#at)
      if (unit === 0x5c && !this.#skip(escape)) throw new Misfit('unknown escape', this.#at)
      if (unit === 0x5c) continue
      this.#at++
      if (unit === 0x22) return
    }
  }

  // Returns whether the pattern matched.
  #skip(pattern: RegExp): boolean {
    const start = (pattern.lastIndex = this.#at)
    if (pattern.test(this.#text)) this.#at = pattern.lastIndex
    return this.#at > start
  }

  #takes(character: string): boolean {
    if (this.#text.charAt(this.#at) !== character) return false
    this.#at++
    return true
  }

  #here(): string {
    return this.#at < this.#text.length ? JSON.stringify(this.#text.charAt(this.#at)) : 'the end'
  }
}

function misfitOf(text: string): Misfit | undefined {
  try {
    new Scan(text).whole()
  } catch (error) {
    if (error instanceof Misfit) return error
    if (!(error instanceof RangeError)) throw error // stack overflow: nested too deeply to scan
  }
  return undefined
}

/** Parses JSON; throws `FileError` with line and column, both from 1. `name` is the name of the file. */
export function parseJson(text: string, name: string): unknown {
  if (text.trim() === '') throw new FileError(`${name}: is empty`)
  try {
    return JSON.parse(text) as unknown
  } catch (cause) {
    const misfit = misfitOf(text)
    if (misfit === undefined) throw new FileError(`${name}: is not JSON`, { cause })
    const before = text.slice(0, misfit.at).split('\n')
    const column = (before.at(-1) ?? '').length + 1
    throw new FileError(`${name}:${before.length}:${column}: ${misfit.message}`, { cause })
  }
}
