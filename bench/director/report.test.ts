import { expect, test } from 'vitest'

import { planOf, type CellResult } from './plan.ts'
import { report } from './report.ts'

const cell = (trial: CellResult['trial'], driver: CellResult['driver'], values: CellResult['values']): CellResult => ({
  trial,
  driver,
  n: trial === 'checks' ? 100 : 0,
  repetition: 0,
  ...(values === undefined ? { error: 'not within 60 s' } : { values }),
})
const text = report({
  machine: 'one',
  node: 'v20',
  commands: ['npm run bench:director'],
  runs: [
    {
      release: '6.12',
      place: 'here',
      emulated: true,
      seconds: 60,
      cells: [
        cell('refused', 'director', { seconds: 3 }),
        cell('refused', 'director', { seconds: 2 }),
        cell('refused', 'keepalived', { seconds: 1 }),
        cell('refused', 'ldirectord', undefined),
        cell('checks', 'director', { checks: 1000, processorSeconds: 2 }),
      ],
    },
  ],
})

test('a row has medians, their range, and the ratio of the director to the peer', () => {
  expect(text).toContain('| until it gets no connections, s | 2.5 (2..3) | 1; **2.5x** |  |')
})

test('processor time is also told for each check', () => {
  expect(text).toContain('| processor time of a check, ms | 2 |')
  expect(text).toContain('all servers healthy, N = 100')
})

test('a failure is told', () => {
  expect(text).toContain('Failed: ldirectord: not within 60 s')
})

test('the plan has each driver for each size', () => {
  expect(planOf(['refused', 'checks'], ['director', 'keepalived'], [10, 20], 5).map(({ n }) => n)).toEqual([
    0, 0, 10, 10, 20, 20,
  ])
})
