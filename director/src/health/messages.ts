// Messages between the main thread and its worker threads.
import type { Check } from '../site/site.ts'
import type { ProbeResult, ProbeTarget } from './probes/probe.ts'
import type { ProberBatch } from './prober.ts'
import type { Target } from './targets.ts'

export type ToWorker =
  | { readonly type: 'targets'; readonly add: readonly Target[]; readonly remove: readonly string[] }
  /** One probe now, with its transcript, outside of the schedule. */
  | { readonly type: 'once'; readonly id: number; readonly check: Check; readonly target: ProbeTarget }
  /** The worker closes everything and ends by itself. */
  | { readonly type: 'stop' }

export type FromWorker =
  /** `cap`: probes in flight at once. */
  | { readonly type: 'ready'; readonly cap: number }
  /** Sent when something has changed, and at least once a second: it is the sign of life. */
  | { readonly type: 'batch'; readonly batch: ProberBatch }
  | { readonly type: 'once'; readonly id: number; readonly result: ProbeResult }
