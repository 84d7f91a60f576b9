import { expect, test } from 'vitest'

import { parseArguments, usage } from './arguments.ts'
import { BenchError } from './bench-error.ts'
import { trials } from './trials/trials.ts'

test('default: all trials, three repetitions, three kernels', () => {
  expect(parseArguments([])).toEqual({
    help: false,
    direct: false,
    kernels: ['6.1', '6.12', 'newest'],
    trials: undefined,
    drivers: undefined,
    sizes: undefined,
    repeat: 3,
    json: undefined,
    from: [],
    save: false,
  })
})

test('lists are comma-separated', () => {
  const args = ['--kernels', '6.12', '--sizes', '200, 1000', '--drivers', 'batch,loop', '--repeat', '5']
  expect(parseArguments(args)).toMatchObject({
    kernels: ['6.12'],
    sizes: [200, 1000],
    drivers: ['batch', 'loop'],
    repeat: 5,
  })
})

test('a prefix selects several trials', () => {
  expect(parseArguments(['--trials', 'services,list']).trials).toEqual(['services-tcp', 'services-mark', 'list'])
})

test('--direct excludes --kernels', () => {
  expect(parseArguments(['--direct']).kernels).toEqual([])
  expect(() => parseArguments(['--direct', '--kernels', '6.1'])).toThrow(BenchError)
})

test.each([
  [['--trials', 'nothing'], 'no trial "nothing"'],
  [['--drivers', 'unknown'], '"unknown" is none of batch'],
  [['--sizes', '10,x'], '"x" is not a number above 0'],
  [['--repeat', '0'], '"0" is not a number above 0'],
  [['--unknown'], '--unknown'],
])('%j is refused', (args, message) => {
  expect(() => parseArguments(args)).toThrow(message)
})

test('the help lists every trial', () => {
  for (const { name } of trials) expect(usage).toContain(name)
})
