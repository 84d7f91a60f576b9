// Runs each fuzz target of native/fuzz under ASan and UBSan:
//   node scripts/fuzz.mjs [seconds]      60 by default
// The stored corpus is read and not written to; what a run finds stays in build-fuzz/, a failing input as crash-*.
import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

const root = new URL('..', import.meta.url).pathname
const seconds = Number(process.argv[2] ?? 60)
const folder = join(root, 'build-fuzz')
const { core_sources: sources } = JSON.parse(readFileSync(join(root, 'native/sources.gypi'), 'utf8')).variables
const flags = ['-std=c++20', '-g', '-O1', '-fno-omit-frame-pointer', '-fno-sanitize-recover=undefined']

function run(command, args) {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: 'inherit' })
  if (error) console.error(`fuzz: ${command}: ${error.message} (npm run setup installs it)`)
  if (status !== 0) process.exit(status ?? 1)
}

const targets = readdirSync(join(root, 'native/fuzz')).filter((name) => name.endsWith('_fuzz.cc'))
for (const target of targets) {
  const name = target.replace('_fuzz.cc', '')
  const [program, found] = [join(folder, name), join(folder, `${name}-corpus`)]
  mkdirSync(found, { recursive: true })
  const paths = ['-Inative', '-Inative/test', join('native/fuzz', target), ...sources]
  run('clang++-19', [...flags, '-fsanitize=fuzzer,address,undefined', ...paths, '-o', program])
  const options = [`-max_total_time=${seconds}`, '-max_len=4096', '-print_final_stats=1', '-verbosity=0']
  run(program, [...options, `-artifact_prefix=${folder}/crash-`, found, join(root, 'native/fuzz', name)])
  console.log(`${name}: nothing found in ${seconds} s`)
}
