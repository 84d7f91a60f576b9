// Mutants of lib/ that no test of behaviour can kill: the line, the part that is replaced, and the reason.
const pauses = {
  file: 'lib/batch/settlement.ts',
  line: 'if (this.#pauses.isDue()) await this.#pauses.take()',
  from: 'this.#pauses.isDue()',
  why: 'changes only when the event loop gets a turn; tests of the event loop are left out of mutation testing',
}

const DESTINATION = 'lib/services/destination.ts'
const fastNumber = {
  file: DESTINATION,
  line: "(typeof value === 'number' && value > 0 && value <= mostWeight && (value | 0) === value)",
  why: 'a shortcut for ordinary numbers; integer() returns the same for them',
}
const named = { file: DESTINATION, from: 'true', to: 'false', why: 'only the keys are used; the type demands true' }

const WRITER = 'lib/binding/row-writer.ts'
const ofFast = { file: WRITER, line: 'if (present >= 0) {', why: 'then the writer of the schema writes the same bytes' }
const ofUsed = {
  file: WRITER,
  line: 'if (this.#length < this.#used) this.#views.bytes.fill(0, start, start + this.#size)',
  why: 'clears at least the same rows: it costs time only',
}
const ofText = {
  file: 'lib/binding/row-reader.ts',
  line: "return text.toString('utf8', start, end < 0 || end > start + size ? start + size : end)",
}

const VALIDATE = 'lib/values/validate.ts'
const ofSwap = {
  file: VALIDATE,
  line: 'const swapped = i > 1 && j > 1 && from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1]',
  why: 'index -1 of a text is undefined and equals no letter',
}
const ofIgnored = { file: VALIDATE, from: '[]', to: '["Stryker was here"]', why: 'ignores a property that nobody has' }

const PLAN = 'lib/marks/plan.ts'
const ofTurn = { file: PLAN, from: 'pauses.isDue()', why: pauses.why }
const take = { ...ofTurn, line: 'if (pauses.isDue()) await pauses.take()' }
const ofNothing = {
  file: PLAN,
  line: 'if (change.added.length > 0) missing.set(rule, change)',
  from: 'change.added.length > 0',
  why: 'a change that adds nothing removes nothing',
}
const ofMarked = {
  file: PLAN,
  line: 'if (removed.length === 0 && added.length > 0 && elements.every(isMarked)) return { removed, added: [] }',
}

