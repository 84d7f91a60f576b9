import { expect, test } from 'vitest'

import type { CellResult } from './plan.ts'
import { report } from './report.ts'

const cells: CellResult[] = [
  { trial: 'packets', driver: 'none', n: 1, repetition: 0, values: { spread: 1000 } },
  { trial: 'packets', driver: 'ours', n: 1, repetition: 0, values: { spread: 1300 } },
  { trial: 'packets', driver: 'nft', n: 1, repetition: 0, values: { spread: 1150 } },
  { trial: 'packets', driver: 'iptables-nft', n: 1, repetition: 0, error: 'not loaded within 90 s' },
  { trial: 'load', driver: 'ours', n: 1000, repetition: 0, values: { seconds: 0.2, cpuSeconds: 0.1 } },
  { trial: 'load', driver: 'nft-map', n: 1000, repetition: 0, values: { seconds: 0.1, cpuSeconds: 0.01 } },
]
const run = { release: '6.12', place: 'here', emulated: false, seconds: 60, cells }
const text = report({ machine: 'one', node: 'v20', commands: ['npm run bench:marks'], runs: [run] })

test('ratios come before figures', () => {
  expect(text).toContain('| spread | 1 | **0.5x** |  |') // nft to ours, beyond none
  expect(text).toContain('| spread | 1 | 1000 | 1300 | 1150 |  |')
  expect(text.indexOf('**0.5x**')).toBeLessThan(text.indexOf('| 1300 |'))
  expect(text).toContain('| 1000 | **2x** |')
})

test('there is no ratio to a few hundredths of a second', () => {
  expect(text).not.toContain('**10x**')
})

test('failures are reported', () => {
  expect(text).toContain('Failed: packets, iptables-nft, N = 1: not loaded within 90 s')
})
