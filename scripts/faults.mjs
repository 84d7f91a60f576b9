// Runs the fault tests (faults, kills, churn) on real kernels, one after the other:
//   node scripts/faults.mjs [--whole] [--store] [kernel ...] [-- argument of test/faults/guest.ts ...]
// Kernels of the lab: 5.10, 6.1, 6.12, newest, uml; and "host", in its own namespaces, for the parts that this host supports.
// Default: host and 6.1; with --whole all except uml, which has the sources of newest.
// --store keeps the results in test/faults/results and writes the tables of docs/reliability.md from all stored results.
import { spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const root = new URL('..', import.meta.url).pathname
const kernels = ['host', '5.10', '6.1', '6.12', 'newest']
const known = [...kernels, 'uml']
const separator = process.argv.indexOf('--')
const end = separator === -1 ? process.argv.length : separator
const words = process.argv.slice(2, end)
const guestWords = process.argv.slice(end + 1)
const whole = words.includes('--whole')
const named = words.filter((word) => !word.startsWith('--'))
for (const word of words) {
  if (![...known, '--whole', '--store'].includes(word)) {
    console.error(`faults: ${word} is none of --whole, --store, ${known.join(', ')}`)
    process.exit(2)
  }
}

function run(command, ...args) {
  const done = spawnSync(command, args, { cwd: root, stdio: 'inherit' })
  if (done.error) console.error(`${command}: ${done.error.message} (npm run setup installs it)`)
  return done.status ?? 1
}

const source = (name) => join('test/faults', name)

/** Compiles the C programs. */
function compile(folder) {
  const [shim, reader] = ['shim.so', 'reader'].map((name) => join(folder, name))
  const flags = ['-O2', '-Wall', '-Wextra', '-Werror']
  if (run('cc', ...flags, '-shared', '-fPIC', '-o', shim, source('shim.c'), '-ldl') !== 0) process.exit(1)
  if (run('cc', ...flags, '-o', reader, source('reader.c')) !== 0) process.exit(1)
  return { shim, reader }
}

/** Runs a command on a kernel. */
function start(kernel, output, command) {
  if (kernel !== 'host') return run('node', 'out/lab/main.js', '--kernel', kernel, '--output', output, '--', ...command)
  process.env.FAULTS_SLACK_MS ??= '100'
  process.env.FAULTS_TIMEOUT_MS ??= '300'
  return run(...command)
}

const folder = mkdtempSync(join(tmpdir(), 'ipvs-faults-'))
const failed = []
try {
  const { shim, reader } = compile(folder)
  for (const kernel of named.length > 0 ? named : whole ? kernels : ['host', '6.1']) {
    console.log(`\n=== ${kernel}`)
    const result = join(folder, `${kernel}.json`)
    const guest = ['node', '--expose-gc', 'out/test/faults/guest.js', result, shim, reader, kernel]
    const options = [...(whole ? ['--whole'] : []), ...guestWords]
    if (start(kernel, folder, [...guest, ...options]) !== 0) failed.push(kernel)
    if (!existsSync(result)) continue
    for (const { name, findings } of JSON.parse(readFileSync(result, 'utf8')).parts) {
      for (const each of findings) console.log(`${kernel}: ${name}: ${JSON.stringify(each)}`)
    }
    if (words.includes('--store')) {
      mkdirSync(join(root, 'test/faults/results'), { recursive: true })
      copyFileSync(result, join(root, 'test/faults/results', `${kernel}.json`))
    }
  }
  if (words.includes('--store') && run('node', 'out/test/faults/report.js') !== 0) failed.push('report')
} finally {
  rmSync(folder, { recursive: true, force: true })
}
console.log(failed.length > 0 ? `\nfaults: failed: ${failed.join(', ')}` : '\nfaults: nothing found')
process.exit(failed.length > 0 ? 1 : 0)
