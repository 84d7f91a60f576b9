// Runs the integration tests on several kernels, one after the other:
//   node scripts/test-kernels.mjs [kernel ...] [-- argument of vitest ...]
// Kernels of the lab: 5.10, 6.1, 6.12, newest, uml; default: all except uml, which has the sources of newest.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'

const root = new URL('..', import.meta.url).pathname
const kernels = ['5.10', '6.1', '6.12', 'newest']
const known = [...kernels, 'uml']

const separator = process.argv.indexOf('--')
const end = separator === -1 ? process.argv.length : separator
const named = process.argv.slice(2, end)
const vitestArguments = process.argv.slice(end + 1)
for (const name of named) {
  if (!known.includes(name)) {
    console.error(`test-kernels: ${name} is none of ${known.join(', ')}`)
    process.exit(2)
  }
}

const nameOf = (test) => `${relative(root, test.file)}: ${test.fullName}`

/** Summarizes a report of vitest. A file that did not load counts as one failure. */
function summary(report) {
  const tests = report.testResults.flatMap((file) =>
    file.assertionResults.map((test) => ({ ...test, file: file.name })),
  )
  const broken = report.testResults.filter(
    (file) => file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed'),
  )
  const withStatus = (...statuses) => tests.filter((test) => statuses.includes(test.status)).map(nameOf)
  return {
    passed: withStatus('passed').length,
    failures: [...withStatus('failed'), ...broken.map((file) => `${relative(root, file.name)}: ${file.message}`)],
    skipped: withStatus('skipped', 'pending', 'todo', 'disabled'),
  }
}

function run(kernel, reportFile) {
  const vitest = join(root, 'node_modules/.bin/vitest')
  const reporters = ['--reporter=verbose', '--reporter=json', `--outputFile.json=${reportFile}`]
  const done = spawnSync(
    vitest,
    ['run', '--project', 'integration', '--project', 'races', ...reporters, ...vitestArguments],
    {
      cwd: root,
      stdio: 'inherit',
      env: {
        ...process.env,
        ...(kernel === 'uml' ? { IPVS_LAB: 'uml' } : { IPVS_LAB: 'qemu', IPVS_LAB_SERIES: kernel }),
      },
    },
  )
  let result
  try {
    result = summary(JSON.parse(readFileSync(reportFile, 'utf8')))
  } catch {
    result = { passed: 0, failures: ['no report: vitest did not finish'], skipped: [] }
  }
  // For example an error outside of tests, or no tests.
  if (done.status !== 0 && result.failures.length === 0) result.failures.push(`vitest ended with status ${done.status}`)
  return result
}

const work = mkdtempSync(join(tmpdir(), 'ipvs-kernels-'))
const results = []
try {
  for (const kernel of named.length > 0 ? named : kernels) {
    console.log(`\n=== ${kernel}`)
    const start = performance.now()
    const result = run(kernel, join(work, `${kernel}.json`))
    results.push({ kernel, ...result, seconds: Math.round((performance.now() - start) / 1000) })
  }
} finally {
  rmSync(work, { recursive: true, force: true })
}

const cells = results.map(({ kernel, passed, failures, skipped, seconds }) =>
  [kernel, passed, failures.length, skipped.length, `${seconds} s`].map(String),
)
console.log('')
for (const row of [['kernel', 'passed', 'failed', 'skipped', 'time'], ...cells]) {
  console.log(row.map((cell, index) => (index === 0 ? cell.padEnd(8) : cell.padStart(9))).join(''))
}
for (const { kernel, failures, skipped } of results) {
  for (const name of failures) console.log(`${kernel}: failed: ${name}`)
  for (const name of skipped) console.log(`${kernel}: skipped: ${name}`)
}
const total = (count) => results.reduce((sum, result) => sum + count(result), 0)
const failed = total((result) => result.failures.length)
console.log(`\n${total((result) => result.passed)} passed, ${failed} failed`)
process.exit(failed > 0 ? 1 : 0)
