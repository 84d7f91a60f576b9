import { expect, test } from 'vitest'

import { planCells } from './plan.ts'
import type { DriverName } from './trials/trials.ts'

const all = { trials: undefined, drivers: undefined, sizes: undefined, repeat: 1 }
const services = { ...all, trials: ['services-tcp'] }

test('repetitions interleave: each repetition runs all drivers', () => {
  const drivers: DriverName[] = ['batch', 'loop']
  const cells = planCells({ ...services, drivers, sizes: [10], repeat: 2 })
  const round = ['batch', 'loop', 'limit']
  expect(cells.map((cell) => cell.driver)).toEqual([...round, ...round])
  expect(cells.map((cell) => cell.repetition)).toEqual([0, 0, 0, 1, 1, 1])
})

test('the reference of a trial is always included', () => {
  const cells = planCells({ ...all, drivers: ['batch'] })
  expect(cells.some((cell) => cell.trial === 'delay' && cell.driver === 'idle')).toBe(true)
  expect(cells.some((cell) => cell.driver === 'restore')).toBe(false)
})

test('a driver with a process per operation has no large tables', () => {
  const sizes = new Set(planCells(services).map((cell) => (cell.driver === 'each' ? cell.n : undefined)))
  expect([...sizes].filter((n) => n !== undefined)).toEqual([100])
})

test('--sizes replaces the sizes of every trial, except fixed ones', () => {
  const cells = planCells({ ...all, sizes: [7] })
  expect([...new Set(cells.filter((cell) => cell.trial !== 'single').map((cell) => cell.n))]).toEqual([7])
  expect([...new Set(cells.filter((cell) => cell.trial === 'single').map((cell) => cell.n))]).toEqual([1])
})
