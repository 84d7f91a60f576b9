// Adds a made-up attribute of destinations to a copy of this checkout by the list in CONTRIBUTING.md, builds the copy, sends the
// attribute and reads it back. Then reverts one step at a time: each must fail to compile or fail a test.
import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'

import { probe, steps } from './made-up-attribute.mjs'

const root = new URL('..', import.meta.url).pathname
const copy = mkdtempSync(join(tmpdir(), 'ipvs-attribute-'))

function run(...[command, ...args]) {
  const done = spawnSync(command, args, { cwd: copy, encoding: 'utf8' })
  return { ok: done.status === 0, output: `${done.stdout}${done.stderr}` }
}

function must(...command) {
  const { ok, output } = run(...command)
  if (!ok) throw new Error(`${command.join(' ')} failed:\n${output.slice(-4000)}`)
}

function makeCopy() {
  const listed = execFileSync('git', ['ls-files', '-co', '--exclude-standard'], { cwd: root, encoding: 'utf8' })
  for (const file of listed.split('\n')) {
    if (file === '' || !existsSync(join(root, file))) continue
    mkdirSync(dirname(join(copy, file)), { recursive: true })
    cpSync(join(root, file), join(copy, file))
  }
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'))
}

// The file with the steps applied. Each text that a step replaces must occur once.
function edited(file, applied) {
  let text = readFileSync(join(root, file), 'utf8')
  for (const [before, after] of applied.filter((step) => step.file === file).flatMap(({ changes }) => changes)) {
    if (text.split(before).length !== 2) throw new Error(`${file} does not have this once:\n${before}`)
    text = text.replace(before, () => after)
  }
  return text
}

const apply = (file, applied) => writeFileSync(join(copy, file), edited(file, applied))

const vitest = (files) => ['vitest', 'run', '--project', 'unit', '--project', 'codec', ...files]

// The list in CONTRIBUTING.md names exactly the files of the steps.
function checkList() {
  const text = readFileSync(join(root, 'CONTRIBUTING.md'), 'utf8')
  const list = /^## How to add an attribute\n(.*?)\n\nNot noticed/ms.exec(text)?.[1]
  if (list === undefined) throw new Error('CONTRIBUTING.md has no list "How to add an attribute" up to "Not noticed"')
  const named = new Set(Array.from(list.matchAll(/`([\w./-]+\/[\w.-]+\.(?:ts|cc|h))`/g), ([, file]) => file))
  const changed = new Set(steps.map(({ file }) => file))
  const missing = [...changed].filter((file) => !named.has(file))
  const untried = [...named].filter((file) => !changed.has(file))
  if (missing.length > 0) throw new Error(`CONTRIBUTING.md does not name ${missing.join(', ')}`)
  if (untried.length > 0) throw new Error(`made-up-attribute.mjs has no step for ${untried.join(', ')}`)
}

const unitTests = ['test/unit/binding', 'test/unit/services']
const allTests = [...unitTests, 'test/codec']

// The first error of a compiler or of a test.
function errorWithout(step) {
  const isNative = step.file.startsWith('native/')
  const build = isNative ? run('npm', 'run', '--silent', 'build:native') : { ok: true }
  if (!build.ok) return /error: .*$/m.exec(build.output)?.[0] ?? 'c++'
  const types = run('npm', 'run', '--silent', 'typecheck')
  if (!types.ok) return /^\S+ error TS\d+.*$/m.exec(types.output)?.[0] ?? 'tsc'
  const tests = run('npx', ...vitest(isNative ? allTests : unitTests))
  if (!tests.ok) return stripVTControlCharacters(/FAIL.*$/m.exec(tests.output)?.[0] ?? 'vitest')
  throw new Error(`nothing fails without this step: ${step.file}, ${step.what}`)
}

try {
  checkList()
  makeCopy()
  for (const { file } of steps) apply(file, steps)
  writeFileSync(join(copy, 'test/codec/made-up-attribute.test.ts'), probe)
  for (const script of ['build:native', 'build:ts', 'build:cmake', 'typecheck']) must('npm', 'run', '--silent', script)
  must('npx', ...vitest(allTests))
  console.log('The attribute is checked, sent and read back.\n\nErrors without a step:')
  for (const left of steps) {
    apply(
      left.file,
      steps.filter((step) => step !== left),
    )
    console.log(`  ${left.file}, ${left.what}\n    ${errorWithout(left)}`)
    apply(left.file, steps)
  }
} finally {
  rmSync(copy, { recursive: true, force: true })
}
