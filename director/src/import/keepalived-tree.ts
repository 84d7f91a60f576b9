// The text of a keepalived.conf to a tree: words, and what is between braces. `!` and `#` begin a comment.
import type { Remarks } from './imported.ts'

/** One statement. */
export interface Statement {
  readonly line: number
  /** Without quotes. The first one is the keyword. */
  readonly words: readonly string[]
  /** `undefined`: no braces. */
  readonly children: readonly Statement[] | undefined
}

interface OpenStatement {
  readonly line: number
  readonly words: readonly string[]
  children: OpenStatement[] | undefined
}

/** Texts of the files that an `include` names; `undefined`: none is found. */
export type Include = (pattern: string) => readonly string[] | undefined

const MOST_INCLUDES = 100

/** Words and braces of a line; a quoted word may have blanks. */
function wordsOf(text: string): readonly string[] {
  const words = text.matchAll(/"((?:[^"\\]|\\.)*)"|([{}])|([!#].*)|([^\s{}"]+)/g)
  return [...words].flatMap(([, quoted, brace, comment, plain]) => {
    if (comment !== undefined) return []
    return [quoted === undefined ? (brace ?? plain ?? '') : quoted.replace(/\\(.)/g, '$1')]
  })
}

class TreeReader {
  readonly #remarks: Remarks
  readonly #include: Include
  readonly #variables = new Map<string, string>()
  readonly #top: OpenStatement[] = []
  readonly #open: OpenStatement[] = []
  #includes = 0

  constructor(remarks: Remarks, include: Include) {
    this.#remarks = remarks
    this.#include = include
  }

  /** `within`: the line of the `include`, for the lines of an included file. */
  read(text: string, within?: number): readonly Statement[] {
    for (const [index, content] of text.split(/\r?\n/).entries()) this.#readLine(within ?? index + 1, content)
    if (within !== undefined) return this.#top
    for (const { line, words } of this.#open) this.#remarks.add('changed', line, `${words.join(' ')} has no "}"`)
    return this.#top
  }

  get #list(): OpenStatement[] {
    const last = this.#open.at(-1)
    if (last === undefined) return this.#top
    last.children ??= []
    return last.children
  }

  #readLine(line: number, content: string): void {
    const definition = /^\s*\$(\w+)\s*=\s*(.*?)\s*$/.exec(content)
    if (definition !== null) {
      this.#variables.set(definition[1] ?? '', this.#replaced(definition[2] ?? ''))
      return
    }
    let words: string[] = []
    for (const word of wordsOf(this.#replaced(content))) {
      if (word === '{') {
        this.#begin(line, words)
        words = []
      } else if (word === '}') {
        this.#add(line, words)
        words = []
        if (this.#open.pop() === undefined) this.#remarks.add('lost', line, '"}" closes no block')
      } else words.push(word)
    }
    this.#add(line, words)
  }

  #replaced(text: string): string {
    return text.replace(/\$\{?(\w+)\}?/g, (whole, name: string) => this.#variables.get(name) ?? whole)
  }

  /** A brace in a line of its own belongs to the statement before it. */
  #begin(line: number, words: readonly string[]): void {
    const before = this.#list.at(-1)
    if (words.length === 0 && before !== undefined && before.children === undefined) {
      before.children = []
      this.#open.push(before)
      return
    }
    const statement: OpenStatement = { line, words: this.#withoutCondition(line, words), children: [] }
    this.#list.push(statement)
    this.#open.push(statement)
  }

  #add(line: number, words: readonly string[]): void {
    const [first = '', second = ''] = words
    if (first === '') return
    if (/^include(?:r|m|w|b)?$/.test(first)) return this.#addFiles(line, second)
    this.#list.push({ line, words: this.#withoutCondition(line, words), children: undefined })
  }

  #withoutCondition(line: number, words: readonly string[]): readonly string[] {
    const [first = ''] = words
    if (!first.startsWith('@')) return words
    this.#remarks.add('changed', line, `${first}: lines with a condition are taken on every host`)
    return words.slice(1)
  }

  #addFiles(line: number, pattern: string): void {
    const texts = this.#include(pattern)
    if (texts === undefined) return this.#remarks.add('lost', line, `include ${pattern}: no file is found`)
    for (const text of texts) {
      this.#includes += 1
      if (this.#includes > MOST_INCLUDES) return this.#remarks.add('lost', line, 'too many files are included')
      this.read(text, line)
    }
  }
}

/** The statements of a file. */
export function keepalivedTree(text: string, remarks: Remarks, include: Include): readonly Statement[] {
  return new TreeReader(remarks, include).read(text)
}

/** The statements in a block, by keyword. */
export class Statements {
  readonly #all: readonly Statement[]

  constructor({ children = [] }: Statement) {
    this.#all = children
  }

  get all(): readonly Statement[] {
    return this.#all
  }

  /** The last one with the keyword. */
  get(...keywords: readonly string[]): Statement | undefined {
    return this.#all.findLast(({ words }) => keywords.includes(words[0] ?? ''))
  }

  has(keyword: string): boolean {
    return this.get(keyword) !== undefined
  }

  text(...keywords: readonly string[]): string | undefined {
    return this.get(...keywords)?.words[1]
  }

  /** Fractions are allowed. */
  number(...keywords: readonly string[]): number | undefined {
    const text = this.text(...keywords)
    const value = text === undefined || text === '' ? Number.NaN : Number(text)
    return Number.isFinite(value) && value >= 0 ? value : undefined
  }
}
