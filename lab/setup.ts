// Provides a kernel: from Debian's packages, stored in the cache, or from the environment variables.

import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { mkdir, rename } from 'node:fs/promises'
import path from 'node:path'
import { cacheFolder, unfinishedFolder, withLock } from './cache.ts'
import {
  checkArchitecture,
  ensureTools,
  findProgram,
  isDebianLike,
  LabUsageError,
  otherSystemHelp,
  readOsRelease,
} from './host.ts'
import { fetchPackages } from './fetch.ts'
import { ensureInitrd } from './initrd.ts'
import { kernelSource, type KernelSource, type LabKernel } from './kernels.ts'
import { keepModules } from './modules.ts'
import { say } from './progress.ts'
import { qemuEngine } from './qemu.ts'
import { buildUml } from './uml-build.ts'
import { umlConfiguration } from './uml-config.ts'

/** A kernel ready to boot; prepares it on first use. */
export async function ensureKernel(name: string): Promise<LabKernel> {
  const source = kernelSource(name)
  checkArchitecture()
  const folder = kernelFolder(source)
  const ready = existsSync(path.join(folder, 'kernel.json'))
  if (!ready) await prepare(source, folder)
  else ensureTools({ engine: source.engine.name, setup: false }, say)
  return openKernel(source, folder)
}

/** A compiled kernel has a folder for each configuration. */
function kernelFolder(source: KernelSource): string {
  if (source.engine.name !== 'uml') return path.join(cacheFolder(), source.name)
  const hash = createHash('sha256').update(umlConfiguration.join('\n')).digest('hex')
  return path.join(cacheFolder(), `${source.name}-${hash.slice(0, 16)}`)
}

/** The kernel of IPVS_LAB_KERNEL and IPVS_LAB_MODULES; undefined if they are not set. */
export async function customKernel(): Promise<LabKernel | undefined> {
  const image = process.env['IPVS_LAB_KERNEL']
  const modules = process.env['IPVS_LAB_MODULES']
  if (image === undefined && modules === undefined) return undefined
  if (image === undefined || modules === undefined) {
    throw new LabUsageError('set both IPVS_LAB_KERNEL (a vmlinuz) and IPVS_LAB_MODULES (its lib/modules/<release>)')
  }
  for (const file of [image, modules]) {
    if (!existsSync(file)) throw new LabUsageError(`${file} does not exist`)
  }
  checkArchitecture()
  ensureTools({ engine: 'qemu', setup: false }, say)
  const busybox = findProgram('busybox')
  if (busybox === undefined) throw new LabUsageError('the lab needs a static busybox (Debian: busybox-static)')
  const engine = qemuEngine
  const release = path.basename(path.resolve(modules))
  const folder = path.join(cacheFolder(), 'custom', release)
  await mkdir(folder, { recursive: true })
  const initrd = await ensureInitrd(engine, folder, modules, busybox)
  return { name: 'custom', release, engine, image: path.resolve(image), modules: path.resolve(modules), initrd }
}

async function openKernel({ name, engine }: KernelSource, folder: string): Promise<LabKernel> {
  const { release } = JSON.parse(readFileSync(path.join(folder, 'kernel.json'), 'utf8')) as { release: string }
  const modules = path.join(folder, 'lib/modules', release)
  const initrd = await ensureInitrd(engine, folder, modules, path.join(folder, 'busybox'))
  const image = path.join(folder, engine.name === 'uml' ? 'linux' : 'vmlinuz')
  return { name, release, engine, image, modules, initrd }
}

async function prepare(source: KernelSource, folder: string): Promise<void> {
  if (!isDebianLike(readOsRelease())) throw new LabUsageError(otherSystemHelp())
  const onWait = (): void => say(`another lab is preparing kernel ${source.name}; waiting for it`)
  await withLock('setup', onWait, async () => {
    if (existsSync(path.join(folder, 'kernel.json'))) return
    say(`preparing kernel ${source.name} (${source.summary}); this happens once`)
    ensureTools({ engine: source.engine.name, setup: true }, say)
    const work = unfinishedFolder(path.basename(folder))
    try {
      const release = await build(source, work)
      await rename(work, folder)
      say(`kernel ${source.name} is Linux ${release}`)
    } finally {
      rmSync(work, { recursive: true, force: true })
    }
  })
}

/** Fills `work` with the kernel, busybox, lib/modules/<release> and kernel.json. Returns the release. */
async function build(source: KernelSource, work: string): Promise<string> {
  const unpacked = path.join(work, 'unpacked')
  const compiled = source.engine.name === 'uml'
  const packages = await fetchPackages(source, unpacked, (apt) =>
    compiled ? apt.sourcePackages() : apt.kernelPackages(),
  )
  const release = await (compiled ? buildUml(unpacked, work) : collect(unpacked, work))
  keepBusybox(unpacked, work)
  const names = packages.map((item) => `${item.name} ${item.version}`)
  writeFileSync(path.join(work, 'kernel.json'), `${JSON.stringify({ release, packages: names }, undefined, 2)}\n`)
  rmSync(unpacked, { recursive: true })
  return release
}

/** Moves the files for a guest from the unpacked packages to their places. */
async function collect(unpacked: string, work: string): Promise<string> {
  const { image, release } = findImage(unpacked)
  const folders = moduleRoots.map((root) => path.join(unpacked, root, release))
  const modules = folders.find((folder) => existsSync(path.join(folder, 'kernel')))
  if (modules === undefined) throw new Error(`the packages contain no modules of ${release}`)
  renameSync(image, path.join(work, 'vmlinuz'))
  await keepModules(modules, path.join(work, 'lib/modules', release))
  return release
}

function keepBusybox(unpacked: string, work: string): void {
  const programs = ['bin/busybox', 'usr/bin/busybox'].map((name) => path.join(unpacked, name))
  const busybox = programs.find((file) => existsSync(file))
  if (busybox === undefined) throw new Error('the package busybox-static contains no busybox')
  renameSync(busybox, path.join(work, 'busybox'))
}

const moduleRoots = ['lib/modules', 'usr/lib/modules']

/** boot/vmlinuz-<release>, or in the split packages usr/lib/modules/<release>/vmlinuz. */
function findImage(unpacked: string): { image: string; release: string } {
  const boot = path.join(unpacked, 'boot')
  const name = (existsSync(boot) ? readdirSync(boot) : []).find((file) => file.startsWith('vmlinuz-'))
  if (name !== undefined) return { image: path.join(boot, name), release: name.replace('vmlinuz-', '') }
  for (const root of moduleRoots.map((folder) => path.join(unpacked, folder))) {
    for (const release of existsSync(root) ? readdirSync(root) : []) {
      const image = path.join(root, release, 'vmlinuz')
      if (existsSync(image)) return { image, release }
    }
  }
  throw new Error('the packages contain no kernel image')
}
