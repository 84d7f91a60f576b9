// The kernels the lab knows. Four series, because the answers differ: 5.10 has neither the tunnel checksum options of later
// kernels nor cgroup.kill, 6.1 and 6.12 are what people run, newest is what they will run.

import { LabUsageError } from './host.ts'

/** A name accepted by `--kernel`. */
export type KernelName = '5.10' | '6.1' | '6.12' | 'newest'

/** Where Debian publishes a series. */
export interface KernelSource {
  readonly name: KernelName
  /** Suites of the main archive; the kernel is of the first one, even where another has a higher version. */
  readonly suites: readonly string[]
  /** Suites of the security archive; they may be gone for an old release. */
  readonly securitySuites: readonly string[]
  readonly summary: string
}

export const defaultKernel: KernelName = '6.1'

export const kernelSources: readonly KernelSource[] = [
  {
    name: '5.10',
    suites: ['bullseye'],
    securitySuites: ['bullseye-security'],
    summary: 'Debian 11, the oldest series supported',
  },
  {
    name: '6.1',
    suites: ['bookworm'],
    securitySuites: ['bookworm-security'],
    summary: 'Debian 12, the default',
  },
  {
    name: '6.12',
    suites: ['bookworm-backports', 'bookworm'],
    securitySuites: [],
    summary: 'Debian 13, from the backports to 12',
  },
  { name: 'newest', suites: ['sid'], securitySuites: [], summary: 'whatever Debian unstable ships today' },
]

/** Looks a series up; the message of the failure lists what would have been accepted. */
export function kernelSource(name: string): KernelSource {
  const source = kernelSources.find((candidate) => candidate.name === name)
  if (source === undefined) {
    throw new LabUsageError(
      `unknown kernel "${name}": known are ${kernelSources.map((known) => known.name).join(', ')}`,
    )
  }
  return source
}

/** A kernel on this host's disk, ready to be booted. */
export interface LabKernel {
  /** What to call it in messages: a KernelName, or "custom". */
  readonly name: string
  /** `uname -r` of it. */
  readonly release: string
  /** The compressed image. */
  readonly image: string
  /** Becomes /lib/modules/<release> in the guest. */
  readonly modules: string
  readonly initrd: string
}
