// The text of an lvs.cf file (Piranha) to blocks of settings. Line-based: words are separated by blanks, `=` is a word of its own.
import type { Remarks } from './imported.ts'

/** One setting. */
export interface Setting {
  readonly line: number
  readonly key: string
  /** One or two words, without quotes. */
  readonly words: readonly string[]
}

/** The file itself, or what is between `{` and `}`. */
export interface Block {
  /** `virtual`, `failover`, `server`; empty for the file. */
  readonly kind: string
  readonly name: string
  readonly line: number
  /** A later setting of a key replaces the one before it. */
  readonly settings: ReadonlyMap<string, Setting>
  readonly blocks: readonly Block[]
}

interface OpenBlock extends Block {
  readonly settings: Map<string, Setting>
  readonly blocks: OpenBlock[]
}

const openBlock = (kind: string, name: string, line: number): OpenBlock => ({
  kind,
  name,
  line,
  settings: new Map(),
  blocks: [],
})

/** Words of a line. A quote that is not closed makes the rest of the line one word. */
function wordsOf(text: string): readonly string[] {
  const words = text.replace(/([^\s"'])\{\s*$/, '$1 {').matchAll(/"([^"]*)"?|'([^']*)'?|([^\s"']\S*)/g)
  return [...words].map(([, double, single, plain]) => double ?? single ?? plain ?? '')
}

/** Keys with more than one word. */
const wordCounts: Readonly<Record<string, number>> = {
  address: 2,
  nat_router: 2,
  dirs: 100,
  active_cmd: 100,
  inactive_cmd: 100,
}

/** Which blocks stand where. */
const inside: Readonly<Record<string, readonly string[]>> = {
  '': ['virtual', 'failover'],
  virtual: ['server'],
  failover: ['server'],
  server: [],
}

/** The blocks of a file. What cannot be read is remarked. */
export function lvsCfBlocks(text: string, remarks: Remarks): Block {
  const file = openBlock('', '', 1)
  const open = [file]
  for (const [index, content] of text.split(/\r\n|\r|\n/).entries()) {
    const line = index + 1
    const words = wordsOf(content)
    const [first = '', second = '', third] = words
    const block = open.at(-1) ?? file
    if (first === '' || first.startsWith('#')) continue
    if (first === '}') {
      if (open.length === 1) remarks.add('lost', line, '"}" closes no block')
      else open.pop()
    } else if (third === '{') {
      if (inside[block.kind]?.includes(first) !== true) remarks.add('lost', line, `no block ${first} is known here`)
      const begun = openBlock(first, second, line)
      block.blocks.push(begun)
      open.push(begun)
    } else if (second === '=' && words.length > 2) {
      const end = 2 + (wordCounts[first] ?? 1)
      block.settings.set(first, { line, key: first, words: words.slice(2, end) })
      if (words.length > end) remarks.add('lost', line, `behind the value: ${words.slice(end).join(' ')}`)
    } else {
      remarks.add('lost', line, `not understood: ${content.trim()}`)
    }
  }
  for (const { kind, name, line } of open.slice(1)) remarks.add('changed', line, `${kind} ${name} has no "}"`)
  return file
}

/** A whole number; hexadecimal and octal as in C. */
export function lvsCfNumber(text: string): number | undefined {
  if (/^0[0-7]+$/.test(text)) return Number.parseInt(text, 8)
  return /^(?:0[xX][\da-fA-F]+|\d+)$/.test(text) ? Number(text) : undefined
}
