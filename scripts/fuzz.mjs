// Fuzzes every parser of external bytes: each target of native/fuzz under ASan and UBSan, and the parser of the kernel's text
// statistics (scripts/fuzz-statistics.mjs).
//   node scripts/fuzz.mjs [--short] [target ...]
// Each target gets 1,000,000 inputs, with --short 30,000 and at most 10 seconds. Seeds come from native/fuzz/TARGET and
// scripts/fuzz-seeds.mjs. A run stores new inputs in build-fuzz/ for the next run, a failing input as crash-*.
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, readdirSync, statSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { writeSeeds } from './fuzz-seeds.mjs'

const root = new URL('..', import.meta.url).pathname
const short = process.argv.includes('--short')
const wanted = process.argv.slice(2).filter((word) => !word.startsWith('-'))
const limits = short ? ['-runs=30000', '-max_total_time=10'] : ['-runs=1000000']
const folder = join(root, 'build-fuzz')
const { core_sources: sources } = JSON.parse(readFileSync(join(root, 'native/sources.gypi'), 'utf8')).variables
const compiler = 'clang++-19'
const flags = ['-std=c++20', '-g', '-O1', '-fno-omit-frame-pointer', '-fno-sanitize-recover=undefined', '-Inative']
const sanitizers = '-fsanitize=fuzzer-no-link,address,undefined'
const scripted = 'native/fuzz/scripted_kernel.cc'
const wrapped = ['sendmsg', 'recvmsg', 'poll'].map((name) => `-Wl,--wrap=${name}`)

function run(command, args) {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: 'inherit' })
  if (error) console.error(`fuzz: ${command}: ${error.message} (npm run setup installs it)`)
  if (status !== 0) process.exit(status ?? 1)
}

let failed = false

const objectOf = (source) => join(folder, 'objects', source.replaceAll('/', '_').replace(/\.cc$/, '.o'))

// Without dependency lists, a change of any header rebuilds all objects.
const headers = readdirSync(join(root, 'native'), { recursive: true }).filter((name) => name.endsWith('.h'))
const newestHeader = Math.max(...headers.map((name) => statSync(join(root, 'native', name)).mtimeMs))
function isCurrent(source) {
  if (!existsSync(objectOf(source))) return false
  const made = statSync(objectOf(source)).mtimeMs
  return made > newestHeader && made > statSync(join(root, source)).mtimeMs
}

async function compile(source) {
  const args = [...flags, '-Inative/test', sanitizers, '-c', source, '-o', objectOf(source)]
  const child = spawn(compiler, args, { cwd: root, stdio: 'inherit' })
  const status = await new Promise((resolve) => {
    child.once('error', (error) => {
      console.error(`fuzz: ${compiler}: ${error.message} (npm run setup installs it)`)
      resolve(1)
    })
    child.once('exit', resolve)
  })
  if (status !== 0) process.exit(1)
}

async function compileAll(list) {
  const waiting = list.filter((source) => !isCurrent(source))
  const work = async () => {
    for (let source = waiting.shift(); source !== undefined; source = waiting.shift()) await compile(source)
  }
  await Promise.all(Array.from({ length: availableParallelism() }, work))
}

function fuzz(target) {
  const own = `native/fuzz/${target}_fuzz.cc`
  const usesScript = readFileSync(join(root, own), 'utf8').includes('"scripted_kernel.h"')
  const parts = [...sources, own, ...(usesScript ? [scripted] : [])].map(objectOf)
  const program = join(folder, target)
  run(compiler, ['-fsanitize=fuzzer,address,undefined', ...parts, ...(usesScript ? wrapped : []), '-o', program])
  const [found, seeds] = [join(folder, `${target}-corpus`), join(folder, `${target}-seeds`)]
  mkdirSync(found, { recursive: true })
  writeSeeds(root, target, seeds)
  const stored = join(root, 'native/fuzz', target)
  const corpora = [found, seeds, ...(existsSync(stored) ? [stored] : [])]
  const options = [...limits, '-max_len=4096', '-print_funcs=0', `-artifact_prefix=${folder}/crash-${target}-`]
  const { status, stdout, stderr } = spawnSync(program, [...options, ...corpora], {
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  })
  const runs = /#(\d+)\s+DONE/.exec(stderr)?.[1]
  if (status === 0 && runs !== undefined) return console.log(`${target}: nothing found in ${runs} runs`)
  console.error(`${stdout}${stderr}\n${target}: FAILED`)
  failed = true
}

const all = readdirSync(join(root, 'native/fuzz'))
  .filter((name) => name.endsWith('_fuzz.cc'))
  .map((name) => name.replace('_fuzz.cc', ''))
const chosen = wanted.length > 0 ? wanted : all
for (const name of chosen) {
  if (name !== 'statistics' && !all.includes(name)) {
    console.error(`fuzz: ${name} is none of ${[...all, 'statistics'].join(', ')}`)
    process.exit(2)
  }
}
mkdirSync(join(folder, 'objects'), { recursive: true })
const targets = chosen.filter((name) => name !== 'statistics')
await compileAll([...sources, scripted, ...targets.map((target) => `native/fuzz/${target}_fuzz.cc`)])
for (const target of targets) fuzz(target)
if (wanted.length === 0 || wanted.includes('statistics')) {
  run(process.execPath, ['scripts/fuzz-statistics.mjs', short ? '30000' : '1000000'])
}
process.exit(failed ? 1 : 0)
