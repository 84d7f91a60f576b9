// A batch from an array, many items at a time, against the same one from a generator, which is taken one by one.
import { describe, expect, test } from 'vitest'

import { Batch } from '../../lib/batch/batch.ts'
import type { IpvsError } from '../../lib/values/errors.ts'
import { randomSource } from '../unit/support/random.ts'
import { Recorder } from './recorder.ts'

const vip = { protocol: 'tcp', address: '172.16.0.100', port: 80 }

type Make = (index: number) => unknown
const plain: Make = (index) => ({ operation: 'addService', service: { fwmark: index + 1 } })
const unusual: Make = (index) => ({ operation: 'addService', service: { fwmark: String(index + 1) } })
const wrong: Make = (index) => ({ operation: 'addService', service: { fwmark: index + 1, port: 80 } })
const dependent: Make = () => ({ operation: 'updateService', service: { fwmark: 1 }, patch: { persistence: {} } })
const server: Make = (index) => {
  const address = `10.0.${(index >>> 8) & 255}.${index & 255}`
  return { operation: 'addDestination', service: vip, destination: { address } }
}

function* oneByOne(items: readonly unknown[]): Generator {
  yield* items
}

interface Done {
  readonly rows: readonly string[]
  readonly applied: number
  readonly failures: readonly (readonly [number, string, unknown])[]
}

async function run(items: Iterable<unknown>, stopOnError: boolean): Promise<Done> {
  const recorder = new Recorder(97)
  const source = { name: 'operations', items, asynchronous: false, total: undefined }
  const options = { signal: undefined, stopOnError, onProgress: undefined }
  const batch = new Batch(recorder, source, options, { operation: 'batch', target: '' })
  batch.start()
  const { applied, failures } = await batch.promise
  const told = failures.map(({ index, operation, error }) => [index, error.message, operation] as const)
  return { rows: recorder.rows, applied, failures: told }
}

const random = randomSource(5)
const mixes: Readonly<Record<string, Make>> = {
  'plain ones': (index) => (index % 3 === 0 ? plain(index) : server(index)),
  'an unusual one now and then': (index) => (random() % 100 === 0 ? unusual(index) : plain(index)),
  'unusual ones': (index) => (random() % 100 === 0 ? plain(index) : unusual(index)),
  'now these, now those': (index) => ((index >>> 10) % 2 === 0 ? plain(index) : unusual(index)),
  'wrong ones between': (index) => (random() % 10 === 0 ? wrong(index) : server(index)),
  'some that read first': (index) => (random() % 50 === 0 ? dependent(index) : plain(index)),
  'all of these': (index) => [plain, server, unusual, wrong, dependent][random() % 5]?.(index),
}

describe.each(Object.entries(mixes))('%s', (_, make) => {
  const items = Array.from({ length: 12_000 }, (__, index) => make(index))

  test('the same is sent, in the same order, and the same refused', async () => {
    const wanted = await run(oneByOne(items), false)
    expect(await run(items, false)).toEqual(wanted)
    expect(wanted.rows.length).toBeGreaterThan(items.length / 2)
    expect(wanted.failures.length).toBeGreaterThan(50)
  })

  test('up to the first failure', async () => {
    const sent = items.slice(0, 500)
    expect(await run(sent, true)).toEqual(await run(oneByOne(sent), true))
  })
})

test('an array that grows and shrinks while it is taken', async () => {
  const items = Array.from({ length: 1000 }, (_, index) => plain(index))
  const done = run(items, false)
  items.push(...Array.from({ length: 3000 }, (_, index) => plain(1000 + index)))
  expect((await done).rows.length).toBe(4000)
  const shrinking = run(items, false)
  items.length = 200
  expect((await shrinking).rows.length).toBe(200)
})

test('an array that cannot be read', async () => {
  const items = new Proxy([plain(0), plain(1)], {
    get: (array, key, receiver) => {
      if (key === '1') throw new Error('no')
      return Reflect.get(array, key, receiver) as unknown
    },
  })
  const error = (await run(items, false).catch((cause: unknown) => cause)) as IpvsError
  expect(error.message).toContain('reading the items failed after 0 items')
  expect(error.outcome).toBe('not-applied')
})
