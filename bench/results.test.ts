import { expect, test } from 'vitest'

import { cell, resultsOf, runOf } from './results-rig.ts'
import { figuresOf, merge } from './results.ts'

const run = runOf([
  cell('services-tcp', 'batch', 1000, { add: 2.2, remove: 0.3 }, 0),
  cell('services-tcp', 'limit', 1000, { add: 2, remove: 0.1 }, 0),
  cell('services-tcp', 'batch', 1000, { add: 2.4, remove: 0.3 }, 1),
  cell('services-tcp', 'limit', 1000, { add: 1, remove: 0.1 }, 1),
  cell('services-tcp', 'batch', 1000, { add: 2.6, remove: 0.3 }, 2),
  cell('services-tcp', 'limit', 1000, { add: 4, remove: 0.1 }, 2),
  cell('services-tcp', 'batch', 100, { add: 1 }),
])

test('a ratio is relative to the median of the limit at the same N', () => {
  const { lines } = figuresOf(run, 'services-tcp')
  const add = lines.find((line) => line.n === 1000 && line.value === 'add')
  expect(add?.entries.get('batch')?.value).toEqual({ median: 2.4, min: 2.2, max: 2.6, count: 3 })
  expect(add?.entries.get('batch')?.ratio?.median).toBeCloseTo(1.2)
  expect(add?.entries.get('limit')?.ratio).toMatchObject({ median: 1, min: 0.5, max: 2 })
})

test('without the limit there is no ratio, but there is a figure', () => {
  const { lines } = figuresOf(run, 'services-tcp')
  const entry = lines.find((line) => line.n === 100)?.entries.get('batch')
  expect(entry?.value.median).toBe(1)
  expect(entry?.ratio).toBeUndefined()
})

test('sizes ascend, and a value without figures has no line', () => {
  const { lines } = figuresOf(run, 'services-tcp')
  expect(lines.map((line) => [line.n, line.value])).toEqual([
    [100, 'add'],
    [1000, 'add'],
    [1000, 'remove'],
  ])
})

test('a value without a reference of its own uses the plain value of the limit', () => {
  const snapshots = runOf([
    cell('snapshot', 'ours', 10, { snapshot: 2, snapshotConsistent: 4 }),
    cell('snapshot', 'limit', 10, { snapshot: 2 }),
  ])
  const line = figuresOf(snapshots, 'snapshot').lines.find(({ value }) => value === 'snapshotConsistent')
  expect(line?.entries.get('ours')?.ratio?.median).toBe(2)
})

test('a failure is reported in one line', () => {
  const error =
    'file:///lib/errors.js:1\n  throw it\n\nIpvsError: addService: no such thing\n    at somewhere\n\nNode.js v20'
  const failed = runOf([{ trial: 'list', driver: 'ours', n: 5, repetition: 0, error }])
  expect(figuresOf(failed, 'list').errors).toEqual(['ours, N = 5: IpvsError: addService: no such thing'])
})

test('figures of one kernel merge, figures of another kernel do not', () => {
  const other = { ...runOf([cell('list', 'limit', 1, { list: 1 })]), release: '6.1.2' }
  const merged = merge([resultsOf(run), resultsOf(run, other)])
  expect(merged.runs.map(({ release, cells }) => [release, cells.length])).toEqual([
    ['6.12.1', 14],
    ['6.1.2', 1],
  ])
  expect(merged.commands).toEqual(['npm run bench'])
  expect(merged.runs[0]?.seconds).toBe(120)
})
