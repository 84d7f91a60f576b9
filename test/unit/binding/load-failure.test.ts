import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { rolldown } from 'rolldown'
import { afterAll, beforeAll, expect, test } from 'vitest'

import { loadProblem, processorOf } from '../../../lib/binding/load-failure.ts'

const work = mkdtempSync(join(tmpdir(), 'ipvs-load-'))
afterAll(() => rmSync(work, { recursive: true }))

function elf(name: string, machine: number): string {
  const header = Buffer.alloc(64)
  header.write('\x7fELF', 'latin1')
  header.writeUInt16LE(machine, 18)
  const file = join(work, name)
  writeFileSync(file, header)
  return file
}

const arm = elf('arm.node', 0xb7)
const intel = elf('intel.node', 0x3e)
const damaged = join(work, 'damaged.node')
writeFileSync(damaged, 'no ELF file, but longer than a header')

const problem = (file: string | undefined, cause: unknown) => loadProblem({ file, arch: 'x64', libc: 'glibc' }, cause)

test('the processor of a file', () => {
  expect([processorOf(arm), processorOf(intel), processorOf(damaged)]).toEqual(['arm64', 'x64', undefined])
  expect(processorOf(process.execPath)).toBe(process.arch)
  expect(processorOf(elf('strange.node', 0x1234))).toBe('machine 4660')
})

test.each<[string, string | undefined, unknown, RegExp]>([
  [
    'no file',
    undefined,
    new Error('No native build was found for x\n    loaded from: y\n'),
    /no native build for linux-x64 \(glibc\): No native build was found for x; loaded from: y\. To make one/,
  ],
  [
    'an old libc',
    intel,
    new Error("/lib/libc.so.6: version `GLIBC_2.34' not found (required by x.node)"),
    /it needs GLIBC_2\.34, and the C library \(glibc\) of this system is older/,
  ],
  [
    'an old libstdc++',
    intel,
    new Error("version `GLIBCXX_3.4.30' not found"),
    /needs GLIBCXX_3\.4\.30, and the C\+\+ library/,
  ],
  ['another processor', arm, new Error('cannot open shared object file'), /built for arm64, and this is x64/],
  ['a damaged file', damaged, new Error('invalid ELF header'), /it is damaged: no ELF file \(invalid ELF header\)/],
  ['a file that is gone', join(work, 'gone.node'), new Error('x'), /ENOENT.*Check its permissions/],
  ['anything else', intel, new Error('undefined symbol: foo'), /undefined symbol: foo\. Install the package again/],
  [
    'forbidden',
    intel,
    Object.assign(new Error('Cannot load native addon because loading addons is disabled.'), {
      code: 'ERR_DLOPEN_DISABLED',
    }),
    /forbidden in this process .*--no-addons/,
  ],
  ['no error at all', undefined, 'words', /words/],
])('%s: the message has the fix', (_, file, cause, words) => {
  expect(problem(file, cause)).toMatch(words)
})

// The library in a package that has no build or a broken one, made of the sources as they are.
const root = new URL('../../..', import.meta.url).pathname
const dist = join(work, 'dist')

beforeAll(async () => {
  const bundle = await rolldown({
    input: join(root, 'lib/index.ts'),
    platform: 'node',
    external: ['node-gyp-build'],
  })
  await bundle.write({ dir: dist, format: 'esm' })
  await bundle.close()
})

function run(name: string, addon: Buffer | undefined, flags: string[] = []) {
  const folder = join(work, name)
  mkdirSync(join(folder, 'build/Release'), { recursive: true })
  cpSync(join(root, 'node_modules/node-gyp-build'), join(folder, 'node_modules/node-gyp-build'), { recursive: true })
  cpSync(dist, join(folder, 'dist'), { recursive: true })
  writeFileSync(join(folder, 'package.json'), '{"name":"ipvs","type":"module"}')
  if (addon !== undefined) writeFileSync(join(folder, 'build/Release/ipvs.node'), addon)
  const script = 'await import("./dist/index.js").catch((e) => console.log(`${e.name}: ${e.message}`))'
  return spawnSync(process.execPath, [...flags, '--input-type=module', '-e', script], { cwd: folder, encoding: 'utf8' })
}

test('a package without a build, one with a damaged one, and a process without addons', () => {
  const addon = readFileSync(join(root, 'build/Release/ipvs.node'))
  expect(run('absent', undefined).stdout).toMatch(/^LoadError: ipvs: there is no native build for linux-/)
  expect(run('header', addon.subarray(0, 64)).stdout).toMatch(
    /^LoadError: ipvs: .*ipvs\.node cannot be loaded: (cannot read|.*short)/,
  )
  expect(run('empty', Buffer.alloc(0)).stdout).toMatch(/it is damaged: no ELF file/)
  expect(run('forbidden', addon, ['--no-addons']).stdout).toMatch(/^LoadError: ipvs: native addons are forbidden/)
})
