// `npm run bench:codec` shows instructions per item; `npm run bench:check` (--check) fails when one grew; --save stores them.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { parseArgs } from 'node:util'

import { count, root } from './callgrind.ts'
import { compare, lineOf, passes, tolerance, type Counts } from './counts.ts'

const file = path.join(root, 'bench/codec/instructions.json')

const { values } = parseArgs({ options: { check: { type: 'boolean' }, save: { type: 'boolean' } } })
const counts = await count()
const stored = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Counts) : undefined
if (stored !== undefined && stored.arch !== counts.arch) {
  console.log(`The stored figures are for ${stored.arch}, this machine is ${counts.arch}: no comparison.`)
  process.exit(0)
}
const comparisons = compare(stored?.instructions ?? {}, counts.instructions)
console.log(`Instructions per item, and the change since they were stored\n${counts.compiler}\n`)
for (const comparison of comparisons) console.log(lineOf(comparison))
if (stored !== undefined && stored.compiler !== counts.compiler) console.log(`\nStored with ${stored.compiler}`)
if (values.save === true) {
  writeFileSync(file, `${JSON.stringify(counts, undefined, 2)}\n`)
} else if (values.check === true && !passes(comparisons)) {
  console.error(`\nGrown by more than ${tolerance * 100} %, or not stored. To accept: npm run bench:codec -- --save`)
  process.exitCode = 1
}
