import { expect, test, vi } from 'vitest'

import { parseConnectionFilter } from '../../../lib/connections/filter.ts'
import { InvalidInput } from '../../../lib/values/validate.ts'

vi.mock('../../../lib/binding/addon.ts', () => import('../support/fake-binding.ts'))

const parsed = (filter: object) => parseConnectionFilter(filter).options

test('an empty filter matches everything', () => {
  expect(parsed({})).toEqual({})
})

test('one value or several', () => {
  expect(parsed({ protocol: 'tcp', state: 'ESTABLISHED' })).toEqual({ protocols: [6], states: [1] })
  expect(parsed({ protocol: ['udp', 'ip', '50', '0'], state: ['NONE', 'S-ACK-SENT', '?'] })).toEqual({
    protocols: [17, 0, 50, 0],
    states: [0, 21, 26],
  })
})

test('ends: address, block, range, port', () => {
  const ten = Uint8Array.of(10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
  const last = Uint8Array.of(10, 255, 255, 255, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
  expect(parsed({ client: '10.0.0.0/8' })).toEqual({ client: { family: 2, from: ten, to: last } })
  expect(parsed({ virtual: { port: 0 } })).toEqual({ virtual: { port: 0 } })
  const both = parsed({ destination: { address: 'fd00::7', port: 80 } }).destination
  expect(both).toMatchObject({ family: 10, port: 80 })
  expect(both?.from).toEqual(both?.to)
})

test('the other properties', () => {
  expect(parsed({ fwmark: '0x7', templates: 'only', minExpiresSeconds: 0, limit: 1, origin: true })).toEqual({
    fwmark: 7,
    templates: 2,
    leastExpires: 0,
    limit: 1,
    origin: true,
  })
  expect(parsed({ templates: true })).toEqual({ templates: 0 })
  expect(parsed({ templates: false })).toEqual({ templates: 1 })
})

test.each<[string, unknown]>([
  ['filter', null],
  ['filter.states', { states: 'NONE' }],
  ['filter.state', { state: 'established' }],
  ['filter.state', { state: [] }],
  ['filter.state[1]', { state: ['NONE', 7] }],
  ['filter.protocol', { protocol: 6 }],
  ['filter.protocol', { protocol: '256' }],
  ['filter.protocol[0]', { protocol: ['TCP'] }],
  ['filter.client', { client: '10.0.0.300' }],
  ['filter.client', { client: '10.0.0.1/8' }],
  ['filter.client', { client: {} }],
  ['filter.client.address', { client: { address: 7 } }],
  ['filter.client.port', { client: { port: 65536 } }],
  ['filter.virtual.ports', { virtual: { ports: 80 } }],
  ['filter.destination', { destination: 80 }],
  ['filter.fwmark', { fwmark: 0 }],
  ['filter.templates', { templates: 'no' }],
  ['filter.minExpiresSeconds', { minExpiresSeconds: -1 }],
  ['filter.limit', { limit: 0 }],
  ['filter.origin', { origin: 'local' }],
  ['filter.signal', { signal: {} }],
])('refuses %s (%#)', (field, filter) => {
  let refused: unknown
  try {
    parseConnectionFilter(filter)
  } catch (error) {
    refused = error
  }
  expect(refused).toBeInstanceOf(InvalidInput)
  expect((refused as InvalidInput).field).toBe(field)
})

test('a misspelt property is named', () => {
  expect(() => parseConnectionFilter({ state: 'ESTABLISHD' })).toThrow('did you mean "ESTABLISHED"?')
  expect(() => parseConnectionFilter({ template: 'only' })).toThrow('did you mean "templates"?')
})
