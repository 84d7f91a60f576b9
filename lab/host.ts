// Properties of the host, and the programs that the lab needs on it.

import { spawnSync } from 'node:child_process'
import { accessSync, constants, readFileSync } from 'node:fs'
import path from 'node:path'

/** A failure whose message explains it completely: shown without a stack. */
export class LabUsageError extends Error {
  override readonly name = 'LabUsageError'
}

interface HostTool {
  readonly program: string
  readonly debianPackage: string
}

/** Which programs are needed: to boot with an engine or, with `setup`, to prepare a kernel for it as well. */
export interface ToolNeeds {
  readonly engine: 'qemu' | 'uml'
  readonly setup: boolean
}

const bootTools: Record<ToolNeeds['engine'], readonly HostTool[]> = {
  qemu: [{ program: 'qemu-system-x86_64', debianPackage: 'qemu-system-x86' }],
  uml: [],
}

const commonTools: readonly HostTool[] = [
  { program: 'setpriv', debianPackage: 'util-linux' },
  { program: 'flock', debianPackage: 'util-linux' },
]

/** To prepare one of Debian's kernels. */
const setupTools: readonly HostTool[] = [
  { program: 'apt-get', debianPackage: 'apt' },
  { program: 'dpkg-deb', debianPackage: 'dpkg' },
  { program: 'depmod', debianPackage: 'kmod' },
  { program: 'xz', debianPackage: 'xz-utils' },
]

/** To compile a kernel. */
const compileTools: readonly HostTool[] = [
  // The package brings the C compiler and the headers of its library.
  { program: 'g++', debianPackage: 'g++' },
  { program: 'make', debianPackage: 'make' },
  { program: 'flex', debianPackage: 'flex' },
  { program: 'bison', debianPackage: 'bison' },
  { program: 'bc', debianPackage: 'bc' },
]

function toolsFor({ engine, setup }: ToolNeeds): HostTool[] {
  const preparing = engine === 'uml' ? [...setupTools, ...compileTools] : setupTools
  return [...bootTools[engine], ...commonTools, ...(setup ? preparing : [])]
}

/** Finds a program in the PATH or the sbin folders, which an ordinary user's PATH often lacks. */
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

/** Fields of os-release(5); empty if there is no such file. IPVS_LAB_OS_RELEASE overrides its path. */
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

/** Debian, or a derivative with apt. */
export function isDebianLike(osRelease: ReadonlyMap<string, string>): boolean {
  const names = new Set([osRelease.get('ID'), ...(osRelease.get('ID_LIKE') ?? '').split(' ')])
  return names.has('debian') || names.has('ubuntu')
}

export function isRoot(): boolean {
  return process.geteuid?.() === 0
}

/** Throws unless the lab's kernels support this machine's architecture. */
export function checkArchitecture(): void {
  if (process.arch === 'x64') return
  throw new LabUsageError(
    `the lab boots x86_64 kernels on x86_64 hosts; this host is ${process.arch}. ` +
      'Tests run directly on a host with root and IPVS in its kernel: IPVS_LAB=direct',
  )
}

/** Installs missing programs; throws if that is not possible. */
export function ensureTools(needs: ToolNeeds, say: (line: string) => void): void {
  const missing = toolsFor(needs).filter((tool) => findProgram(tool.program) === undefined)
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

/** Help for machines on which the lab cannot download a kernel. */
export function otherSystemHelp(): string {
  return [
    'the lab prepares its kernels with apt, so its setup works on Debian and Ubuntu only. On another system install',
    'qemu-system-x86_64, a static busybox, util-linux and xz, and name a kernel, the running one for example:',
    '  export IPVS_LAB_KERNEL=/boot/vmlinuz-$(uname -r)',
    '  export IPVS_LAB_MODULES=/lib/modules/$(uname -r)',
  ].join('\n')
}

function installPackages(packages: readonly string[]): void {
  const environment = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  // Nothing may go to stdout, which belongs to the command of the lab.
  const apt = (...args: string[]): boolean =>
    spawnSync('apt-get', ['-q', ...args], { env: environment, stdio: ['ignore', 2, 2] }).status === 0
  const policy = spawnSync('apt-cache', ['policy', ...packages], {
    encoding: 'utf8',
    env: { ...environment, LC_ALL: 'C' },
  })
  const candidates = policy.stdout.match(/^ {2}Candidate: (?!\(none\))/gm) ?? []
  if (candidates.length < packages.length) apt('update')
  const install = ['install', '-y', '--no-install-recommends', ...packages]
  // Outdated lists name versions that no longer exist.
  if (apt(...install)) return
  apt('update')
  apt(...install)
}
