// Validation of arguments. Each property is read exactly once, into a local, before it is used. User values are never
// converted by their own methods (toString, valueOf).

/** A refused value. `invalidArgument` converts it to an `IpvsError` with operation and target. */
export class InvalidInput extends Error {
  /** Path of the refused value, e.g. `service.persistence.timeoutSeconds`. */
  readonly field: string
  readonly #problem: string

  constructor(field: string, problem: string, options?: ErrorOptions) {
    super(`${field}: ${problem}`, options)
    this.field = field
    this.#problem = problem
  }

  /** Prefixes the path, for values that were checked with an empty path: building a path is needed for errors only. */
  within(path: string): InvalidInput {
    return new InvalidInput(path + this.field, this.#problem, { cause: this.cause })
  }
}

const LONGEST_SHOWN = 60

/**
 * Escapes characters that could control a terminal, forge a log line, or change the direction of text. For messages of one
 * line. `lab/printable.ts` does it for the output of programs, whose line feeds stay; the lab has no part of this library.
 */
export function escapeControls(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu, escaped)
}

// One escape per UTF-16 code unit.
function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}

function quoteText(text: string): string {
  const cut = text.length > LONGEST_SHOWN ? `${text.slice(0, LONGEST_SHOWN)}...` : text
  // JSON.stringify escapes control characters; everything beyond ASCII is escaped here.
  return JSON.stringify(cut).replaceAll(/[^\x20-\x7e]/g, escaped)
}

/** Formats a value for error messages, without running any code of the value. */
export function show(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return quoteText(value)
    case 'number':
      return Object.is(value, -0) ? '-0' : String(value)
    case 'bigint':
      return quoteText(`${value}n`).slice(1, -1)
    case 'boolean':
    case 'undefined':
      return String(value)
    case 'symbol':
      return 'a symbol'
    case 'function':
      return 'a function'
    default:
      return value === null ? 'null' : showObject(value as object)
  }
}

function showObject(value: object): string {
  try {
    if (Array.isArray(value)) return 'an array'
    return isPlain(value) ? 'an object' : 'an instance of a class'
  } catch {
    return 'an object that cannot be read' // a revoked proxy, or one that throws
  }
}

/**
 * True for plain objects of any realm: from a literal, from JSON, or without a prototype. Dates, maps, boxed numbers and
 * instances with getters keep their content outside own properties and would be read as `{}`.
 */
export function isPlain(value: object): boolean {
  const prototype = Object.getPrototypeOf(value) as object | null
  return prototype === Object.prototype || prototype === null || isObjectPrototype(prototype)
}

// Detects Object.prototype of another realm: no other prototype owns this method.
function isObjectPrototype(value: object): boolean {
  return Object.getPrototypeOf(value) === null && Object.hasOwn(value, 'isPrototypeOf')
}

/** True for arrays; false, without throwing, for a revoked proxy. */
export function isArray(value: unknown): value is readonly unknown[] {
  try {
    return Array.isArray(value)
  } catch {
    return false
  }
}

/** `"a", "b" or "c"`. */
export function alternatives(names: readonly string[]): string {
  const quoted = names.map((name) => `"${name}"`)
  const last = quoted.pop() ?? ''
  return quoted.length === 0 ? last : `${quoted.join(', ')} or ${last}`
}

/** Edit distance of two words: insertions, deletions, replacements, and swaps of neighbouring letters. */
export function editDistance(from: string, to: string): number {
  let before: number[] = []
  let last = Array.from({ length: to.length + 1 }, (_, index) => index)
  for (let i = 1; i <= from.length; i++) {
    const row = [i]
    for (let j = 1; j <= to.length; j++) {
      const same = from[i - 1] === to[j - 1]
      const swapped = i > 1 && j > 1 && from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1]
      row.push(
        Math.min(
          (last[j - 1] as number) + (same ? 0 : 1),
          (last[j] as number) + 1,
          (row[j - 1] as number) + 1,
          swapped ? (before[j - 2] as number) + 1 : Infinity,
        ),
      )
    }
    before = last
    last = row
  }
  return last[to.length] as number
}

/** The accepted name closest to a misspelling, a different letter case, or a part of a name. */
export function closest(given: string, accepted: readonly string[]): string | undefined {
  if (given.length < 2 || given.length > 40) return undefined
  const wanted = given.toLowerCase()
  let best: string | undefined
  let least = Math.max(1, Math.floor(given.length / 3)) + 1
  for (const name of accepted) {
    const distance = editDistance(wanted, name.toLowerCase())
    if (distance < least) {
      best = name
      least = distance
    }
  }
  const contains = (name: string) => wanted.length >= 3 && name.toLowerCase().includes(wanted)
  return best ?? accepted.find(contains)
}

function suggestion(given: string, accepted: readonly string[]): string {
  const name = closest(given, accepted)
  return name === undefined ? '' : `; did you mean "${name}"?`
}

/** The values of all named properties; `undefined` where absent. No property is inherited. */
export type Fields<Name extends string> = Readonly<Record<Name, unknown>>

