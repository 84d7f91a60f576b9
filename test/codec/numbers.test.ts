// The numbers and operations that unit tests use in place of the addon's are those of the addon.
import { expect, test } from 'vitest'

import { binding } from '../../lib/binding/addon.ts'
import { numbersOf } from '../../lib/binding/numbers.ts'
import { operationNames } from '../unit/support/fake-binding.ts'
import { connectionStates } from '../unit/support/fake-connections.ts'
import { numbers } from '../unit/support/fake-numbers.ts'

test('numbers, operations and states', () => {
  expect(binding.numbers).toEqual(numbers)
  expect(binding.operations).toEqual(Object.fromEntries(operationNames.map((name, code) => [name, code])))
  expect(binding.connectionStates).toEqual(connectionStates)
})

test('a number that the addon does not have', () => {
  expect(() => numbersOf('markPlaces', ['exact', 'nowhere'])).toThrow('knows no number "markPlaces.nowhere"')
  expect(() => numbersOf('nothing', ['exact'])).toThrow('knows no number "nothing.exact"')
})
