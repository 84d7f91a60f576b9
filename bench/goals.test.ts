import { expect, test } from 'vitest'

import { goalsOf } from './goals.ts'
import { cell, runOf } from './results-rig.ts'

const reached = (cells: Parameters<typeof runOf>[0], emulated = true): [string, boolean][] =>
  goalsOf(runOf(cells, emulated)).map((goal) => [goal.text, goal.reached])

test('a goal without figures has no verdict', () => {
  expect(goalsOf(runOf([cell('services-tcp', 'batch', 10_000, { add: 1 })]))).toEqual([])
})

function adding(ours: number): ReturnType<typeof cell>[] {
  return [
    cell('services-tcp', 'batch', 10_000, { add: ours }),
    cell('services-tcp', 'limit', 10_000, { add: 1 }),
    cell('services-tcp', 'restore', 10_000, { add: 7 }),
  ]
}

test('batches have goals relative to the limit and to ipvsadm -R', () => {
  const toLimit = 'batch: add, to the limit (services-tcp)'
  const toRestore = 'batch: add, to ipvsadm -R (services-tcp)'
  expect(reached(adding(1.1))).toEqual([
    [toLimit, true],
    [toRestore, true],
  ])
  expect(reached(adding(1.3))).toEqual([
    [toLimit, false],
    [toRestore, false],
  ])
})

test('an absolute goal', () => {
  expect(reached([cell('memory', 'batch', 50_000, { 'add, peak': 199, 'list, kept': 201 })])).toEqual([
    ['bytes for each row: add, peak', true],
    ['bytes for each row: list, kept', false],
  ])
})

test('goals in milliseconds apply to real machines only', () => {
  const cells = [cell('delay', 'batch', 10_000, { add: 12 })]
  expect(reached(cells)).toEqual([])
  expect(reached(cells, false)).toEqual([['pause of the event loop in ms: add', false]])
})
