// Where the tests on a kernel run.

import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { isRoot, LabUsageError } from '../../lab/host.ts'

/** Where jobs run: on the kernel of this host, in an emulated machine, or on a kernel that is a program of this host. */
export type LabMode = (typeof modes)[number]
const modes = ['direct', 'qemu', 'uml'] as const

/** "direct" for root on a host with ip_vs, else "qemu"; IPVS_LAB overrides. */
export function chooseMode(): LabMode {
  const wanted = process.env['IPVS_LAB'] ?? ''
  const named = modes.find((mode) => mode === wanted)
  if (named !== undefined) return named
  if (wanted !== '') throw new LabUsageError(`IPVS_LAB must be one of ${modes.join(', ')}, not "${wanted}"`)
  const loaded = existsSync('/proc/net/ip_vs')
  if (isRoot() && (loaded || spawnSync('modprobe', ['-n', '-q', 'ip_vs']).status === 0)) return 'direct'
  return 'qemu'
}

/** Labs that work beside each other: one for each of up to two cores. This host's own kernel is shared: only one. */
export function labCount(): number {
  return chooseMode() === 'direct' ? 1 : Math.min(2, availableParallelism())
}
