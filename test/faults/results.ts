// What runs leave behind: lines of shards, and the totals of a kernel as they are stored.
import type { Attempt, Trouble } from './attempt.ts'
import type { faultClass } from './faults.ts'

interface About {
  readonly position: number
  readonly scenario: string
  readonly fault: string
  readonly class: ReturnType<typeof faultClass>
}

export type ShardLine = (About & { readonly state: 'begun' }) | (About & { readonly state: 'ended' } & Attempt)

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
