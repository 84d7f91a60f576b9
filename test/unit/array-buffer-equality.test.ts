import { expect, test } from 'vitest'

const buffer = (...bytes: number[]) => Uint8Array.from(bytes).buffer

test('ArrayBuffers are equal if their bytes are equal', () => {
  expect(buffer(1, 2)).toEqual(buffer(1, 2))
  expect(buffer(1, 2)).not.toEqual(buffer(1, 3))
  expect(buffer(1, 2)).not.toEqual(buffer(1))
  expect(['name', buffer(0)]).not.toEqual(['name', buffer(1)])
  expect({ rows: buffer(0) }).not.toStrictEqual({ rows: buffer(1) })
  expect(buffer()).not.toEqual({})
})
