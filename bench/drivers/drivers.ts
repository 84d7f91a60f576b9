// All drivers. Loads only the used one: loading costs memory, and a second on an emulated CPU.
import type { DriverName } from '../trials/trials.ts'
import type { OpenDriver } from './driver.ts'

export interface DriverEntry {
  readonly title: string
  /** Larger N would take too long. */
  readonly mostItems?: number
  readonly load: () => Promise<OpenDriver>
}

const ours = 'this package, '

export const drivers: Readonly<Record<DriverName, DriverEntry>> = {
  batch: { title: `${ours}one call of batch()`, load: async () => (await import('./ours.ts')).openBatch },
  warm: {
    title: `${ours}one call of batch() in a process that has done it before`,
    load: async () => (await import('./warm.ts')).openWarm,
  },
  tick: {
    title: `${ours}one call for each operation, all in one tick`,
    load: async () => (await import('./ours.ts')).openTick,
  },
  awaited: {
    title: `${ours}one call for each operation, each awaited; N up to 10,000 only`,
    mostItems: 10_000,
    load: async () => (await import('./ours.ts')).openAwaited,
  },
  ours: { title: 'this package', load: async () => (await import('./ours.ts')).openBatch },
  loop: {
    title: "a C program that works as ipvsadm's library does: one request, one acknowledgement",
    load: async () => (await import('./limit.ts')).openLoop,
  },
  restore: {
    title: 'ipvsadm -R with the commands on its standard input, from spawn to exit',
    load: async () => (await import('./ipvsadm.ts')).openRestore,
  },
  each: {
    title: 'a process of ipvsadm for each operation, spawned from Node.js, one after the other; N up to 100 only',
    mostItems: 100,
    load: async () => (await import('./ipvsadm.ts')).openEach,
  },
  ipvsadm: {
    title: 'ipvsadm -Ln with its output thrown away, from spawn to exit',
    load: async () => (await import('./ipvsadm.ts')).openListing,
  },
  idle: { title: 'nothing, for a second', load: async () => (await import('./idle.ts')).openIdle },
  limit: {
    title: 'a C program that sends messages composed beforehand, many in a datagram, with one acknowledgement',
    load: async () => (await import('./limit.ts')).openLimit,
  },
}
