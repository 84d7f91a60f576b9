// Statistics of repetitions.

export interface Spread {
  readonly median: number
  readonly min: number
  readonly max: number
  /** Number of repetitions. */
  readonly count: number
}

export function median(values: readonly number[]): number {
  if (values.length === 0) throw new RangeError('no values')
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle] as number
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] as number) + upper) / 2
}

export function spread(values: readonly number[]): Spread {
  return { median: median(values), min: Math.min(...values), max: Math.max(...values), count: values.length }
}

/** Formats with three significant digits. */
export function digits(value: number): string {
  if (value === 0) return '0'
  return value >= 100 ? String(Math.round(value)) : String(Number(value.toPrecision(3)))
}
