// Names in errors: the accepted names, the closest one, and unknown ones.
import { describe, expect, test } from 'vitest'
import { alternatives, closest, editDistance, oneOf, readFields } from '../../../lib/values/validate.ts'
import { refused } from '../support/refused.ts'

test.each([
  [[], ''],
  [['a'], '"a"'],
  [['a', 'b'], '"a" or "b"'],
  [['a', 'b', 'c'], '"a", "b" or "c"'],
])('alternatives of %j', (names, text) => {
  expect(alternatives(names)).toBe(text)
})

test.each([
  ['', '', 0],
  ['abc', '', 3],
  ['abc', 'abd', 1],
  ['ab', 'ba', 1],
  ['xab', 'xba', 1],
  ['abx', 'bax', 1],
  ['ab', 'bc', 2],
  ['ab', 'ca', 2],
  ['abc', 'cab', 2],
  ['kitten', 'sitting', 3],
  ['weigth', 'weight', 1],
])('edit distance of %j and %j', (from, to, distance) => {
  expect(editDistance(from, to)).toBe(distance)
})

describe('closest', () => {
  test.each([
    ['a single letter', 'a', ['b'], undefined],
    ['two letters', 'ab', ['ac'], 'ac'],
    ['two letters, both wrong', 'ab', ['cd'], undefined],
    ['a third of the letters wrong', 'abcdxx', ['abcdef'], 'abcdef'],
    ['more than a third wrong', 'abcxxx', ['abcdef'], undefined],
    ['40 letters', 'a'.repeat(40), ['a'.repeat(39)], 'a'.repeat(39)],
    ['a very long word', 'a'.repeat(100_000), ['abcdef'], undefined],
    ['41 letters', 'a'.repeat(41), ['a'.repeat(40)], undefined],
    ['capitals of the accepted name', 'weigth', ['WEIGHT'], 'WEIGHT'],
    ['capitals of the accepted name, a part', 'eig', ['WEIGHT'], 'WEIGHT'],
    ['two letters of a name', 'we', ['weight'], undefined],
    ['three letters of a name', 'wei', ['weight'], 'weight'],
    ['the closer of two', 'ports', ['parts', 'ports6', 'ports'], 'ports'],
    ['the first of two that are equally close', 'port1', ['ports', 'port2'], 'ports'],
    ['a similar name before a part of a name', 'port', ['transport', 'sort'], 'sort'],
  ])('%s', (_what, given, accepted, found) => {
    expect(closest(given, accepted)).toBe(found)
  })
})

test('oneOf suggests nothing for a number, and ignores blanks', () => {
  const protocols = ['tcp', 'udp'] as const
  expect(refused(() => oneOf('   tcp   ', 'protocol', protocols)).message).toContain('did you mean "tcp"?')
  expect(refused(() => oneOf(6, 'protocol', protocols)).message).toBe('protocol: 6 is not "tcp" or "udp"')
})

test.each([
  ['a-b_$9', 'service.a-b_$9'],
  ['a'.repeat(40), `service.${'a'.repeat(40)}`],
  ['a'.repeat(41), `service."${'a'.repeat(41)}"`],
  ['a b', 'service."a b"'],
  ['a!', 'service."a!"'],
  ['!a', 'service."!a"'],
])('the path of the unknown property %j', (key, path) => {
  expect(refused(() => readFields({ [key]: 1 }, 'service', ['port', 'weight'])).field).toBe(path)
})
