// Counts and durations of probes, for metrics.
import type { ProbeResult, Verdict } from './probes/probe.ts'

/** Upper ends of the buckets, in milliseconds; the last bucket has no end. */
export const durationBuckets: readonly number[] = [1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000]

/** Of one kind of check, since the last batch. */
export interface KindCounts {
  readonly verdicts: Record<Verdict, number>
  /** Successes by duration; one more than {@link durationBuckets}. */
  readonly durations: number[]
  /** Milliseconds of all successes. */
  sum: number
}

export class Counters {
  #kinds: Record<string, KindCounts> = {}

  count(kind: string, result: ProbeResult): void {
    const counts = (this.#kinds[kind] ??= newCounts())
    counts.verdicts[result.verdict] += 1
    if (result.verdict !== 'success') return
    const { connect = 0, tls = 0, firstByte = 0, body = 0 } = result.phases
    const duration = connect + tls + firstByte + body
    const bucket = durationBuckets.findIndex((end) => duration <= end)
    const index = bucket < 0 ? durationBuckets.length : bucket
    counts.durations[index] = (counts.durations[index] ?? 0) + 1
    counts.sum += duration
  }

  /** Everything since the last call. */
  take(): Readonly<Record<string, KindCounts>> {
    const kinds = this.#kinds
    this.#kinds = {}
    return kinds
  }
}

function newCounts(): KindCounts {
  const durations = Array.from({ length: durationBuckets.length + 1 }, () => 0)
  return { verdicts: { success: 0, failure: 0, void: 0 }, durations, sum: 0 }
}
