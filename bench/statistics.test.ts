import { expect, test } from 'vitest'

import { digits, median, spread } from './statistics.ts'

test('the median of odd and even numbers of values', () => {
  expect(median([3, 1, 2])).toBe(2)
  expect(median([4, 1, 3, 2])).toBe(2.5)
  expect(median([7])).toBe(7)
  expect(() => median([])).toThrow('no values')
})

test('values sort as numbers', () => {
  expect(median([100, 20, 3])).toBe(20)
})

test('the spread has minimum, maximum and count', () => {
  expect(spread([5, 1, 3])).toEqual({ median: 3, min: 1, max: 5, count: 3 })
})

test('three significant digits', () => {
  expect([0, 1.2345, 0.00012345, 12.345, 1234.5].map(digits)).toEqual(['0', '1.23', '0.000123', '12.3', '1235'])
})
