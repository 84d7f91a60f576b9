// Durations as people write them: `5s`, `200ms`, `1h30m`.

export const DAY: number = 24 * 60 * 60 * 1000
const unitMs: Readonly<Record<string, number>> = { d: DAY, h: 3_600_000, m: 60_000, s: 1000, ms: 1 }

/** The milliseconds of `1h30m`; `undefined` for other texts. */
export function parseDuration(text: string): number | undefined {
  if (!durationPattern.test(text)) return undefined
  let sum = 0
  for (const [, number, unit] of text.matchAll(/(\d+)(ms|[dhms])/g))
    sum += Number(number) * (unitMs[unit as string] as number)
  return sum
}

export const durationPattern: RegExp = /^(?=\d)(?:\d+d)?(?:\d+h)?(?:\d+m)?(?:\d+s)?(?:\d+ms)?$/

/** As it is written in a file: the largest unit without a rest. */
export function durationText(ms: number): string {
  const unit = (['d', 'h', 'm', 's'] as const).find((name) => ms % (unitMs[name] as number) === 0) ?? 'ms'
  return `${ms / (unitMs[unit] as number)}${unit}`
}
