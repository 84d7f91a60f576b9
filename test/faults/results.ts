// What runs leave behind: lines of shards, and the totals of a kernel as they are stored.
import type { Attempt, Trouble } from './attempt.ts'
import type { faultClass } from './faults.ts'

interface About {
  /** Among the faults of its scenario. */
  readonly index: number
  readonly scenario: string
  readonly fault: string
  readonly class: ReturnType<typeof faultClass>
}

export type ShardLine =
  | { readonly state: 'counted'; readonly scenario: string; readonly faults: number }
  | (About & { readonly state: 'begun' })
  | (About & { readonly state: 'ended' } & Attempt)
  | { readonly state: 'done' }

/** One of `every` faults of a scenario are to be tried: which, and from where on. */
export interface ShardOrder {
  readonly scenario: string
  readonly every: number
  readonly first: number
  readonly skip: number
}

export interface Finding {
  readonly trouble: Trouble | 'crash' | 'broken'
  readonly scenario: string
  readonly fault: string
  readonly text: string
}

export interface Totals {
  injected: Record<About['class'], number>
  outcomes: Record<string, number>
  /** Longest time beyond what is documented, of all promises. */
  overtimeMs: number
}

/** Of one part of the run: a kind of trial and what it found. */
export interface PartResult {
  readonly name: string
  readonly figures: Readonly<Record<string, number>>
  readonly findings: readonly Finding[]
}

export interface KernelResult {
  readonly kernel: string
  readonly release: string
  readonly whole: boolean
  readonly seconds: number
  readonly parts: readonly PartResult[]
}
