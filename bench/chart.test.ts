import { expect, test } from 'vitest'

import { chart, chartOf, decades, panelsOf } from './chart.ts'
import { cell, resultsOf, runOf } from './results-rig.ts'

const run = runOf([
  cell('services-tcp', 'limit', 100, { add: 0.002, remove: 0.0001 }),
  cell('services-tcp', 'limit', 1000, { add: 0.02, remove: 0.002 }),
  cell('services-tcp', 'batch', 1000, { add: 0.04 }),
])

test('points are microseconds per item', () => {
  const [add, remove] = panelsOf(run)
  // Adding 100 services with a destination each: 200 items in 2 ms.
  expect(add?.series).toEqual([
    { name: 'batch', points: [[1000, expect.closeTo(20)]] },
    {
      name: 'limit',
      points: [
        [100, expect.closeTo(10)],
        [1000, expect.closeTo(10)],
      ],
    },
  ])
  expect(remove?.series.map((series) => series.name)).toEqual(['limit'])
})

test('axes span whole decades, at least one', () => {
  expect(decades([3, 250])).toEqual([1, 10, 100, 1000])
  expect(decades([10])).toEqual([10, 100])
})

test('the axis of N is logarithmic', () => {
  const series = [
    {
      name: 'limit' as const,
      points: [
        [1, 1],
        [10, 10],
        [100, 100],
      ] as const,
    },
  ]
  const places = /<polyline points="([^"]*)"/.exec(chart([[{ title: 'a < b', series }]]))?.[1]
  const [first, second, third] = (places ?? '').split(' ').map((place) => place.split(',').map(Number))
  expect((second?.[0] ?? 0) - (first?.[0] ?? 0)).toBeCloseTo((third?.[0] ?? 0) - (second?.[0] ?? 0))
  expect(third?.[1]).toBeLessThan(first?.[1] ?? 0) // SVG's y points down
})

test('text is escaped', () => {
  const series = [{ name: 'limit' as const, points: [[1, 1]] as const }]
  expect(chart([[{ title: 'a < b & c', series }]])).toContain('a &lt; b &amp; c')
})

test('one row per kernel', () => {
  const svg = chartOf(resultsOf(run, { ...run, release: '6.1' }))
  expect(svg.match(/Linux 6\.12\.1: adding/g)).toHaveLength(1)
  expect(svg.match(/Linux 6\.1: adding/g)).toHaveLength(1)
})
