// Imports against the order of folders, and cycles, are found: each is planted in a small tree.
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { PlantedTree, root } from './planted-tree.ts'

let tree: PlantedTree
beforeEach(() => {
  tree = new PlantedTree(['lib', 'state', 'lab', 'cli', 'native', 'director/src'])
})
afterEach(() => tree[Symbol.dispose]())

const plant = (files: Readonly<Record<string, string>>) => tree.plant(files)
const check = () => tree.check('check-layers.mjs')

test('imports in the order of the folders are accepted', () => {
  plant({
    'lib/calls/queue.ts': "import { a } from '../values/a.ts'",
    'lib/values/a.ts': 'export const a = 1',
    'native/ipvs/session.h': '#include "netlink/channel.h"',
    'native/netlink/channel.h': '',
  })
  expect(check()).toEqual({ status: 0, problems: '' })
})

test.each([
  ['lib/values/a.ts', "import { q } from '../calls/queue.ts'", 'lib/calls/queue.ts'],
  ['lib/values/a.ts', "import type { Q } from '../calls/queue.ts'", 'lib/calls/queue.ts'],
  ['lib/calls/a.ts', "export { q } from '../batch/batch.ts'", 'lib/batch/batch.ts'],
  ['lib/batch/a.ts', "const q = await import('../connections/table.ts')", 'lib/connections/table.ts'],
  ['lib/marks/a.ts', "import '../index.ts'", 'lib/index.ts'],
  ['state/a.ts', "import { q } from '../lib/values/address.ts'", 'lib/values/address.ts'],
  ['lab/a.ts', "import { q } from '../test/unit/a.ts'", 'test/unit/a.ts'],
  ['cli/verbs/a.ts', "import { q } from '../../lib/index.ts'", 'lib/index.ts'],
  ['cli/shared/a.ts', "import { q } from '../verbs/save.ts'", 'cli/verbs/save.ts'],
  ['native/netlink/a.h', '#include "ipvs/schema.h"', 'native/ipvs/schema.h'],
  ['native/nftables/a.cc', '#include "packing/packer.h"', 'native/packing/packer.h'],
])('%s must not have %s', (file, text, target) => {
  plant({ [file]: text })
  const { status, problems } = check()
  expect(status).toBe(1)
  expect(problems).toContain(`${file} imports ${target}`)
})

test('a file in a folder without a layer is refused', () => {
  plant({ 'lib/misc/a.ts': '' })
  expect(check().problems).toContain('lib/misc/a.ts: its folder is in no layer')
})

test('headers that include each other are found', () => {
  plant({ 'native/netlink/a.h': '#include "netlink/b.h"', 'native/netlink/b.h': '#include "netlink/a.h"' })
  const { status, problems } = check()
  expect(status).toBe(1)
  expect(problems).toContain('native/netlink/a.h includes native/netlink/b.h includes native/netlink/a.h')
})

test('oxlint, as it is configured, finds a cycle of type imports', () => {
  plant({
    'lib/values/a.ts': "import type { B } from './b.ts'\nexport type A = B | string",
    'lib/values/b.ts': "import type { A } from './a.ts'\nexport type B = A[]",
  })
  const words = ['--config', join(root, '.oxlintrc.json'), 'lib']
  const { status, stdout } = spawnSync(join(root, 'node_modules/.bin/oxlint'), words, {
    cwd: tree.path,
    encoding: 'utf8',
  })
  expect(status).not.toBe(0)
  expect(stdout).toContain('import(no-cycle)')
})
