import { expect, test } from 'vitest'

import { cell, resultsOf, runOf } from './results-rig.ts'
import { report } from './report.ts'

test('ratios come first, then seconds, with empty cells for missing figures', () => {
  const text = report(
    resultsOf(
      runOf([
        cell('services-tcp', 'batch', 10, { add: 0.3 }, 0),
        cell('services-tcp', 'batch', 10, { add: 0.1 }, 1),
        cell('services-tcp', 'limit', 10, { add: 0.1 }),
        cell('services-tcp', 'limit', 20, { add: 0.4 }),
      ]),
    ),
  )
  expect(text).toContain('## Linux 6.12.1')
  expect(text).toContain('| N | work | batch |\n| --- | --- | --- |\n| 10 | add | **2x** (1..3) |\n| 20 | add |  |')
  expect(text).toContain('| 10 | add | 0.2 (0.1..0.3) | 0.1 |\n| 20 | add |  | 0.4 |')
  expect(text.indexOf('Ratio to limit')).toBeLessThan(text.indexOf('In s:'))
})

test('failures and missed goals are reported', () => {
  const text = report(
    resultsOf(
      runOf([
        cell('services-tcp', 'batch', 10_000, { add: 2 }),
        cell('services-tcp', 'limit', 10_000, { add: 1 }),
        { trial: 'services-tcp', driver: 'restore', n: 10_000, repetition: 0, error: 'Error: it broke' },
      ]),
    ),
  )
  expect(text).toContain('| batch: add, to the limit (services-tcp) | 10000 | at most 1.2x | 2x | **missed** |')
  expect(text).toContain('Failed: restore, N = 10000: Error: it broke')
  expect(text).toContain('- **restore**: ipvsadm -R')
})

test('machine, kernel, node and the command line are reported', () => {
  const text = report(resultsOf(runOf([cell('list', 'limit', 1, { list: 1 })])))
  for (const words of ['2 x Nothing', 'v20', '    npm run bench\n', '6.12.1', 'In the lab'])
    expect(text).toContain(words)
})
