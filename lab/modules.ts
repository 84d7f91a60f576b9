// Kernel modules: selection of folders, decompression, load order.

import { execFile } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, renameSync } from 'node:fs'
import { mkdir, readdir } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import { findProgram, LabUsageError } from './host.ts'

const execute = promisify(execFile)

/** Folders below kernel/ to keep. The rest is 300 MB of sound, graphics and other hardware. */
const keptFolders: readonly string[] = [
  'arch',
  'block',
  'crypto',
  'drivers/char',
  'drivers/virtio',
  'fs/9p',
  'fs/fuse',
  'fs/netfs',
  'fs/fscache',
  'fs/nls',
  'fs/overlayfs',
  'lib',
  'net',
]

/** Folders of hardware drivers below drivers/net; the remaining ones are virtual: dummy, veth, bridges, tunnels. */
const hardwareDrivers: ReadonlySet<string> = new Set(
  'arcnet can dsa ethernet fddi hamradio hippi ieee802154 ipa mdio pcs phy plip ppp slip usb wan wireless wwan'.split(
    ' ',
  ),
)

/**
 * Moves the modules that the lab uses out of an unpacked package: `from` and `to` are both named lib/modules/<release>. Modules
 * are decompressed, because busybox cannot load compressed ones, and indexed, as at the package's installation.
 */
export async function keepModules(from: string, to: string): Promise<void> {
  await mkdir(to, { recursive: true })
  for (const folder of keptFolders) await moveIfThere(from, to, path.join('kernel', folder))
  const drivers = path.join(from, 'kernel/drivers/net')
  for (const entry of existsSync(drivers) ? readdirSync(drivers) : []) {
    if (!hardwareDrivers.has(entry)) await moveIfThere(from, to, path.join('kernel/drivers/net', entry))
  }
  for (const index of ['modules.builtin', 'modules.builtin.modinfo', 'modules.order'])
    await moveIfThere(from, to, index)
  await decompressAll(to)
  const base = path.resolve(to, '../../..')
  await execute(findProgram('depmod') ?? 'depmod', ['-b', base, path.basename(to)])
}

async function moveIfThere(from: string, to: string, name: string): Promise<void> {
  const source = path.join(from, name)
  if (!existsSync(source)) return
  const target = path.join(to, name)
  await mkdir(path.dirname(target), { recursive: true })
  // Both are in the same file system: below the folder in which the kernel is prepared.
  renameSync(source, target)
}

async function decompressAll(folder: string): Promise<void> {
  const files = await readdir(folder, { recursive: true })
  const compressed = files.filter((file) => file.endsWith('.ko.xz'))
  const batch = 200
  for (let start = 0; start < compressed.length; start += batch) {
    await execute('xz', ['-d', '--', ...compressed.slice(start, start + batch)], { cwd: folder })
  }
  const unknown = files.find((file) => /\.ko\.(?!xz$)\w+$/.test(file))
  if (unknown !== undefined) throw new Error(`cannot decompress ${unknown}: unknown format`)
}

/** A module to load; its file may be compressed. */
export interface LoadableModule {
  readonly name: string
  readonly file: string
}

/** Resolves names to files, dependencies first. Names that are built into the kernel are left out. */
export function loadOrder(modules: string, names: readonly string[]): LoadableModule[] {
  const dependencies = readDependencies(modules)
  const builtin = new Set(readLines(path.join(modules, 'modules.builtin')).map(moduleName))
  const order = new Map<string, LoadableModule>()
  for (const name of names) {
    const entry = dependencies.get(name)
    if (entry === undefined) {
      if (builtin.has(name)) continue
      throw new LabUsageError(`${modules} has no module ${name}, and it is not built into that kernel`)
    }
    // modules.dep lists all indirect dependencies, in reverse load order.
    for (const file of [...entry.needs.toReversed(), entry.file]) {
      order.set(moduleName(file), { name: moduleName(file), file: path.join(modules, file) })
    }
  }
  return [...order.values()]
}

function readDependencies(modules: string): Map<string, { file: string; needs: string[] }> {
  const index = path.join(modules, 'modules.dep')
  if (!existsSync(index)) throw new LabUsageError(`${index} does not exist: is ${modules} a folder of kernel modules?`)
  const entries = readLines(index).map((line) => {
    const [file = '', ...needs] = line.split(/:? +|:$/).filter((word) => word !== '')
    return [moduleName(file), { file, needs }] as const
  })
  return new Map(entries)
}

function readLines(file: string): string[] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
}

/** File names may have dashes; module names in the kernel have underscores. */
function moduleName(file: string): string {
  return path
    .basename(file)
    .replace(/\.ko(?:\.\w+)?$/, '')
    .replaceAll('-', '_')
}

/** The bytes of a module, decompressed. */
export async function readModule(file: string): Promise<Buffer> {
  const tool = file.endsWith('.xz') ? 'xz' : file.endsWith('.zst') ? 'zstd' : file.endsWith('.gz') ? 'gzip' : undefined
  if (tool === undefined) return readFileSync(file)
  const { stdout } = await execute(tool, ['-dc', '--', file], { encoding: 'buffer', maxBuffer: 1 << 28 })
  return stdout
}
