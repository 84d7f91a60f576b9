// Applies the mutants of scripts/native-mutants.mjs to a copy of this checkout, one at a time, builds the C++ tests and runs the
// cases that have to fail. Prints the killed share.
import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { nativeMutants } from './native-mutants.mjs'

const root = new URL('..', import.meta.url).pathname
const copy = mkdtempSync(join(tmpdir(), 'ipvs-mutation-'))
const program = 'build-cmake/asan/ipvs_tests'

function run(timeout, command, ...args) {
  const { status, error, stdout, stderr } = spawnSync(command, args, { cwd: copy, encoding: 'utf8', timeout })
  return { ok: status === 0, timedOut: error?.code === 'ETIMEDOUT', output: `${stdout}${stderr}` }
}

function must(...command) {
  const { ok, output } = run(undefined, ...command)
  if (!ok) throw new Error(`${command.join(' ')} failed:\n${output.slice(-4000)}`)
}

// Some cases have deadlines and fail on a busy machine: only three failures in a row count.
function test(names) {
  const filter = names.map((name) => name.replaceAll(',', '?')).join(',')
  for (let attempt = 1; ; attempt++) {
    const { ok, timedOut, output } = run(60_000, program, '--no-colors', `--test-case=${filter}`)
    if (ok || timedOut || attempt === 3) return { ok, count: Number(/test cases: +(\d+)/.exec(output)?.[1] ?? 0) }
  }
}

function mutated({ file, change: [before, after] }) {
  const text = readFileSync(join(root, file), 'utf8')
  if (text.split(before).length !== 2) throw new Error(`${file} does not have this once:\n${before}`)
  return text.replace(before, () => after)
}

try {
  const listed = execFileSync('git', ['ls-files', '-co', '--exclude-standard'], { cwd: root, encoding: 'utf8' })
  for (const file of listed.split('\n').filter((name) => name !== '' && existsSync(join(root, name)))) {
    mkdirSync(dirname(join(copy, file)), { recursive: true })
    cpSync(join(root, file), join(copy, file))
  }
  must('cmake', '--preset', 'asan', '--log-level=ERROR')
  must('cmake', '--build', '--preset', 'asan')
  for (const { what, killers } of nativeMutants) {
    const { ok, count } = test(killers)
    if (!ok || count < killers.length) throw new Error(`${what}: ${count} cases ran, ok: ${ok}: ${killers.join(', ')}`)
  }
  const survivors = []
  for (const mutant of nativeMutants) {
    writeFileSync(join(copy, mutant.file), mutated(mutant))
    must('cmake', '--build', '--preset', 'asan')
    const survived = test(mutant.killers).ok
    console.log(`${survived ? 'SURVIVED' : 'killed'}: ${mutant.file}: ${mutant.what}`)
    if (survived) survivors.push(mutant)
    cpSync(join(root, mutant.file), join(copy, mutant.file))
  }
  const killed = nativeMutants.length - survivors.length
  console.log(`native: ${killed} of ${nativeMutants.length} mutants killed`)
  if (survivors.length > 0) process.exitCode = 1
} finally {
  rmSync(copy, { recursive: true, force: true })
}
