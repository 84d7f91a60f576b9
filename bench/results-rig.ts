// Sample figures for tests.
import type { CellResult } from './plan.ts'
import type { Results, Run } from './results.ts'
import type { DriverName } from './trials/trials.ts'

export function cell(
  trial: string,
  driver: DriverName,
  n: number,
  values: Record<string, number>,
  repetition = 0,
): CellResult {
  return { trial, driver, n, repetition, values }
}

export function runOf(cells: readonly CellResult[], emulated = true): Run {
  return { release: '6.12.1', place: 'In the lab', emulated, seconds: 60, cells }
}

export function resultsOf(...runs: Run[]): Results {
  return { machine: '2 x Nothing', node: 'v20', commands: ['npm run bench'], runs }
}
