// Values and texts as errors show them.
import { describe, expect, test } from 'vitest'
import { escapeControls, show } from '../../../lib/values/validate.ts'

describe('show', () => {
  test.each([
    ['a "b"', '"a \\"b\\""'],
    ['\u001b[31m\u009b\u202e\ud800', '"\\u001b[31m\\u009b\\u202e\\ud800"'],
    [-0, '-0'],
    [1n, '1n'],
    [null, 'null'],
    [undefined, 'undefined'],
    [true, 'true'],
    [[1], 'an array'],
    [
      {
        toString: () => {
          throw new Error('no')
        },
      },
      'an object',
    ],
    [new Date(), 'an instance of a class'],
    [() => 1, 'a function'],
    [Symbol('x'), 'a symbol'],
  ])('%#', (value, text) => expect(show(value)).toBe(text))

  test('text is cut behind 60 characters', () => {
    expect(show('x'.repeat(60))).toBe(`"${'x'.repeat(60)}"`)
    expect(show('x'.repeat(61))).toBe(`"${'x'.repeat(60)}..."`)
    expect(show('x'.repeat(10_000_000)).length).toBeLessThan(80)
    expect(show(10n ** 100n).length).toBeLessThan(80)
  })
})

test('escapeControls', () => {
  expect(escapeControls('a\tb\n\u001b[2J\u009b\u007f')).toBe('a\\u0009b\\u000a\\u001b[2J\\u009b\\u007f')
  expect(escapeControls('\u202e\u2066\u2028\ud800')).toBe('\\u202e\\u2066\\u2028\\ud800')
  expect(escapeControls('é中\u{1f600} "x"')).toBe('é中\u{1f600} "x"')
})
