// Splits words into switches: long and short spellings, combined short ones, values in the same word or the next.
import { switches, type Switch } from './options.ts'

/** A switch on the command line. */
export interface Met {
  /** The long spelling. */
  readonly name: string
  readonly value?: string
  /** Its word, for messages. */
  readonly word: string
}

/** A syntax error; all switches before it have been returned. */
export interface Problem {
  readonly problem: string
}

const byLong = new Map(switches.map((each) => [each.long, each]))
const byShort = new Map(switches.flatMap((each) => (each.short === undefined ? [] : [[each.short, each]])))

/** Returns switches one by one. All other words, including words after `--`, are collected in `left`. */
export class Scanner {
  readonly #words: readonly string[]
  #next = 0
  /** Remaining short switches of the current word. */
  #joined = ''
  #word = ''
  readonly left: string[] = []

  constructor(words: readonly string[]) {
    this.#words = words
  }

  /** The next switch; `undefined` at the end. */
  next(): Met | Problem | undefined {
    if (this.#joined !== '') return this.#short()
    for (; this.#next < this.#words.length;) {
      const word = this.#words[this.#next++] as string
      if (word === '--') {
        this.left.push(...this.#words.slice(this.#next))
        this.#next = this.#words.length
      } else if (!word.startsWith('-') || word === '-') {
        this.left.push(word)
      } else {
        this.#word = word
        if (word.startsWith('--')) return this.#long(word)
        this.#joined = word.slice(1)
        return this.#short()
      }
    }
    return undefined
  }

  #long(word: string): Met | Problem {
    const equals = word.indexOf('=')
    const found = byLong.get(word.slice(2, equals < 0 ? undefined : equals))
    if (found === undefined) return problem(word, 'unknown option')
    if (equals < 0) return this.#met(found, undefined)
    if (found.value === 'none') return problem(word, 'option does not take an argument')
    return this.#met(found, word.slice(equals + 1))
  }

  #short(): Met | Problem {
    const found = byShort.get(this.#joined.charAt(0))
    const rest = this.#joined.slice(1)
    if (found === undefined) return problem(this.#word, 'unknown option')
    if (found.value === 'none') {
      this.#joined = rest
      return this.#met(found, undefined)
    }
    this.#joined = ''
    return this.#met(found, rest === '' ? undefined : rest.replace(/^=/, ''))
  }

  #met({ long, value: wants }: Switch, given: string | undefined): Met | Problem {
    let value = given
    if (value === undefined && wants !== 'none') {
      const next = this.#words[this.#next]
      if (next !== undefined && (wants === 'required' || !next.startsWith('-'))) {
        this.#next++
        value = next
      } else if (wants === 'required') {
        return problem(this.#word, 'missing argument')
      }
    }
    return { name: long, word: this.#word, ...(value !== undefined && { value }) }
  }
}

function problem(word: string, what: string): Problem {
  return { problem: `${word}: ${what}` }
}
