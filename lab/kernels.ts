// The kernels of the lab. Four series, because they behave differently: 5.10 is the oldest supported and lacks tunnel checksum
// options and cgroup.kill, 6.1 and 6.12 are in common use, newest is the future. uml has the sources of newest and runs without
// an emulator.

import type { Engine, KernelFiles } from './engine.ts'
import { LabUsageError } from './host.ts'
import { qemuEngine } from './qemu.ts'
import { umlEngine } from './uml.ts'

/** A name accepted by `--kernel`. */
export type KernelName = '5.10' | '6.1' | '6.12' | 'newest' | 'uml'

/** Where Debian publishes a series. */
export interface KernelSource {
  readonly name: KernelName
  /** Suites of the main archive; the kernel is of the first one, even where another has a higher version. */
  readonly suites: readonly string[]
  /** Suites of the security archive; they may be gone for an old release. */
  readonly securitySuites: readonly string[]
  readonly summary: string
  readonly engine: Engine
}

export const defaultKernel: KernelName = '6.1'

export const kernelSources: readonly KernelSource[] = [
  {
    name: '5.10',
    suites: ['bullseye'],
    securitySuites: ['bullseye-security'],
    summary: 'Debian 11, the oldest series supported',
    engine: qemuEngine,
  },
  {
    name: '6.1',
    suites: ['bookworm'],
    securitySuites: ['bookworm-security'],
    summary: 'Debian 12, the default',
    engine: qemuEngine,
  },
  {
    name: '6.12',
    suites: ['bookworm-backports', 'bookworm'],
    securitySuites: [],
    summary: 'Debian 13, from the backports to 12',
    engine: qemuEngine,
  },
  {
    name: 'newest',
    suites: ['sid'],
    securitySuites: [],
    summary: 'the current kernel of Debian unstable',
    engine: qemuEngine,
  },
  {
    name: 'uml',
    suites: ['sid'],
    securitySuites: [],
    summary: 'the same, compiled for User-Mode Linux: no emulator, several times as fast',
    engine: umlEngine,
  },
]

/** Looks a series up; the error message lists the accepted names. */
export function kernelSource(name: string): KernelSource {
  const source = kernelSources.find((candidate) => candidate.name === name)
  if (source === undefined) {
    throw new LabUsageError(
      `unknown kernel "${name}": known are ${kernelSources.map((known) => known.name).join(', ')}`,
    )
  }
  return source
}

/** A kernel on this host's disk, ready to boot. */
export interface LabKernel extends KernelFiles {
  /** Its name in messages: a KernelName, or "custom". */
  readonly name: string
  /** Its `uname -r`. */
  readonly release: string
  readonly engine: Engine
}
