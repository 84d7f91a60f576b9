// Damaged texts: they parse, or have problems with places inside the text. Never another exception.
import { expect, test, vi } from 'vitest'
import { design } from './support/design.ts'
import { problemsOf } from './support/problems.ts'
import { exampleSite } from '../../src/site/example.ts'

// Other tests may take both processors.
vi.setConfig({ testTimeout: 60_000 })

/** xorshift32: numbers from 0 to `below` - 1, the same for the same seed. */
function random(seed: number): (below: number) => number {
  let state = seed * 2_654_435_761 + 1
  return (below) => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) % below
  }
}

const scraps = [
  '',
  ' ',
  '\n',
  '\t',
  ':',
  ': ',
  '- ',
  '[',
  ']',
  '{',
  '}',
  ',',
  '"',
  "'",
  '&a ',
  '*a',
  '!!',
  '!x ',
  '|',
  '>',
  '?',
  '? ',
  '#',
  '---\n',
  '...\n',
  '%YAML 1.2\n',
  'null',
  '~',
  'true',
  '-1',
  '1e999',
  '.nan',
  '0x10',
  '0o7',
  '99999999999999999999',
  '5s',
  '50%',
  '::1',
  '10.0.0.1',
  'x'.repeat(300),
  '\u0000',
  '\u001b[2J',
  '\u202e',
  '\ud800',
  '😀',
  '<<: *a',
  '__proto__: 1',
  'constructor',
  'servers',
  'checks: []',
  'virtual: 1',
] as const

const values = [
  null,
  true,
  0,
  -1,
  1.5,
  1e300,
  '',
  'x',
  '5s',
  '50%',
  [],
  {},
  [[]],
  [null],
  { tcp: {} },
  { x: 1 },
  '10.0.0.1',
  '::1',
  'all',
  [80],
]

/** Damages the text itself. */
function damagedText(text: string, next: (below: number) => number): string {
  let damaged = text
  for (let count = next(4) + 1; count > 0; count--) {
    const at = next(damaged.length + 1)
    const scrap = scraps[next(scraps.length)] as string
    damaged = damaged.slice(0, at) + scrap + damaged.slice(at + next(2) * next(20))
  }
  return damaged
}

/** Puts wrong values at any place. */
function damagedValue(value: unknown, next: (below: number) => number): unknown {
  if (next(25) === 0) return values[next(values.length)]
  if (Array.isArray(value)) return value.map((each) => damagedValue(each, next))
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).map(([key, each]) => [
    next(40) === 0 ? `${key}x` : key,
    damagedValue(each, next),
  ])
  return Object.fromEntries(entries)
}

function look(text: string, seed: number): number {
  const problems = problemsOf(text)
  const lines = text.split('\n')
  for (const { line, column, text: words, path, fix } of problems) {
    const inText = line >= 1 && line <= lines.length && column >= 1 && column <= (lines[line - 1] as string).length + 1
    const printable = words !== '' && !/[\p{Cc}\p{Cs}\u202E]/u.test(`${path}${words}${fix ?? ''}`)
    if (!inText || !printable) throw new Error(`seed ${seed}: ${line}:${column} ${path} ${words}`)
  }
  return problems.length
}

const texts = [design, exampleSite]

test('damaged texts', () => {
  let told = 0
  for (let seed = 1; seed <= 600; seed++) {
    const next = random(seed)
    if (look(damagedText(texts[seed % 2] as string, next), seed) > 0) told++
  }
  expect(told).toBeGreaterThan(300)
})

test('damaged values', async () => {
  const { parse } = await import('yaml')
  const sound = parse(design) as unknown
  let told = 0
  for (let seed = 1; seed <= 600; seed++) {
    const damaged = damagedValue(sound, random(seed))
    if (look(JSON.stringify(damaged, undefined, 1) ?? '', seed) > 0) told++
  }
  expect(told).toBeGreaterThan(300)
})
