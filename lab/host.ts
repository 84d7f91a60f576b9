// What kind of machine the lab runs on, and which of its programs it needs.

import { spawnSync } from 'node:child_process'
import { accessSync, constants, readFileSync } from 'node:fs'
import path from 'node:path'

/** A failure that is explained completely by its message: shown without a stack. */
export class LabUsageError extends Error {
  override readonly name = 'LabUsageError'
}

/** Programs the lab calls, with the Debian package each comes from. */
const hostTools: readonly { readonly program: string; readonly debianPackage: string }[] = [
  { program: 'qemu-system-x86_64', debianPackage: 'qemu-system-x86' },
  { program: 'setpriv', debianPackage: 'util-linux' },
  { program: 'flock', debianPackage: 'util-linux' },
]

/** Needed in addition to prepare one of Debian's kernels. */
const setupTools: typeof hostTools = [
  { program: 'apt-get', debianPackage: 'apt' },
  { program: 'dpkg-deb', debianPackage: 'dpkg' },
  { program: 'depmod', debianPackage: 'kmod' },
  { program: 'xz', debianPackage: 'xz-utils' },
]

/** Finds a program the way a root shell would: an ordinary user's PATH often lacks the sbin folders. */
export function findProgram(program: string): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(':'), '/usr/sbin', '/sbin'].filter((folder) => folder !== '')
  return folders.map((folder) => path.join(folder, program)).find(isExecutable)
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** Fields of os-release(5); empty where there is none. IPVS_LAB_OS_RELEASE names another file to read. */
export function readOsRelease(): Map<string, string> {
  let text: string
  try {
    text = readFileSync(process.env['IPVS_LAB_OS_RELEASE'] ?? '/etc/os-release', 'utf8')
  } catch {
    return new Map()
  }
  const lines = text.matchAll(/^([A-Z_]+)=["']?(.*?)["']?$/gm)
  return new Map(Array.from(lines, (match) => [match[1] ?? '', match[2] ?? '']))
}

/** Debian itself, or something made from it that has apt. */
export function isDebianLike(osRelease: ReadonlyMap<string, string>): boolean {
  const names = new Set([osRelease.get('ID'), ...(osRelease.get('ID_LIKE') ?? '').split(' ')])
  return names.has('debian') || names.has('ubuntu')
}

export function isRoot(): boolean {
  return process.geteuid?.() === 0
}

/** Throws unless this is a machine whose processor the lab's kernels are made for. */
export function checkArchitecture(): void {
  if (process.arch === 'x64') return
  throw new LabUsageError(
    `the lab boots x86_64 kernels on x86_64 hosts; this one is ${process.arch}. ` +
      'Tests run directly on a host with root and IPVS in its kernel: IPVS_LAB=direct',
  )
}

/** Makes sure that what a boot (and, if asked, a setup) calls is installed; installs it where that is possible. */
export function ensureTools(needs: { readonly setup: boolean }, say: (line: string) => void): void {
  const wanted = needs.setup ? [...hostTools, ...setupTools] : hostTools
  const missing = wanted.filter((tool) => findProgram(tool.program) === undefined)
  if (missing.length === 0) return
  const programs = missing.map((tool) => tool.program).join(', ')
  const packages = [...new Set(missing.map((tool) => tool.debianPackage))]
  const manual = `apt-get install --no-install-recommends ${packages.join(' ')}`
  if (!isDebianLike(readOsRelease())) {
    throw new LabUsageError(`${otherSystemHelp()}\nThis machine also lacks the programs ${programs}.`)
  }
  if (!isRoot()) throw new LabUsageError(`the lab needs ${programs}. As root: ${manual}`)
  say(`installing ${packages.join(', ')}`)
  installPackages(packages)
  const still = missing.filter((tool) => findProgram(tool.program) === undefined)
  if (still.length > 0) throw new LabUsageError(`could not install what the lab needs. Try: ${manual}`)
}

/** What to do on a machine where the lab cannot fetch a kernel by itself. */
export function otherSystemHelp(): string {
  return [
    'the lab prepares its kernels with apt, so by itself it works on Debian and Ubuntu only. On another system install',
    'qemu-system-x86_64, a static busybox, util-linux and xz, and name a kernel, the running one for example:',
    '  export IPVS_LAB_KERNEL=/boot/vmlinuz-$(uname -r)',
    '  export IPVS_LAB_MODULES=/lib/modules/$(uname -r)',
  ].join('\n')
}

function installPackages(packages: readonly string[]): void {
  const environment = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  // Nothing of it may get onto stdout: that belongs to the command which the lab is going to run.
  const apt = (...args: string[]): boolean =>
    spawnSync('apt-get', ['-q', ...args], { env: environment, stdio: ['ignore', 2, 2] }).status === 0
  const policy = spawnSync('apt-cache', ['policy', ...packages], {
    encoding: 'utf8',
    env: { ...environment, LC_ALL: 'C' },
  })
  const candidates = policy.stdout.match(/^ {2}Candidate: (?!\(none\))/gm) ?? []
  if (candidates.length < packages.length) apt('update')
  const install = ['install', '-y', '--no-install-recommends', ...packages]
  // Lists that are too old name versions which are gone.
  if (apt(...install)) return
  apt('update')
  apt(...install)
}
