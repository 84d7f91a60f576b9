import { describe, expect, test, vi } from 'vitest'

import { LazyTable } from '../../../lib/values/table.ts'

type Row = { readonly kind: 'even'; readonly half: number } | { readonly kind: 'odd' }
const rowAt = (index: number): Row => (index % 2 === 0 ? { kind: 'even', half: index / 2 } : { kind: 'odd' })
const table = (length: number) => new LazyTable<Row>(length, rowAt)

const slow = (index: number) => {
  const end = performance.now() + 0.1
  while (performance.now() < end);
  return rowAt(index)
}

describe('LazyTable', () => {
  test('converts accessed rows only', () => {
    const convert = vi.fn<typeof rowAt>(rowAt)
    const rows = new LazyTable<Row>(1000, convert)
    expect(rows).toHaveLength(1000)
    expect(convert).not.toHaveBeenCalled()
    expect(rows.at(4)).toEqual({ kind: 'even', half: 2 })
    expect(convert).toHaveBeenCalledTimes(1)
  })

  test.each([[3], [-4], [0.5], [NaN]])('index %s of three rows is out of range', (index) => {
    expect(table(3).at(index)).toBeUndefined()
  })

  test('counts negative indices from the end', () => expect(table(3).at(-1)).toEqual(rowAt(2)))

  test('iterates over all rows, repeatedly', () => {
    const rows = table(3)
    expect([...rows]).toEqual([0, 1, 2].map(rowAt))
    expect([...rows]).toHaveLength(3)
    expect([...table(0)]).toEqual([])
  })

  test('columns have a value for each row', async () => {
    expect(await table(3).column('kind')).toEqual(['even', 'odd', 'even'])
    expect(await table(3).column('half')).toEqual([0, undefined, 1])
  })

  test('to an array, with pauses', async () => {
    let turns = 0
    const timer = setInterval(() => turns++, 0)
    const rows = await new LazyTable<Row>(500, slow).toArray()
    clearInterval(timer)
    expect(rows).toEqual(Array.from({ length: 500 }, (_, index) => rowAt(index)))
    expect(turns).toBeGreaterThan(2)
  })

  test('rows made of many records count as many', async () => {
    const records = vi.fn<(index: number) => number>(() => 64)
    await new LazyTable<Row>(3, rowAt, records).toArray()
    expect(records.mock.calls).toEqual([[0], [1], [2]])
  })
})
