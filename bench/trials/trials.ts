// The trials, as data.
import type { Table } from './table.ts'

/** A piece of work. The phases of a trial run in one process, one after the other, and are measured separately. */
export type Phase =
  | 'add'
  | 'update'
  | 'removeDestinations'
  | 'remove'
  | 'list'
  | 'listVisited'
  | 'listConsistent'
  | 'snapshot'
  | 'snapshotVisited'
  | 'snapshotConsistent'
  | 'single'

/** The measured property of a phase: its seconds, the longest pause of the event loop, or memory. */
export type Probe = 'seconds' | 'delay' | 'memory'

export const driverNames = [
  'batch',
  'warm',
  'tick',
  'awaited',
  'ours',
  'loop',
  'restore',
  'each',
  'ipvsadm',
  'idle',
  'limit',
] as const
export type DriverName = (typeof driverNames)[number]

export interface Trial {
  readonly name: string
  readonly title: string
  readonly table: (n: number) => Table
  /** Default values of N. */
  readonly sizes: readonly number[]
  /** N is fixed: --sizes does not apply. */
  readonly fixed?: boolean
  /** Phases that the limit program runs beforehand. */
  readonly prepared?: readonly Phase[]
  readonly phases: readonly Phase[]
  readonly probe: Probe
  readonly drivers: readonly DriverName[]
  /** The driver that ratios refer to. */
  readonly reference: DriverName
}

const writers = ['batch', 'warm', 'tick', 'awaited', 'loop', 'restore', 'each', 'limit'] as const

// A single patch lists all destinations of its service: ten thousand patches list a hundred million destinations.
const writersOfOneService = writers.filter((name) => name !== 'awaited')

const services = (keys: Table['keys'], destinations: number) => (n: number) => ({
  keys,
  services: n,
  destinations,
  scheduler: 'rr',
})
const oneService = (scheduler: string) => (n: number) => ({
  keys: 'tcp' as const,
  services: 1,
  destinations: n,
  scheduler,
})

export const trials: readonly Trial[] = [
  {
    name: 'services-tcp',
    title: 'N tcp services (VIP:port), each with one destination',
    table: services('tcp', 1),
    sizes: [100, 1000, 10_000, 50_000],
    phases: ['add', 'remove'],
    probe: 'seconds',
    drivers: writers,
    reference: 'limit',
  },
  {
    name: 'services-mark',
    title: 'N services by firewall mark, each with one destination',
    table: services('mark', 1),
    sizes: [1000, 10_000, 50_000],
    phases: ['add', 'remove'],
    probe: 'seconds',
    drivers: writers,
    reference: 'limit',
  },
  {
    name: 'destinations-rr',
    title: 'N destinations in one service, rr',
    table: oneService('rr'),
    sizes: [1000, 10_000],
    phases: ['add', 'update', 'removeDestinations'],
    probe: 'seconds',
    drivers: writersOfOneService,
    reference: 'limit',
  },
  {
    name: 'destinations-mh',
    title: 'N destinations in one service, mh (the kernel computes its table anew for each change)',
    table: oneService('mh'),
    sizes: [1000, 10_000],
    phases: ['add', 'update', 'removeDestinations'],
    probe: 'seconds',
    drivers: writersOfOneService,
    reference: 'limit',
  },
  {
    name: 'weights',
    title: 'New weights for N destinations, ten in a service',
    table: (n) => ({ keys: 'tcp', services: Math.ceil(n / 10), destinations: 10, scheduler: 'wrr' }),
    sizes: [1000, 10_000],
    prepared: ['add'],
    phases: ['update'],
    probe: 'seconds',
    drivers: writers,
    reference: 'limit',
  },
  {
    name: 'list',
    title: 'List N services that have two destinations each, without these',
    table: services('tcp', 2),
    sizes: [1000, 10_000, 50_000],
    prepared: ['add'],
    phases: ['list', 'listVisited', 'listConsistent'],
    probe: 'seconds',
    drivers: ['ours', 'limit'],
    reference: 'limit',
  },
  {
    name: 'snapshot',
    title: 'Read N services with their two destinations each',
    table: services('tcp', 2),
    sizes: [1000, 10_000],
    prepared: ['add'],
    phases: ['snapshot', 'snapshotVisited', 'snapshotConsistent'],
    probe: 'seconds',
    drivers: ['ours', 'ipvsadm', 'limit'],
    reference: 'limit',
  },
  {
    name: 'single',
    title: 'One operation by itself: median of adding and removing one service, again and again',
    table: services('mark', 0),
    sizes: [1],
    fixed: true,
    phases: ['single'],
    probe: 'seconds',
    drivers: ['awaited', 'each', 'limit'],
    reference: 'limit',
  },
  {
    name: 'delay',
    title: 'Longest pause of the event loop meanwhile, in milliseconds',
    table: services('tcp', 1),
    sizes: [10_000],
    phases: ['add', 'list', 'snapshot', 'remove'],
    probe: 'delay',
    drivers: ['batch', 'tick', 'awaited', 'idle'],
    reference: 'idle',
  },
  {
    name: 'memory',
    title: 'Bytes for each row (service or destination) beyond the input: peak of the process, and what stays',
    table: services('tcp', 1),
    sizes: [50_000],
    phases: ['add', 'list', 'snapshot', 'remove'],
    probe: 'memory',
    drivers: ['batch', 'tick'],
    reference: 'batch',
  },
]

/** The number of items of a phase: the services and destinations that it writes or reads. */
export function itemsOf(phase: Phase, { services: count, destinations }: Table): number {
  switch (phase) {
    case 'add':
    case 'snapshot':
    case 'snapshotVisited':
    case 'snapshotConsistent':
      return count * (destinations + 1)
    case 'update':
    case 'removeDestinations':
      return count * destinations
    case 'single':
      return 1
    default:
      return count
  }
}
