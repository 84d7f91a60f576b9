// Provides a kernel: from Debian's packages, stored in the cache, or from the environment variables.

import { execFile } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { mkdir, rename } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import { LabApt, type DebianPackage } from './apt.ts'
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
import { ensureInitrd } from './initrd.ts'
import { kernelSource, type KernelSource, type LabKernel } from './kernels.ts'
import { mirrorCandidates } from './mirror.ts'
import { keepModules } from './modules.ts'
import { say, showDownload } from './progress.ts'

const execute = promisify(execFile)

/** A kernel ready to boot; prepares it on first use. */
export async function ensureKernel(name: string): Promise<LabKernel> {
  const source = kernelSource(name)
  checkArchitecture()
  const folder = path.join(cacheFolder(), source.name)
  const ready = existsSync(path.join(folder, 'kernel.json'))
  if (!ready) await prepare(source, folder)
  else ensureTools({ setup: false }, say)
  return openKernel(source.name, folder)
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
  ensureTools({ setup: false }, say)
  const busybox = findProgram('busybox')
  if (busybox === undefined) throw new LabUsageError('the lab needs a static busybox (Debian: busybox-static)')
  const release = path.basename(path.resolve(modules))
  const folder = path.join(cacheFolder(), 'custom', release)
  await mkdir(folder, { recursive: true })
  const initrd = await ensureInitrd(folder, modules, busybox)
  return { name: 'custom', release, image: path.resolve(image), modules: path.resolve(modules), initrd }
}

async function openKernel(name: string, folder: string): Promise<LabKernel> {
  const { release } = JSON.parse(readFileSync(path.join(folder, 'kernel.json'), 'utf8')) as { release: string }
  const modules = path.join(folder, 'lib/modules', release)
  const initrd = await ensureInitrd(folder, modules, path.join(folder, 'busybox'))
  return { name, release, image: path.join(folder, 'vmlinuz'), modules, initrd }
}

async function prepare(source: KernelSource, folder: string): Promise<void> {
  if (!isDebianLike(readOsRelease())) throw new LabUsageError(otherSystemHelp())
  const onWait = (): void => say(`another lab is preparing kernel ${source.name}; waiting for it`)
  await withLock('setup', onWait, async () => {
    if (existsSync(path.join(folder, 'kernel.json'))) return
    say(`preparing kernel ${source.name} (${source.summary}); this happens once`)
    ensureTools({ setup: true }, say)
    const work = unfinishedFolder(source.name)
    try {
      const release = await build(source, work)
      await rename(work, folder)
      say(`kernel ${source.name} is Linux ${release}`)
    } finally {
      rmSync(work, { recursive: true, force: true })
    }
  })
}

/** Fills `work` with vmlinuz, busybox, lib/modules/<release> and kernel.json. Returns the release. */
async function build(source: KernelSource, work: string): Promise<string> {
  const aptFolder = path.join(work, 'apt')
  const { apt, packages } = await findPackages(source, aptFolder)
  const busybox = await apt.describe('busybox-static')
  const wanted = [...packages, busybox]
  const total = wanted.reduce((sum, item) => sum + item.sizeBytes, 0)
  const label = `${packages[0]?.name ?? 'kernel'} ${packages[0]?.version ?? ''}`
  await showDownload(label, apt.packageFolder, total, apt.download(wanted))
  const unpacked = path.join(work, 'unpacked')
  for (const file of readdirSync(apt.packageFolder)) {
    if (file.endsWith('.deb')) await execute('dpkg-deb', ['-x', path.join(apt.packageFolder, file), unpacked])
  }
  const release = await collect(unpacked, work)
  const names = packages.map((item) => `${item.name} ${item.version}`)
  writeFileSync(path.join(work, 'kernel.json'), `${JSON.stringify({ release, packages: names }, undefined, 2)}\n`)
  for (const folder of [aptFolder, unpacked]) rmSync(folder, { recursive: true })
  return release
}

/** Tries one mirror after the other until one knows the kernel. */
async function findPackages(
  source: KernelSource,
  folder: string,
): Promise<{ apt: LabApt; packages: readonly DebianPackage[] }> {
  const osRelease = readOsRelease()
  const codename = osRelease.get('ID') === 'debian' ? osRelease.get('VERSION_CODENAME') : undefined
  const complaints: string[] = []
  for (const mirrors of mirrorCandidates(codename)) {
    rmSync(folder, { recursive: true, force: true })
    await mkdir(folder, { recursive: true })
    const apt = new LabApt(folder, source, mirrors)
    const complaint = await apt.update()
    const packages = await apt.kernelPackages()
    if (packages.length > 0) {
      // Without the security suite the kernel lacks the newest fixes, but works.
      if (complaint !== '') say(`some indexes could not be read, continuing: ${withoutPasswords(complaint)}`)
      return { apt, packages }
    }
    complaints.push(complaint === '' ? `no linux-image-amd64 in ${source.suites.join(', ')}` : complaint)
  }
  throw new LabUsageError(
    `cannot find kernel ${source.name} on any mirror:\n${withoutPasswords(complaints.join('\n'))}`,
  )
}

function withoutPasswords(text: string): string {
  return text.replaceAll(/:\/\/[^/@\s]*@/g, '://***@')
}

/** Moves the files for a guest from the unpacked packages to their places. */
async function collect(unpacked: string, work: string): Promise<string> {
  const { image, release } = findImage(unpacked)
  const folders = moduleRoots.map((root) => path.join(unpacked, root, release))
  const modules = folders.find((folder) => existsSync(path.join(folder, 'kernel')))
  if (modules === undefined) throw new Error(`the packages contain no modules of ${release}`)
  renameSync(image, path.join(work, 'vmlinuz'))
  await keepModules(modules, path.join(work, 'lib/modules', release))
  const programs = ['bin/busybox', 'usr/bin/busybox'].map((name) => path.join(unpacked, name))
  const busybox = programs.find((file) => existsSync(file))
  if (busybox === undefined) throw new Error('the package busybox-static contains no busybox')
  renameSync(busybox, path.join(work, 'busybox'))
  return release
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