export const equivalent = [
  { ...ofTurn, line: 'if (pauses.isDue()) yield', to: 'true' },
  { ...ofTurn, line: 'if (pauses.isDue()) yield', to: 'false' },
  { ...take, to: 'true' },
  { ...take, to: 'false' },
  { ...ofNothing, to: 'true' },
  { ...ofNothing, to: 'change.added.length >= 0' },
  {
    ...ofMarked,
    from: 'removed.length === 0 && added.length > 0 && elements.every(isMarked)',
    to: 'false',
    why: 'a shortcut: isCovered() finds the same',
  },
  { ...ofMarked, from: 'added.length > 0', to: 'true', why: 'without added elements the change is empty either way' },
  { ...ofMarked, from: 'added.length > 0', to: 'added.length >= 0', why: 'the same as true' },
  {
    file: PLAN,
    line: 'if (near.size === 4) break',
    from: 'near.size === 4',
    to: 'false',
    why: 'three are shown however many there are: it costs time only',
  },
  {
    file: PLAN,
    line: 'if (own.length === elements.length || found.length < elements.length) return own',
    from: 'own.length === elements.length',
    to: 'false',
    why: 'a shortcut: then all found elements have the id, and are returned by the next line',
  },
  {
    file: PLAN,
    line: 'const id = elements[0]?.rule',
    from: 'elements[0]?.rule',
    to: 'elements[0].rule',
    why: 'a rule has at least one element',
  },
  {
    file: PLAN,
    line: 'const overlap = added.length === 0 ? undefined : await overlapIn(table, added, removed, pauses)',
    from: 'added.length === 0',
    to: 'false',
    why: 'a shortcut: no elements have no overlap',
  },
  { ...ofSwap, from: 'i > 1 && j > 1', to: 'true' },
  { ...ofSwap, from: 'i > 1 && j > 1', to: 'i > 1 || j > 1' },
  { ...ofSwap, from: 'i > 1', to: 'true' },
  { ...ofSwap, from: 'i > 1', to: 'i >= 1' },
  { ...ofSwap, from: 'j > 1', to: 'true' },
  { ...ofSwap, from: 'j > 1', to: 'j >= 1' },
  {
    ...ofIgnored,
    line: 'constructor(names: readonly Name[], pick: PickFields<Name>, ignored: readonly string[] = []) {',
  },
  { ...ofIgnored, line: 'ignored: readonly string[] = [],' },
  {
    file: VALIDATE,
    line: 'return prototype === Object.prototype || prototype === null || isObjectPrototype(prototype)',
    from: 'prototype === Object.prototype',
    to: 'false',
    why: 'a shortcut: isObjectPrototype() is true for it as well',
  },
  {
    file: VALIDATE,
    line: 'let before: number[] = []',
    from: '[]',
    to: '["Stryker was here"]',
    why: 'is not read in the first round',
  },
  {
    file: VALIDATE,
    line: 'for (let index = 0; index < this.names.length; index++) if (this.names[index] === key) return index',
    from: 'index < this.names.length',
    to: 'index <= this.names.length',
    why: 'the name behind the last is undefined, which is no key',
  },
  {
    file: VALIDATE,
    line: "if (typeof value !== 'number' || !Number.isInteger(value) || value < least || value > most || Object.is(value, -0)) {",
    from: "typeof value !== 'number'",
    to: 'false',
    why: 'Number.isInteger() is false for everything else; the type needs it',
  },
  {
    file: 'lib/batch/settlement.ts',
    line: "return !OF_ONE_ITEM.has(kind) || (kind === 'rejected' && errno === EPERM)",
    from: "kind === 'rejected'",
    to: 'true',
    why: 'only refusals have errno 1: overruns have ENOBUFS, truncated and malformed replies 0',
  },
  { ...pauses, to: 'true' },
  { ...pauses, to: 'false' },
  {
    file: 'lib/services/destination-patch.ts',
    line: 'if (fields.address === undefined && fields.port === undefined) return',
    from: 'fields.address === undefined && fields.port === undefined',
    to: 'false',
    why: 'a shortcut: with the defaults the key is the same',
  },
  {
    file: 'lib/services/destination-patch.ts',
    line: 'if (!noUpper && !noLower) return fields',
    from: '!noUpper && !noLower',
    to: 'false',
    why: 'a shortcut: the copy has the same values',
  },
  { ...fastNumber, from: fastNumber.line.slice(1, -1), to: 'false' },
  { ...fastNumber, from: 'value > 0', to: 'value >= 0' },
  { ...fastNumber, from: 'value <= mostWeight', to: 'true', why: 'mostWeight is the largest number that | 0 keeps' },
  { ...fastNumber, from: 'value <= mostWeight', to: 'value < mostWeight' },
  { ...fastNumber, from: 'value <= mostWeight', to: 'value > mostWeight' },
  { ...named, line: 'forwarding: true,' },
  { ...named, line: 'weight: true,' },
  { ...named, line: 'upperThreshold: true,' },
  { ...named, line: 'lowerThreshold: true,' },
  { ...named, line: 'tunnel: true,' },
  { ...ofText, from: 'end < 0', to: 'end <= 0', why: 'text is never the first byte of a row' },
  { ...ofText, from: 'end > start + size', to: 'end >= start + size', why: 'both branches have the same value' },
  {
    file: WRITER,
    line: "if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value > most) {",
    from: "typeof value !== 'number'",
    to: 'false',
    why: 'Number.isInteger is false for every other type',
  },
  {
    file: WRITER,
    line: 'if (unit > 0x7f) return writeAny(views, row, value)',
    from: 'unit > 0x7f',
    to: 'unit >= 0x7f',
    why: 'both branches write the same byte',
  },
  {
    file: WRITER,
    line: 'this.#write = fast === undefined ? write : withFallback(fast, write, size)',
    from: 'fast === undefined',
    to: 'true',
    why: 'both write the same bytes',
  },
  { ...ofFast, from: 'present >= 0', to: 'false' },
  { ...ofFast, from: 'present >= 0', to: 'present > 0' },
  { ...ofFast, from: '{', to: '{}' },
  {
    file: WRITER,
    line: 'if (start + this.#size > this.#views.bytes.length) this.#grow()',
    from: 'start + this.#size > this.#views.bytes.length',
    to: 'start + this.#size >= this.#views.bytes.length',
    why: 'the block grows one row earlier',
  },
  {
    file: WRITER,
    line: 'views.bytes.fill(0, row, row + size)',
    from: 'row + size',
    to: 'row - size',
    why: 'the writer of the schema writes every byte that the fast writer has written',
  },
  { ...ofUsed, from: 'this.#length < this.#used', to: 'true' },
  { ...ofUsed, from: 'this.#length < this.#used', to: 'this.#length <= this.#used' },
]
