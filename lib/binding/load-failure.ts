// Explains why the addon cannot be loaded, with a fix.
import { closeSync, openSync, readSync } from 'node:fs'

/** An attempt to load the addon: the file, if found, and the platform. */
export interface LoadAttempt {
  readonly file: string | undefined
  /** `process.arch`. */
  readonly arch: string
  readonly libc: 'glibc' | 'musl'
}

// Node.js names of processors, by e_machine of ELF headers.
const machines: Readonly<Record<number, string>> = {
  0x03: 'ia32',
  0x28: 'arm',
  0x3e: 'x64',
  0xb7: 'arm64',
  0xf3: 'riscv64',
}
const MACHINE_AT = 18

/** The processor of an ELF file; `undefined` for any other file. Throws if the file cannot be read. */
export function processorOf(file: string): string | undefined {
  const header = Buffer.alloc(20)
  const descriptor = openSync(file, 'r')
  try {
    if (readSync(descriptor, header) < header.length || header.readUInt32BE(0) !== 0x7f454c46) return undefined
  } finally {
    closeSync(descriptor)
  }
  const machine = header.readUInt16LE(MACHINE_AT)
  return machines[machine] ?? `machine ${machine}`
}

const rebuild = 'see "Building from source" in README.md'

/** The problem and its fix, in one paragraph. */
export function loadProblem({ file, arch, libc }: LoadAttempt, cause: unknown): string {
  const code = cause instanceof Error ? (cause as NodeJS.ErrnoException).code : undefined
  const text = (cause instanceof Error ? cause.message : String(cause)).trim().replaceAll(/\s*\n\s*/g, '; ')
  if (code === 'ERR_DLOPEN_DISABLED' || code === 'ERR_ACCESS_DENIED') {
    return `native addons are forbidden in this process (${text}). Start Node.js without --no-addons, and with --allow-addons where --permission is given`
  }
  if (file === undefined)
    return `there is no native build for linux-${arch} (${libc}): ${text}. To make one, ${rebuild}`
  return `${file} cannot be loaded: ${fileProblem(file, arch, text.replaceAll(`${file}: `, ''))}`
}

function fileProblem(file: string, arch: string, text: string): string {
  const missing = /version [`'"]?((?:GLIBC|GLIBCXX|CXXABI)_[\d.]+)/.exec(text)?.[1]
  if (missing !== undefined) {
    const library = missing.startsWith('GLIBC_') ? 'C library (glibc)' : 'C++ library (libstdc++)'
    return `it needs ${missing}, and the ${library} of this system is older (${text}). Use a newer system, or build it here: ${rebuild}`
  }
  const processor = readable(file)
  if (processor instanceof Error) return `${processor.message}. Check its permissions, or install the package again`
  if (processor === undefined) return `it is damaged: no ELF file (${text}). Install the package again`
  if (processor !== arch)
    return `it is built for ${processor}, and this is ${arch}. Install the package on this machine again`
  return `${text}. Install the package again, or build it here: ${rebuild}`
}

function readable(file: string): string | undefined | Error {
  try {
    return processorOf(file)
  } catch (error) {
    return error as Error
  }
}
