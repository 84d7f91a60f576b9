// Fetches a kernel's packages from the first mirror that has them, and unpacks them.

import { execFile } from 'node:child_process'
import { readdirSync, rmSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import { LabApt, type DebianPackage } from './apt.ts'
import { LabUsageError, readOsRelease } from './host.ts'
import type { KernelSource } from './kernels.ts'
import { mirrorCandidates } from './mirror.ts'
import { say, showDownload } from './progress.ts'

const execute = promisify(execFile)

/** Unpacks the packages named by `find`, and busybox, into the folder `unpacked`. Resolves with the named packages. */
export async function fetchPackages(
  source: KernelSource,
  unpacked: string,
  find: (apt: LabApt) => Promise<DebianPackage[]>,
): Promise<readonly DebianPackage[]> {
  const aptFolder = `${unpacked}.apt`
  const { apt, packages } = await findPackages(source, aptFolder, find)
  const busybox = await apt.describe('busybox-static')
  const wanted = [...packages, busybox]
  const total = wanted.reduce((sum, item) => sum + item.sizeBytes, 0)
  const label = `${packages[0]?.name ?? 'kernel'} ${packages[0]?.version ?? ''}`
  await showDownload(label, apt.packageFolder, total, apt.download(wanted))
  for (const file of readdirSync(apt.packageFolder)) {
    if (file.endsWith('.deb')) await execute('dpkg-deb', ['-x', path.join(apt.packageFolder, file), unpacked])
  }
  rmSync(aptFolder, { recursive: true })
  return packages
}

/** Tries one mirror after the other until one knows the kernel. */
async function findPackages(
  source: KernelSource,
  folder: string,
  find: (apt: LabApt) => Promise<DebianPackage[]>,
): Promise<{ apt: LabApt; packages: readonly DebianPackage[] }> {
  const osRelease = readOsRelease()
  const codename = osRelease.get('ID') === 'debian' ? osRelease.get('VERSION_CODENAME') : undefined
  const complaints: string[] = []
  for (const mirrors of mirrorCandidates(codename)) {
    rmSync(folder, { recursive: true, force: true })
    await mkdir(folder, { recursive: true })
    const apt = new LabApt(folder, source, mirrors)
    const complaint = await apt.update()
    const packages = await find(apt)
    if (packages.length > 0) {
      // Without the security suite the kernel lacks the newest fixes, but works.
      if (complaint !== '') say(`some indexes could not be read, continuing: ${withoutPasswords(complaint)}`)
      return { apt, packages }
    }
    complaints.push(complaint === '' ? `no kernel in ${source.suites.join(', ')}` : complaint)
  }
  throw new LabUsageError(
    `cannot find kernel ${source.name} on any mirror:\n${withoutPasswords(complaints.join('\n'))}`,
  )
}

function withoutPasswords(text: string): string {
  return text.replaceAll(/:\/\/[^/@\s]*@/g, '://***@')
}
