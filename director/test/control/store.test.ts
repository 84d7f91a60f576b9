// What state.json keeps over a restart.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { Store, type Kept } from '../../src/control/store.ts'

test('overrides, memory and what is ours are there after a restart', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'ipvs-director-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const file = path.join(folder, 'state.json')
  const kept: Kept = {
    overrides: [
      {
        kind: 'drain',
        target: 'shop/web1',
        who: 'ann',
        why: '',
        since: 5,
        until: 9,
        // oxlint-disable-next-line unicorn/no-thenable -- a text, as in the site file
        drain: { stickiness: 'move', waitMs: 3, then: 'remove' },
      },
    ],
    memory: {
      marks: { shop: 10_000 },
      low: ['shop'],
      notes: {
        'shop/web1': { drained: 5, moved: { drain: 5, at: 6 } },
        'shop/web2': { zero: 'down', slowStartSince: 7, agentWeight: 0.75 },
      },
    },
    owned: ['mark:10000'],
  }
  const store = await Store.open(file)
  await store.update(() => kept)
  const again = await Store.open(file)
  expect(again.kept).toEqual(kept)
})
