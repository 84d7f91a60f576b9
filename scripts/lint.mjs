// Runs linters, the checks of layers and of C++ types, and formatters for both languages. `--fix` formats instead of checking.
import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'

const root = new URL('..', import.meta.url).pathname
const bin = (name) => join(root, 'node_modules/.bin', name)
const fix = process.argv.includes('--fix')
let failed = false

function run(command, args) {
  const done = spawnSync(command, args, { cwd: root, stdio: 'inherit' })
  if (done.error) console.error(`lint: ${command}: ${done.error.message} (npm run setup installs it)`)
  if (done.status !== 0) failed = true
}

function sources(folder) {
  return readdirSync(join(root, folder), { recursive: true })
    .filter((name) => /\.(cc|c|h)$/.test(name))
    .map((name) => join(folder, name))
}

const native = sources('native')
const formatted = [...native, ...sources('bench')]
run('clang-format-19', fix ? ['-i', ...formatted] : ['--dry-run', '-Werror', ...formatted])
run(process.execPath, [join(root, 'scripts/check-layers.mjs')])
run(process.execPath, [join(root, 'scripts/check-types.mjs')])
run(process.execPath, [join(root, 'scripts/check-links.mjs')])
run(bin('prettier'), [fix ? '--write' : '--check', '--log-level', 'warn', '.'])
run(bin('oxlint'), [
  '--type-aware',
  '--deny-warnings',
  ...(fix ? ['--fix'] : []),
  'lib',
  'state',
  'cli',
  'director/src',
  'director/test',
  'lab',
  'test',
  'examples',
  'bench',
  'scripts',
])
if (!fix) {
  run(bin('tsc'), ['-p', 'tsconfig.json'])
  // clang-tidy needs compile commands of clang.
  run('cmake', ['--preset', 'clang', '--log-level=ERROR', '-DIPVS_TESTS=OFF'])
  const apart = ['test', 'fuzz'].map((folder) => join('native', folder))
  const units = native.filter((name) => name.endsWith('.cc') && !apart.some((folder) => name.startsWith(folder)))
  // One process per file, two in parallel; drops clang-tidy's count of warnings in system headers.
  const each = 'xargs -0 -P2 -n1 clang-tidy-19 -p build-cmake/clang --quiet 2> >(grep -v "warnings generated" >&2)'
  run('bash', ['-c', `printf "%s\\0" "$@" | ${each}`, 'bash', ...units])
}
process.exit(failed ? 1 : 0)