/** Reads the properties of a user's object. It has the property NAME if the bit `bit.NAME` is set in `present`. */
export type PickFields<Name extends string> = (
  given: Record<Name, unknown>,
  present: number,
  bit: Readonly<Record<Name, number>>,
) => Record<Name, unknown>

/** Names from an object that has to have all of them. */
export function namesOf<Name extends string>(names: Readonly<Record<Name, true>>): readonly Name[] {
  return Object.keys(names) as Name[]
}

/**
 * The properties of one kind of object. Build it once. Properties in `ignored` are accepted and not read; any other
 * property is an error, because a misspelt setting must not be lost silently.
 */
export class FieldSet<Name extends string> {
  readonly names: readonly Name[]
  /** Accepted without being looked at. */
  readonly ignored: readonly string[]
  readonly #pick: PickFields<Name>
  readonly #bits: Readonly<Record<Name, number>>
  readonly #ignored: ReadonlySet<string>

  /** `pick`: returns a literal with all names, several times as fast as a loop over the names. */
  constructor(names: readonly Name[], pick: PickFields<Name>, ignored: readonly string[] = []) {
    this.names = names
    this.#pick = pick
    this.#bits = Object.fromEntries(names.map((name, index) => [name, 1 << index])) as Record<Name, number>
    this.ignored = ignored
    this.#ignored = new Set(ignored)
  }

  /** Reads each own enumerable property of a user's object once. Throws `InvalidInput`. */
  read(value: unknown, path: string): Fields<Name> {
    try {
      return this.#pick(value as Record<Name, unknown>, this.#present(value, path), this.#bits)
    } catch (cause) {
      if (cause instanceof InvalidInput) throw cause
      throw new InvalidInput(path, 'reading a property failed', { cause }) // a throwing getter or proxy
    }
  }

  #present(value: unknown, path: string): number {
    if (typeof value !== 'object' || value === null || !isPlain(value)) {
      const kind = typeof value !== 'object' || value === null || isArray(value) ? 'an object' : 'a plain object'
      throw new InvalidInput(path, `${show(value)} is not ${kind} with the properties ${this.names.join(', ')}`)
    }
    let present = 0
    for (const key in value) {
      if (!Object.hasOwn(value, key)) continue
      const index = this.#indexOf(key)
      if (index >= 0) present |= 1 << index
      else if (!this.#ignored.has(key)) throw unknownKey(path, key, this.names)
    }
    return present
  }

  // A loop is faster than a map: there are few names, and V8 compares interned strings by identity.
  #indexOf(key: string): number {
    for (let index = 0; index < this.names.length; index++) if (this.names[index] === key) return index
    return -1
  }
}

/** `FieldSet.read` for objects that are rare, such as options. */
export function readFields<Name extends string>(
  value: unknown,
  path: string,
  names: readonly Name[],
  ignored: readonly string[] = [],
): Fields<Name> {
  const pick: PickFields<Name> = (given, present, bit) => {
    const picked = names.map((name) => [name, present & bit[name] ? given[name] : undefined])
    return Object.fromEntries(picked) as Record<Name, unknown>
  }
  return new FieldSet(names, pick, ignored).read(value, path)
}

function unknownKey(path: string, key: string, names: readonly string[]): InvalidInput {
  const name = /^[\w$-]{1,40}$/.test(key) ? key : quoteText(key)
  const meant = suggestion(key, names)
  return new InvalidInput(`${path}.${name}`, `there is no such property${meant} (accepted: ${names.join(', ')})`)
}

/** Checks for an integer from `least` to `most`. Text, bigint and -0 are refused. */
export function integer(value: unknown, path: string, least: number, most: number): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < least || value > most || Object.is(value, -0)) {
    throw new InvalidInput(path, `${show(value)} is not an integer from ${least} to ${most}`)
  }
  return value
}

export function boolean(value: unknown, path: string): boolean {
  if (typeof value !== 'boolean') throw new InvalidInput(path, `${show(value)} is neither true nor false`)
  return value
}

/** Checks for one of a few names, spelt exactly. */
export function oneOf<Name extends string>(value: unknown, path: string, names: readonly Name[]): Name {
  for (const name of names) if (name === value) return name
  const meant = typeof value === 'string' ? suggestion(value.trim(), names) : ''
  throw new InvalidInput(path, `${show(value)} is not ${alternatives(names)}${meant}`)
}

/** Copies an array of at most `most` elements, reading each element once. */
export function list(value: unknown, path: string, most: number): unknown[] {
  try {
    if (!Array.isArray(value)) throw new InvalidInput(path, `${show(value)} is not an array`)
    const length = value.length
    if (length > most) throw new InvalidInput(path, `${length} elements are too many (at most ${most})`)
    return Array.from({ length }, (_, index) => value[index] as unknown)
  } catch (cause) {
    if (cause instanceof InvalidInput) throw cause
    throw new InvalidInput(path, 'reading an element failed', { cause })
  }
}
