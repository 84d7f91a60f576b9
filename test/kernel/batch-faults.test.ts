// Whatever ends a batch, and wherever: what it says of its items is what the table has. Against a kernel that is a model of
// ours and does not know what the batch said.
import { describe, expect, test } from 'vitest'

import type { BatchOptions } from '../../lib/batch/options.ts'
import { randomSource } from '../unit/support/random.ts'
import { Rig, all, itemsFrom, liesOf, type Item } from './batch-rig.ts'
import { ending, faults } from './model-kernel.ts'

async function datagramsOf(items: readonly Item[], options: BatchOptions): Promise<number> {
  const rig = new Rig(() => undefined)
  const result = await rig.batch(items, false, options)
  await rig.end()
  expect(liesOf(rig.kernel, items, result)).toEqual([])
  expect(result.done).toBe(items.length)
  return rig.kernel.datagrams
}

const modes: readonly (readonly [string, number, number, BatchOptions])[] = [
  ['500 items', 500, 1, {}],
  ['3,000 items', 3000, 5, {}],
  ['30 items one by one', 30, 1, { stopOnError: true }],
]

describe.each(modes)('%s', (_, count, step, options) => {
  const items = itemsFrom(1, count)
  test.each(Object.entries(faults))('%s', async (name, fault) => {
    const datagrams = await datagramsOf(items, options)
    const lies: string[] = []
    let early = 0
    const places = Array.from({ length: Math.floor(datagrams / step) }, (__, place) => place * step + 1)
    await all(places, async (at) => {
      const rig = new Rig((number) => (number === at ? fault : undefined), {
        sockets: name === 'no socket afterwards' ? 1 : 30,
      })
      const result = await rig.batch(items, at % 2 === 0, options)
      await rig.end()
      early += result.done < count ? 1 : 0
      lies.push(...liesOf(rig.kernel, items, result).map((lie) => `${at}: ${lie}`))
    })
    expect(lies).toEqual([])
    expect(early > 0 || !ending.has(name) || count < 100).toBe(true)
  })
})

// What several batches and single writes on one handle say, with faults here and there.
test.each(Array.from({ length: 40 }, (_, seed) => seed + 1))('several at the same time, seed %i', async (seed) => {
  const random = randomSource(seed)
  const kinds = Object.values(faults)
  const often = [0.02, 0.05, 0.2][seed % 3] as number
  const pick = () => (random() / 2 ** 32 < often ? kinds[random() % kinds.length] : undefined)
  const rig = new Rig(pick, { sockets: 100 })
  const lies: string[] = []
  const batch = async (first: number, count: number, options: BatchOptions) => {
    const items = itemsFrom(first, count)
    lies.push(...liesOf(rig.kernel, items, await rig.batch(items, first % 20_000 === 0, options)))
  }
  const write = async (mark: number) => {
    const outcome = await rig.write(mark)
    if (outcome !== 'unknown' && (outcome === 'applied') !== rig.kernel.services.has(mark))
      lies.push(`${mark} ${outcome}`)
  }
  const running: Promise<void>[] = []
  for (let place = 0; place < 12; place++) {
    const first = (place + 1) * 10_000
    if (place % 3 === 0) running.push(batch(first, random() % 700, { stopOnError: place === 9 && seed % 4 === 0 }))
    for (let mark = 0; mark < random() % 5; mark++) running.push(write(first + 5000 + mark))
    if (random() % 2 === 0) await new Promise((resolve) => setTimeout(resolve, random() % 20))
  }
  await Promise.all(running)
  await rig.end()
  expect(lies).toEqual([])
})
