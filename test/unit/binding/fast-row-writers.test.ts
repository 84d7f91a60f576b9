// The writers that name each field against those that go by the schema: the same bytes, the same refusals.
import { describe, expect, test } from 'vitest'

import { destinationRowWriter, serviceRowWriter } from '../../../lib/binding/fast-row-writers.ts'
import type { DestinationRow, ServiceRow } from '../../../lib/binding/record-types.ts'
import { RowWriter } from '../../../lib/binding/row-writer.ts'
import { randomSource } from '../support/random.ts'
import { schema } from '../support/schema.ts'

const next = randomSource(7)
const random = (below: number): number => next() % below
const address = () => Uint8Array.from({ length: 16 }, () => random(256))
const texts = ['', 'rr', 'a'.repeat(15), 'é', '\u{1f600}']
const text = () => texts[random(texts.length)] as string

const services: Readonly<Record<keyof ServiceRow, () => unknown>> = {
  family: () => random(2 ** 16),
  protocol: () => random(2 ** 16),
  address,
  port: () => random(2 ** 16),
  fwmark: () => random(2 ** 32),
  scheduler: text,
  persistenceEngine: text,
  flags: () => ({ value: random(2 ** 32), mask: random(2 ** 32) }),
  timeout: () => random(2 ** 32),
  netmask: () => address().subarray(0, 4),
  statistics: () => ({ connections: BigInt(random(2 ** 32)) }),
}
const destinations: Readonly<Record<keyof DestinationRow, () => unknown>> = {
  address,
  port: () => random(2 ** 16),
  forwarding: () => random(2 ** 32),
  weight: () => random(2 ** 32),
  upperThreshold: () => random(2 ** 32),
  lowerThreshold: () => random(2 ** 32),
  activeConnections: () => random(2 ** 32),
  inactiveConnections: () => random(2 ** 32),
  persistentConnections: () => random(2 ** 32),
  family: () => random(2 ** 16),
  tunnelType: () => random(2 ** 8),
  tunnelPort: () => random(2 ** 16),
  tunnelFlags: () => random(2 ** 16),
  statistics: () => ({ connections: BigInt(random(2 ** 32)) }),
}

test('a field that the schema does not have is an error, not left out', () => {
  for (const record of ['service', 'destination']) {
    const writer = new RowWriter<object>(schema, record)
    expect(() => writer.encode({ invented: 1 })).toThrow(`the native build knows no "${record}.invented"`)
    expect(writer.encode({ invented: undefined })).toEqual(writer.encode({}))
  }
})

type Maker = Readonly<Record<string, () => unknown>>
const some = (fields: Maker, chance: number): object =>
  Object.fromEntries(Object.entries(fields).map(([name, make]) => [name, random(100) < chance ? make() : undefined]))

describe.each<[string, Maker, RowWriter<object>, RowWriter<object>]>([
  [
    'service',
    services,
    new RowWriter(schema, 'service', serviceRowWriter(schema)),
    new RowWriter<ServiceRow>(schema, 'service'),
  ],
  [
    'destination',
    destinations,
    new RowWriter(schema, 'destination', destinationRowWriter(schema)),
    new RowWriter<DestinationRow>(schema, 'destination'),
  ],
])('%s', (_, fields, fast, slow) => {
  test('each field by itself', () => {
    for (const [name, make] of Object.entries(fields)) {
      const row = { [name]: make() }
      expect([name, fast.encode(row)]).toEqual([name, slow.encode(row)])
    }
  })

  test.each([[20], [60], [100]])('random rows, %s % of the fields', (chance) => {
    const [left, right] = [fast.block(), slow.block()]
    for (let round = 0; round < 300; round++) {
      const row = some(fields, chance)
      left.append(row)
      right.append(row)
    }
    expect(left.toBuffer()).toEqual(right.toBuffer())
  })

  test.each(Object.keys(fields))('%s: a value that does not fit has the same error as in RowWriter', (name) => {
    for (const value of [
      -1,
      1.5,
      2 ** 32,
      NaN,
      'a'.repeat(40),
      'a\0b',
      null,
      new Uint8Array(17),
      { value: -1, mask: 0 },
    ]) {
      const refusal = (writer: RowWriter<object>) => {
        try {
          return writer.encode({ [name]: value })
        } catch (error) {
          return error instanceof TypeError ? 'TypeError' : String(error)
        }
      }
      expect(refusal(fast)).toEqual(refusal(slow))
    }
  })
})
