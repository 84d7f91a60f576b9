// Folders are layers: fails when a file imports from a folder that its own may not know, or when C++ headers include each
// other in a circle. Cycles between TypeScript files are found by oxlint (import/no-cycle).
//   node scripts/check-layers.mjs [root]
import { readFileSync, readdirSync } from 'node:fs'
import { join, posix } from 'node:path'

const values = 'lib/values'
const binding = ['lib/binding', values]
const calls = ['lib/calls', ...binding]
const services = ['lib/services', ...calls]
const batch = ['lib/batch', ...services]
const connections = ['lib/connections', ...services]
const marks = ['lib/marks', ...services]
const shared = ['cli/shared', 'state', 'lab']
const site = 'director/src/site'
const desired = ['director/src/desired', site]
const foreign = ['director/src/import', site]
const exported = ['director/src/export', site]
const probes = ['director/src/health/probes', ...desired]
const health = ['director/src/health', ...probes]
const control = ['director/src/control', ...health]
const netlink = 'native/netlink'
const ipvs = ['native/ipvs', netlink]
const nftables = ['native/nftables', netlink]
const reader = ['native/connections', netlink]
const packing = ['native/packing', 'native/ipvs', netlink]

/** What the files of a folder may import, besides packages. The command line, state/ and the director have the
 * public API, 'ipvs' and 'ipvs/state'. */
const layers = {
  [values]: [values],
  'lib/binding': binding,
  'lib/calls': calls,
  'lib/services': services,
  'lib/batch': batch,
  'lib/connections': connections,
  'lib/marks': marks,
  lib: ['lib', ...batch, ...connections, ...marks],
  state: ['state'],
  lab: ['lab'],
  'cli/shared': shared,
  'cli/adm': ['cli/adm', ...shared],
  'cli/doctor': ['cli/doctor', ...shared],
  'cli/marks': ['cli/marks', ...shared],
  'cli/verbs': ['cli/verbs', 'cli/marks', 'cli/doctor', ...shared],
  cli: ['cli', 'cli/adm', 'cli/verbs', ...shared],
  [site]: [site],
  'director/src/desired': desired,
  'director/src/import': foreign,
  'director/src/export': exported,
  'director/src/health/probes': probes,
  'director/src/health': health,
  'director/src/control': control,
  'director/src/cli': ['director/src/cli', 'director/src/import', 'director/src/export', ...control],
  [netlink]: [netlink],
  'native/ipvs': ipvs,
  'native/nftables': nftables,
  'native/connections': reader,
  'native/packing': packing,
  'native/addon': ['native/addon', ...packing, ...nftables, ...reader],
}

const root = process.argv[2] ?? new URL('..', import.meta.url).pathname
const outside = ['native/test', 'native/fuzz']
const files = ['lib', 'state', 'lab', 'cli', 'director/src', 'native']
  .flatMap((top) => readdirSync(join(root, top), { recursive: true }).map((name) => posix.join(top, name)))
  .filter((file) => /\.(ts|cc|h)$/.test(file) && !outside.some((folder) => file.startsWith(`${folder}/`)))

// `from './a.ts'`, `import './a.ts'`, `import('./a.ts')`; `#include "netlink/record.h"`.
function importsOf(file) {
  const text = readFileSync(join(root, file), 'utf8')
  if (!file.endsWith('.ts')) return [...text.matchAll(/^#include "([^"]+)"/gm)].map(([, path]) => join('native', path))
  const relative = [...text.matchAll(/\b(?:from |import |import\()'(\.[^']+)'/g)].map(([, path]) => path)
  return relative.map((path) => posix.join(posix.dirname(file), path))
}

const imports = new Map(files.map((file) => [file, importsOf(file)]))
const problems = []
for (const [file, paths] of imports) {
  const allowed = layers[posix.dirname(file)]
  if (allowed === undefined) problems.push(`${file}: its folder is in no layer; name it in scripts/check-layers.mjs`)
  for (const path of paths) {
    if (allowed === undefined || allowed.includes(posix.dirname(path))) continue
    problems.push(`${file} imports ${path}, but ${posix.dirname(file)} may only know ${allowed.join(', ')}`)
  }
}

// Depth first; `way`: the files that lead to this one.
const known = new Set()
function findCircles(file, way) {
  const at = way.indexOf(file)
  if (at >= 0) problems.push(`a circle: ${[...way.slice(at), file].join(' includes ')}`)
  if (at >= 0 || known.has(file)) return
  known.add(file)
  for (const next of imports.get(file) ?? []) findCircles(next, [...way, file])
}
for (const file of files) if (file.endsWith('.h')) findCircles(file, [])

for (const problem of problems) console.error(`layers: ${problem}`)
process.exit(problems.length > 0 ? 1 : 0)
