// JSON that people have written: what is wrong with it, and where.
import { FileError } from './files.ts'

const space = /[ \t\r\n]*/y
const word = /true|false|null|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y
const escape = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y

/** Where JSON stops to make sense. */
class Misfit extends Error {
  readonly at: number

  constructor(problem: string, at: number) {
    super(problem)
    this.at = at
  }
}

// Goes through a text by the rules of RFC 8259. JSON.parse says the place in some versions of Node.js only.
class Scan {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  whole(): void {
    this.#value()
    if (this.#at < this.#text.length) throw new Misfit(`nothing may follow, but there is ${this.#here()}`, this.#at)
  }

  #value(): void {
    this.#skip(space)
    const first = this.#text.charAt(this.#at)
    if (first === '{') this.#list('}', () => this.#member())
    else if (first === '[') this.#list(']', () => this.#value())
    else if (first === '"') this.#string()
    else if (!this.#skip(word)) throw new Misfit(`a value is missing before ${this.#here()}`, this.#at)
    this.#skip(space)
  }

  #list(end: string, item: () => void): void {
    this.#at++
    this.#skip(space)
    if (this.#takes(end)) return
    for (;;) {
      item()
      if (this.#takes(end)) return
      if (!this.#takes(',')) throw new Misfit(`"," or "${end}" is missing before ${this.#here()}`, this.#at)
    }
  }

  #member(): void {
    this.#skip(space)
    if (this.#text.charAt(this.#at) !== '"') {
      throw new Misfit(`a name in quotation marks is missing before ${this.#here()}`, this.#at)
    }
    this.#string()
    this.#skip(space)
    if (!this.#takes(':')) throw new Misfit(`":" is missing before ${this.#here()}`, this.#at)
    this.#value()
  }

  #string(): void {
    const start = this.#at++
    for (;;) {
      const unit = this.#text.charCodeAt(this.#at)
      if (Number.isNaN(unit)) throw new Misfit('a text has no end', start)
      if (unit < 0x20) throw new Misfit('a control character in a text; write \\u and four digits', this.#at)
      if (unit === 0x5c && !this.#skip(escape)) throw new Misfit('there is no such escape', this.#at)
      if (unit === 0x5c) continue
      this.#at++
      if (unit === 0x22) return
    }
  }

  // Whether there was something to skip.
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
    if (!(error instanceof RangeError)) throw error // the stack: it is nested too deeply to go through
  }
  return undefined
}

/** Parses; throws `FileError` with the line and the column of what is wrong, both from 1. `name`: of the file. */
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
