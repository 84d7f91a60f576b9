import { expect, test } from 'vitest'

import { planCells, type DriverName } from './plan.ts'

function packetDrivers(n: number): DriverName[] {
  return planCells({ trials: ['packets'], drivers: undefined, sizes: [n] }).map(({ driver }) => driver)
}

test('references are always measured', () => {
  const cells = planCells({ trials: undefined, drivers: ['nft'], sizes: [1000] })
  expect(cells.map(({ trial, driver }) => `${trial} ${driver}`)).toEqual([
    'packets none',
    'packets ours',
    'packets nft',
    'load ours',
    'load nft-map',
    'load nft',
  ])
})

test('ranges of 50,000 rules take too long', () => {
  expect(packetDrivers(10_000)).toContain('ranges')
  expect(packetDrivers(50_000)).not.toContain('ranges')
})
