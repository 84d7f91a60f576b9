import { expect, test } from 'vitest'

import type { CellResult } from './plan.ts'
import { goalsOf, report } from './report.ts'

const cells: CellResult[] = [
  { n: 1000, driver: 'cat', repetition: 0, values: { seconds: 2, userSeconds: 0.001 } },
  { n: 1000, driver: 'table', repetition: 0, values: { seconds: 2.2, userSeconds: 0.1 } },
  { n: 1000, driver: 'table', repetition: 1, values: { seconds: 2.6, userSeconds: 0.1 } },
  { n: 1000, driver: 'table', repetition: 2, values: { pause: 3, buckets: 4096 } },
  { n: 1000, driver: 'ipvsadm', repetition: 0, values: { seconds: 12, userSeconds: 0.001 } },
  { n: 1000, driver: 'split', repetition: 0, values: { seconds: 3, userSeconds: 0.4 } },
]
const run = { release: '6.12', place: 'here', emulated: true, seconds: 60, cells }
const measured = Object.fromEntries(goalsOf(run).map(({ text, measured: value, reached }) => [text, [value, reached]]))

test('goals are upper or lower bounds of medians', () => {
  expect(measured).toEqual({
    '`table` to `cat`': ['1.2x', false],
    '`ipvsadm` to `table`': ['5x', true],
    '`split` to `table`, in user space': ['4x', false],
  })
})

test('missing figures have no goal and no column', () => {
  const one = { ...run, cells: cells.filter(({ driver }) => driver === 'cat' || driver === 'table') }
  expect(goalsOf(one).map(({ text }) => text)).toEqual(['`table` to `cat`'])
  const text = report({ machine: 'one', node: 'v20', commands: ['npm run bench:connections'], runs: [one] })
  expect(text).toContain('| N | cat | table |\n')
  expect(text).toContain('| 1000 | **1x** | **1.2x** |')
  expect(text).toContain('Buckets of the table: 4096.')
  expect(text).toContain('while `table` reads, in ms: 3 with 1000.')
})

test('the host has goals only', () => {
  const host: CellResult[] = [
    { n: 1_000_000, driver: 'table', repetition: 0, values: { seconds: 1, pause: 2, bytes: 64 } },
    {
      n: 1_000_000,
      driver: 'parser',
      repetition: 0,
      values: { ipv4GigabytesPerSecond: 2, ipv6GigabytesPerSecond: 0.9 },
    },
  ]
  const told = goalsOf({ ...run, emulated: false, cells: host }).map(({ text, reached }) => [text, reached])
  expect(told).toEqual([
    ['pause of the event loop', true],
    ['memory for each row', true],
    ['the parser alone, ipv4', true],
    ['the parser alone, ipv6', false],
  ])
})
