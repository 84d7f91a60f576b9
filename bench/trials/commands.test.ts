import { expect, test } from 'vitest'

import { commandOf } from './commands.ts'
import { operationsOf } from './operations.ts'
import { serviceKey, type Table } from './table.ts'
import type { Phase } from './trials.ts'

const table: Table = { keys: 'tcp', services: 2, destinations: 1, scheduler: 'rr' }
const lines = (phase: Phase, of: Table = table): string[] | undefined =>
  operationsOf(phase, of)?.map((operation) => commandOf(operation).join(' '))

test('each service is followed by its destinations', () => {
  expect(lines('add')).toEqual([
    '-A -t 10.64.0.0:80 -s rr',
    '-a -t 10.64.0.0:80 -r 10.128.0.0:8080 -m -w 1',
    '-A -t 10.64.0.0:81 -s rr',
    '-a -t 10.64.0.0:81 -r 10.128.0.1:8080 -m -w 1',
  ])
})

test('the other phases', () => {
  expect(lines('remove', { ...table, keys: 'mark' })).toEqual(['-D -f 1', '-D -f 2'])
  const one = { ...table, services: 1, destinations: 2 }
  expect(lines('update', one)).toEqual([
    '-e -t 10.64.0.0:80 -r 10.128.0.0:8080 -m -w 2',
    '-e -t 10.64.0.0:80 -r 10.128.0.1:8080 -m -w 2',
  ])
  expect(lines('removeDestinations', one)).toEqual([
    '-d -t 10.64.0.0:80 -r 10.128.0.0:8080',
    '-d -t 10.64.0.0:80 -r 10.128.0.1:8080',
  ])
  expect(lines('list')).toBeUndefined()
})

test('no two of 50,000 services are the same', () => {
  const keys = new Set(Array.from({ length: 50_000 }, (_, index) => JSON.stringify(serviceKey(table, index))))
  expect(keys.size).toBe(50_000)
})
