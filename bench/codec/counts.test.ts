import { expect, test } from 'vitest'

import { compare, lineOf, parseCallgrind, passes, perItem } from './counts.ts'

test('perItem() removes the constant part', () => {
  expect(perItem(5_000_000 + 10_000 * 200, 5_000_000 + 110_000 * 200, 100_000)).toBe(200)
})

test('parses the output of callgrind', () => {
  expect(parseCallgrind('==7== Events    : Ir\n==7== Collected : 56370808\n')).toBe(56_370_808)
  expect(() => parseCallgrind('valgrind: no such program')).toThrow('no such program')
})

test('growth of up to 10 % passes', () => {
  const verdicts = [80, 90, 110, 111].map((counted) => compare({ a: 100 }, { a: counted })[0]?.verdict)
  expect(verdicts).toEqual(['less', 'same', 'same', 'more'])
  expect(passes(compare({ a: 100, b: 100 }, { a: 110, b: 80 }))).toBe(true)
  expect(passes(compare({ a: 100, b: 100 }, { a: 111, b: 80 }))).toBe(false)
})

test('new and missing subjects do not pass', () => {
  expect(compare({ old: 1 }, { fresh: 2 }).map(({ subject, verdict }) => [subject, verdict])).toEqual([
    ['fresh', 'not stored'],
    ['old', 'gone'],
  ])
  expect(passes(compare({}, { fresh: 2 }))).toBe(false)
  expect(passes(compare({ old: 1 }, {}))).toBe(false)
})

test('a line has the figure, the change and the verdict', () => {
  const lines = compare({ decode: 100, old: 1 }, { decode: 120, fresh: 3 }).map(lineOf)
  expect(lines[0]).toMatch(/^decode +120\.0 +20\.0 % {2}more$/)
  expect(lines[1]).toMatch(/^fresh +3\.0 +not stored$/)
  expect(lines[2]).toMatch(/^old +gone$/)
})
