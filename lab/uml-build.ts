// Compiles a kernel for User-Mode Linux from Debian's package of the sources.

import { execFile, spawn } from 'node:child_process'
import { readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { LineReader, Tail } from './lines.ts'
import { showCounter } from './progress.ts'
import { umlConfiguration } from './uml-config.ts'

const execute = promisify(execFile)

/** Sources of hardware drivers, half of the archive. Their Kconfig files are needed. */
const leftOut = [
  'drivers/gpu',
  'drivers/media',
  'drivers/net/ethernet',
  'drivers/net/wireless',
  'sound',
  'tools/testing',
]

/** Fills `work` with linux and lib/modules/<release> from the unpacked package. Returns the release. */
export async function buildUml(unpacked: string, work: string): Promise<string> {
  const [source, objects] = [path.join(work, 'source'), path.join(work, 'objects')]
  await unpackSource(path.join(unpacked, 'usr/src'), source)
  await mkdir(objects)
  await configure(source, objects)
  await showCounter('compiling, files so far', (count) => compile(source, objects, count))
  await make(source, objects, 'modules_install', `INSTALL_MOD_PATH=${work}`, 'INSTALL_MOD_STRIP=1')
  const release = (await make(source, objects, 'kernelrelease')).trim()
  renameSync(path.join(objects, 'linux'), path.join(work, 'linux'))
  for (const folder of [source, objects]) rmSync(folder, { recursive: true })
  rmSync(path.join(work, 'lib/modules', release, 'build'), { force: true })
  return release
}

async function unpackSource(folder: string, source: string): Promise<void> {
  const archive = readdirSync(folder).find((file) => /^linux-source-.*\.tar\.xz$/.test(file))
  if (archive === undefined) throw new Error('the package contains no archive of the sources')
  await mkdir(source)
  const excludes = leftOut.map((part) => `--exclude=*/${part}/*.[ch]`)
  await execute('tar', ['-xf', path.join(folder, archive), '-C', source, '--strip-components=1', ...excludes])
}

async function configure(source: string, objects: string): Promise<void> {
  const wanted = path.join(objects, 'wanted.config')
  writeFileSync(wanted, `${umlConfiguration.join('\n')}\n`)
  await make(source, objects, `KCONFIG_ALLCONFIG=${wanted}`, 'allnoconfig')
  const lines = new Set(readFileSync(path.join(objects, '.config'), 'utf8').split('\n'))
  const refused = umlConfiguration.filter((line) => !lines.has(line))
  if (refused.length > 0) {
    throw new Error(`these sources do not accept ${refused.join(', ')}: their lines in lab/uml-config.ts need a change`)
  }
}

/** Arguments of make for a quiet step. */
const makeWords = (source: string, objects: string): string[] => ['-C', source, `O=${objects}`, 'ARCH=um']

async function make(source: string, objects: string, ...words: string[]): Promise<string> {
  const args = ['-s', '--no-print-directory', ...makeWords(source, objects), ...words]
  const { stdout } = await execute('make', args, { maxBuffer: 1 << 26 })
  return stdout
}

/** Compiles with low priority. `count` receives the number of compiled files. */
async function compile(source: string, objects: string, count: (files: number) => void): Promise<void> {
  const jobs = `-j${availableParallelism()}`
  const child = spawn('nice', ['-n', '10', 'make', jobs, ...makeWords(source, objects)], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, LC_ALL: 'C' },
  })
  const complaints = new Tail(4096)
  let files = 0
  const onLine = (line: string): void => {
    if (/^ +CC /.test(line)) count(++files)
  }
  child.stdout.on('data', new LineReader(onLine).listener)
  child.stderr.on('data', (chunk: Buffer) => complaints.add(chunk))
  const status = await new Promise((resolve, reject) => child.once('error', reject).once('close', resolve))
  if (status !== 0) throw new Error(`make failed with status ${String(status)}:\n${complaints.toString()}`)
}
