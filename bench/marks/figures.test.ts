import { expect, test } from 'vitest'

import { goalsOf, nanosecondsOf, rulesCost, sizesOf, type MarkRun } from './figures.ts'
import type { CellResult, DriverName } from './plan.ts'

const packets = (driver: DriverName, n: number, spread: number, repetition = 0): CellResult => {
  return { trial: 'packets', driver, n, repetition, values: { spread } }
}
const load = (driver: DriverName, seconds: number): CellResult => {
  return { trial: 'load', driver, n: 1000, repetition: 0, values: { seconds } }
}
const runOf = (...cells: CellResult[]): MarkRun => ({ release: '1', place: 'here', emulated: false, seconds: 1, cells })

test('the cost of rules is the difference to none', () => {
  const run = runOf(packets('none', 1, 1000), packets('ours', 1, 1300), packets('ours', 1, 1500, 1))
  expect(nanosecondsOf(run, 'ours', 1, 'spread')?.median).toBe(1400)
  expect(rulesCost(run, 'ours', 1, 'spread')).toEqual({ median: 400, min: 300, max: 500, count: 2 })
  expect(rulesCost(run, 'nft', 1, 'spread')).toBeUndefined()
})

test('a cost of less than a tenth of a packet is ignored', () => {
  const run = runOf(packets('none', 1, 1000), packets('ours', 1, 1099))
  expect(rulesCost(run, 'ours', 1, 'spread')).toBeUndefined()
})

test('goals: growth of a packet, and loading against nft -f', () => {
  const run = runOf(packets('ours', 1, 1000), packets('ours', 50_000, 1600), load('nft-map', 2), load('warm', 1))
  expect(goalsOf(run).map(({ measured, reached }) => [measured, reached])).toEqual([
    ['1.6x', false],
    ['0.5x', true],
  ])
  expect(sizesOf(run, 'packets')).toEqual([1, 50_000])
})
