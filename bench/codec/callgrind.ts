// Compiles the codec's bench with the addon's flags and counts its instructions with valgrind.
import { execFile, spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, readdirSync } from 'node:fs'
import { arch } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

import { parseCallgrind, perItem, type Counts } from './counts.ts'

const execute = promisify(execFile)

/** The checkout; this file runs as out/bench/codec/callgrind.js. */
export const root: string = fileURLToPath(new URL('../../../', import.meta.url))
const program = path.join(root, 'out/bench/bin/codec')
const compiler = 'g++'

const items = 100_000
/** Counted separately and subtracted. */
const few = 10_000

interface Sources {
  readonly variables: { readonly core_sources: readonly string[]; readonly hardening_cflags: readonly string[] }
}

function compile(): void {
  const { variables } = JSON.parse(readFileSync(path.join(root, 'native/sources.gypi'), 'utf8')) as Sources
  const own = readdirSync(path.join(root, 'bench/codec'))
    .filter((name) => name.endsWith('.cc'))
    .map((name) => `bench/codec/${name}`)
  // Subjects call code of these folders only; the linker drops unused sections.
  const core = variables.core_sources.filter((name) => /^native\/(netlink|ipvs|packing)\//.test(name))
  mkdirSync(path.dirname(program), { recursive: true })
  const flags = ['-std=gnu++20', ...variables.hardening_cflags, '-Inative', '-ffunction-sections', '-Wl,--gc-sections']
  const done = spawnSync(compiler, [...flags, '-o', program, ...core, ...own], {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  if (done.error !== undefined) throw done.error
  if (done.status !== 0) throw new Error("the codec's bench does not compile")
}

async function instructions(subject: string, itemCount: number): Promise<number> {
  const args = ['--tool=callgrind', '--callgrind-out-file=/dev/null', program, subject, String(itemCount)]
  const { stderr } = await execute('valgrind', args, { cwd: root })
  return parseCallgrind(stderr)
}

export async function count(): Promise<Counts> {
  compile()
  const { stdout } = await execute(program, [], { cwd: root })
  const counted: Record<string, number> = {}
  for (const subject of stdout.trim().split('\n')) {
    const [small, large] = await Promise.all([instructions(subject, few), instructions(subject, few + items)])
    counted[subject] = perItem(small, large, items)
  }
  const version = spawnSync(compiler, ['--version'], { encoding: 'utf8' }).stdout.split('\n')[0] ?? ''
  return { compiler: version, arch: arch(), instructions: counted }
}
