// Mutation testing of lib/ with Stryker, in a copy of this checkout: prints how many mutants the tests kill, and the survivors.
//   node scripts/mutation.mjs [group ...] [--workers N]     groups: settlement destinations plans validation rows native
// Stryker is installed into the copy only: it brings about 180 packages. Mutants of texts are left out, as tests do not repeat
// the words of errors; so are tests of elapsed time, which fail on a busy machine.
import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import { equivalent } from './equivalent-mutants.mjs'

const groups = {
  settlement: {
    mutate: ['lib/batch/settlement.ts'],
    tests: ['test/unit/batch/*.test.ts', 'test/unit/calls/*.test.ts'],
  },
  plans: { mutate: ['lib/marks/plan.ts', 'lib/marks/overlap.ts'], tests: ['test/unit/marks/*.test.ts'] },
  destinations: {
    mutate: ['lib/services/destination.ts', 'lib/services/destination-patch.ts'],
    tests: ['test/unit/services/destination.test.ts', 'test/unit/services/destination-patch.test.ts'],
  },
  validation: {
    mutate: ['lib/values/validate.ts'],
    tests: ['test/unit/services/*.test.ts', 'test/unit/values/*.test.ts', 'test/unit/hostile.test.ts'],
  },
  rows: {
    mutate: ['lib/binding/row-writer.ts', 'lib/binding/row-reader.ts'],
    tests: ['test/unit/binding/fast-row-writers.test.ts', 'test/unit/binding/row-reader.test.ts'],
  },
}
// Tests of elapsed time, and of the event loop under load.
const timed = /the time grows|100,000 items|a long one does not stop|event loop|differ for different rules/

const { values, positionals } = parseArgs({ allowPositionals: true, options: { workers: { type: 'string' } } })
const chosen = positionals.length > 0 ? positionals : [...Object.keys(groups), 'native']
const unknown = chosen.filter((name) => name !== 'native' && !Object.hasOwn(groups, name))
if (unknown.length > 0) {
  console.error(`mutation: unknown group ${unknown.join(', ')}; groups: ${Object.keys(groups).join(', ')}, native`)
  process.exit(2)
}
const root = new URL('..', import.meta.url).pathname
const workers = Number(values.workers ?? Math.min(2, availableParallelism()))

const vitestConfig = (tests) => `import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'
const sources = fileURLToPath(new URL('lib/index.ts', import.meta.url))
export default defineConfig({
  resolve: { alias: [{ find: /^ipvs$/, replacement: sources }] },
  test: {
    include: ${JSON.stringify(tests)},
    testNamePattern: /^(?!.*(${timed.source})).*$/,
    setupFiles: ['test/array-buffer-equality.ts'],
    testTimeout: 8000,
  },
})
`

const strykerConfig = (mutate) => ({
  testRunner: 'vitest',
  plugins: ['@stryker-mutator/vitest-runner'],
  vitest: { configFile: 'vitest.mutation.config.ts', related: false },
  mutate,
  mutator: { excludedMutations: ['StringLiteral'] },
  coverageAnalysis: 'perTest',
  concurrency: workers,
  tsconfigFile: 'none', // Stryker cannot call TypeScript 7
  timeoutMS: 8000,
  ignorePatterns: ['build-cmake', 'docs', 'out', 'dist'],
  reporters: ['json'],
  jsonReporter: { fileName: 'mutation.json' },
})

function must(cwd, command, ...args) {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, encoding: 'utf8', maxBuffer: 1 << 28 })
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} failed:\n${`${stdout}${stderr}`.slice(-4000)}`)
}

function makeCopy() {
  const copy = mkdtempSync(join(tmpdir(), 'ipvs-mutation-'))
  const listed = execFileSync('git', ['ls-files', '-co', '--exclude-standard'], { cwd: root, encoding: 'utf8' })
  for (const file of listed.split('\n').filter((name) => name !== '' && existsSync(join(root, name)))) {
    mkdirSync(dirname(join(copy, file)), { recursive: true })
    cpSync(join(root, file), join(copy, file))
  }
  cpSync(join(root, 'build/Release/ipvs.node'), join(copy, 'build/Release/ipvs.node'))
  // Copied, not linked: npm rewrites node_modules/.package-lock.json in place.
  cpSync(join(root, 'node_modules'), join(copy, 'node_modules'), { recursive: true, verbatimSymlinks: true })
  const tools = ['@stryker-mutator/core@9.6.1', '@stryker-mutator/vitest-runner@9.6.1']
  must(copy, 'npm', 'install', '--no-save', '--ignore-scripts', '--no-audit', '--no-fund', ...tools)
  return copy
}

// The text that a mutant replaces; only the first line of a longer one.
function replaced({ start, end }, lines) {
  const line = lines[start.line - 1]
  return line.slice(start.column - 1, start.line === end.line ? end.column - 1 : undefined)
}

function report(name, files) {
  const counts = { killed: 0, timedOut: 0, equivalent: 0 }
  const survivors = []
  for (const [file, { source, mutants }] of Object.entries(files)) {
    const lines = source.split('\n')
    for (const { status, location, replacement: to = '' } of mutants) {
      if (status === 'Killed') counts.killed++
      if (status === 'Timeout') counts.timedOut++
      if (status !== 'Survived' && status !== 'NoCoverage') continue
      const line = lines[location.start.line - 1].trim()
      const from = replaced(location, lines)
      const isThis = (each) => each.file === file && each.line === line && each.from === from && each.to === to
      if (equivalent.some(isThis)) counts.equivalent++
      else survivors.push(`  ${file}:${location.start.line}: ${line}\n    ${from} => ${to.replaceAll(/\s+/g, ' ')}`)
    }
  }
  const killed = counts.killed + counts.timedOut
  const all = killed + survivors.length
  if (survivors.length > 0) console.log(survivors.join('\n'))
  const share = ((100 * killed) / all).toFixed(1)
  console.log(
    `${name}: ${killed} of ${all} mutants killed (${share} %), ${counts.timedOut} of them by a timeout; ` +
      `${counts.equivalent} more are equivalent`,
  )
}

const ofLib = chosen.filter((name) => name !== 'native')
if (ofLib.length > 0) {
  const copy = makeCopy()
  try {
    for (const name of ofLib) {
      const { mutate, tests } = groups[name]
      writeFileSync(join(copy, 'vitest.mutation.config.ts'), vitestConfig(tests))
      writeFileSync(join(copy, 'stryker.config.json'), JSON.stringify(strykerConfig(mutate)))
      must(copy, 'npx', 'stryker', 'run', 'stryker.config.json')
      report(name, JSON.parse(readFileSync(join(copy, 'mutation.json'), 'utf8')).files)
    }
  } finally {
    rmSync(copy, { recursive: true, force: true })
  }
}
if (chosen.includes('native')) {
  const { status } = spawnSync(process.execPath, [join(root, 'scripts/mutation-native.mjs')], { stdio: 'inherit' })
  process.exitCode = status ?? 1
}
