// Runs all tests: lint, C++ under sanitizers, host tests, the package, and the tests on a kernel in the lab.
//   node scripts/test.mjs [step ...]   runs only these steps
import { spawnSync } from 'node:child_process'

const root = new URL('..', import.meta.url).pathname
const npm = (script, ...args) => ['npm', 'run', '--silent', script, ...(args.length > 0 ? ['--', ...args] : [])]
const steps = {
  setup: ['node', 'scripts/setup.mjs', 'test'],
  build: npm('prebuilds'),
  typescript: npm('build:ts'),
  lint: npm('lint'),
  docs: npm('docs'),
  native: npm('test:native'),
  fuzz: npm('test:fuzz', '--short'),
  testing: npm('build:cmake'),
  unit: npm('test:unit'),
  codec: npm('bench:check'),
  lab: ['node', 'out/lab/main.js', 'setup'],
  pack: npm('test:pack'),
  integration: npm('test:integration'),
  faults: ['node', 'scripts/faults.mjs'],
}

const chosen = process.argv.slice(2)
for (const name of chosen) {
  if (!(name in steps)) {
    console.error(`test: ${name} is none of ${Object.keys(steps).join(', ')}`)
    process.exit(2)
  }
}
const failed = []
let passed = 0
for (const [name, [command, ...args]] of Object.entries(steps)) {
  if (chosen.length > 0 && !chosen.includes(name)) continue
  const start = performance.now()
  console.log(`\n=== ${name}`)
  const done = spawnSync(command, args, { cwd: root, stdio: 'inherit' })
  const seconds = ((performance.now() - start) / 1000).toFixed(1)
  if (done.status === 0) passed++
  else failed.push(name)
  console.log(`=== ${name}: ${done.status === 0 ? 'ok' : 'FAILED'} (${seconds} s)`)
  if (done.status !== 0 && ['setup', 'build', 'typescript'].includes(name)) break // all further steps need it
}
console.log(failed.length > 0 ? `\nfailed: ${failed.join(', ')}` : '')
console.log(`steps: ${passed} passed, ${failed.length} failed`)
process.exit(failed.length > 0 ? 1 : 0)
