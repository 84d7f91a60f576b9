// Runs all tests: lint, C++ under sanitizers, host tests, the package, and the kernel tests in one lab boot.
//   node scripts/test.mjs [step ...]   runs only these steps
// The emulator computes on one core for most of its time, so the steps of the host run beside it, with a lower priority.
import { spawn } from 'node:child_process'

const root = new URL('..', import.meta.url).pathname
const npm = (script, ...args) => ['npm', 'run', '--silent', script, ...(args.length > 0 ? ['--', ...args] : [])]
const node = (...args) => ['node', ...args]
const polite = (...command) => ['nice', '-n', '10', ...command]

// One after the other. Only these write dist/ and out/, which the lab reads later.
const before = {
  setup: node('scripts/setup.mjs', 'test'),
  build: npm('prebuilds'),
  typescript: npm('build:ts'),
  lab: node('out/lab/main.js', 'setup'),
  pack: npm('test:pack'),
}
// Beside each other.
const emulated = {
  integration: npm('test:integration'),
}
const onHost = {
  lint: polite(...npm('lint')),
  native: npm('test:native'), // has time limits
  fuzz: polite(...npm('test:fuzz', '--short')),
  testing: polite(...npm('build:cmake')),
  unit: polite(...npm('test:unit')),
  codec: polite('sh', '-c', 'node out/bench/codec/main.js --check && node bench/connections/parser.mjs'),
  faults: node('scripts/faults.mjs'), // has time limits
}

const names = [before, emulated, onHost].flatMap((lane) => Object.keys(lane))
const chosen = process.argv.slice(2)
for (const name of chosen) {
  if (!names.includes(name)) {
    console.error(`test: ${name} is none of ${names.join(', ')}`)
    process.exit(2)
  }
}
const failed = []
let passed = 0

/** Resolves with the exit status, and the output unless it was shown. */
function run([command, ...args], shown) {
  const child = spawn(command, args, { cwd: root, stdio: ['inherit', ...Array(2).fill(shown ? 'inherit' : 'pipe')] })
  const chunks = []
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => chunks.push(chunk))
  return new Promise((resolve) => {
    child.once('error', (error) => resolve({ status: 1, output: `${command}: ${error.message}\n` }))
    child.once('close', (status) => resolve({ status, output: Buffer.concat(chunks) }))
  })
}

/** Runs steps one after the other; `shown`: with their output as it comes, not at their end. */
async function runLane(lane, shown) {
  for (const [name, command] of Object.entries(lane)) {
    if (chosen.length > 0 && !chosen.includes(name)) continue
    const start = performance.now()
    if (shown) console.log(`\n=== ${name}`)
    const { status, output } = await run(command, shown)
    if (!shown) process.stdout.write(`\n=== ${name}\n${output}`)
    const seconds = ((performance.now() - start) / 1000).toFixed(1)
    if (status === 0) passed++
    else failed.push(name)
    console.log(`=== ${name}: ${status === 0 ? 'ok' : 'FAILED'} (${seconds} s)`)
    if (status !== 0 && ['setup', 'build', 'typescript'].includes(name)) return false // all further steps need it
  }
  return true
}

if (await runLane(before, true)) await Promise.all([runLane(emulated, true), runLane(onHost, false)])
console.log(failed.length > 0 ? `\nfailed: ${failed.join(', ')}` : '')
console.log(`steps: ${passed} passed, ${failed.length} failed`)
process.exit(failed.length > 0 ? 1 : 0)
