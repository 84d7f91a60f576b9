// The connection parser alone, compiled with the addon's flags:
//   node bench/connections/parser.mjs            counts instructions per line; fails if they grew by more than 10 %
//                                                (part of npm run bench:check)
//   node bench/connections/parser.mjs --write    stores them
//   node bench/connections/parser.mjs --time N   measures its speed with N lines
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { arch } from 'node:os'
import { join } from 'node:path'

const root = new URL('../..', import.meta.url).pathname
const stored = join(root, 'bench/connections/parser.json')
const program = join(root, 'build/bench-parser')
const LINES = 20_000

const { hardening_cflags: flags } = JSON.parse(readFileSync(join(root, 'native/sources.gypi'), 'utf8')).variables
mkdirSync(join(root, 'build'), { recursive: true })
const sources = ['bench/connections/parser.cc', 'native/connections/line.cc']
execFileSync('g++', ['-std=gnu++20', ...flags, '-Inative', '-I.', ...sources, '-o', program], {
  cwd: root,
  stdio: 'inherit',
})

function instructionsPerLine() {
  const options = ['--tool=callgrind', '--callgrind-out-file=/dev/null', '--toggle-collect=parseAll*']
  const { stderr, error } = spawnSync('valgrind', [...options, program, 'once', String(LINES)], { encoding: 'utf8' })
  const counted = /Collected : (\d+)/.exec(stderr ?? '')
  if (error || counted === null) throw new Error(`valgrind: ${error?.message ?? stderr}`)
  return Number((Number(counted[1]) / LINES).toFixed(1))
}

if (process.argv[2] === '--time') {
  execFileSync(program, ['time', process.argv[3] ?? '1000000'], { stdio: 'inherit' })
  process.exit(0)
}
const now = { arch: arch(), instructionsPerLine: instructionsPerLine() }
if (process.argv[2] === '--write') {
  writeFileSync(stored, `${JSON.stringify(now, undefined, 2)}\n`)
} else {
  const before = JSON.parse(readFileSync(stored, 'utf8'))
  console.log(`${now.instructionsPerLine} instructions per line, ${before.instructionsPerLine} stored`)
  if (before.arch === now.arch && now.instructionsPerLine > before.instructionsPerLine * 1.1) process.exit(1)
}
