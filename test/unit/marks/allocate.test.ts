import { describe, expect, test, vi } from 'vitest'

import { freeMark, parseMarkRange, usedByForeignRules } from '../../../lib/marks/allocate.ts'
import { refused } from '../support/refused.ts'

vi.mock('../../../lib/binding/addon.ts', () => import('../support/fake-binding.ts'))

const range = (from: number, to = 0xffffffff) => ({ from, to, signal: undefined })
const whole = (...marks: number[]) => marks.map((mark) => ({ mark, mask: 0xffffffff }))

describe('free marks', () => {
  test('returns the least one', () => {
    expect(freeMark(range(1), [])).toBe(1)
    expect(freeMark(range(1), whole(1, 2, 4))).toBe(3)
    expect(freeMark(range(4, 5), whole(4))).toBe(5)
    expect(freeMark(range(0xffffffff), [])).toBe(0xffffffff)
  })

  test('there is no free mark', () => {
    expect(freeMark(range(4, 5), whole(4, 5))).toBeUndefined()
  })

  test('leaves out marks that rules with masks can make', () => {
    expect(freeMark(range(1), [{ mark: 1, mask: 1 }])).toBe(2)
    expect(freeMark(range(0x80000000), [{ mark: 0x80000000, mask: 0xf0000000 }])).toBe(0x90000000)
  })

  test('rules of other programs without a fixed mark are ignored', () => {
    const others = { family: 'ip', table: 't', chain: 'c', handle: 1n } as const
    const found = [{ ...others }, { ...others, mark: 0, mask: 0xff }, { ...others, mark: 5 }]
    expect(usedByForeignRules(found)).toEqual(whole(5))
  })

  test.each<[string, unknown, RegExp]>([
    ['options.from', { from: 0 }, /1 to 4294967295/],
    ['options.to', { from: 9, to: '8' }, /less than options.from/],
    ['options.till', { till: 8 }, /no such property/],
  ])('refuse %s', (field, options, text) => {
    const error = refused(() => parseMarkRange(options))
    expect(error.field).toBe(field)
    expect(error.message).toMatch(text)
  })
})
