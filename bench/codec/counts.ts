// Instructions per item: comparison of new counts with stored ones.

export interface Counts {
  /** The compiler version: other versions generate different code. */
  readonly compiler: string
  readonly arch: string
  /** By subject. */
  readonly instructions: Readonly<Record<string, number>>
}

/** Allowed growth. */
export const tolerance = 0.1

/** Instructions per item, from two counts; the constant part, such as the program's start, cancels out. */
export function perItem(small: number, large: number, items: number): number {
  return Math.round(((large - small) / items) * 10) / 10
}

/** Parses the instruction count from callgrind's stderr. */
export function parseCallgrind(output: string): number {
  const found = /Collected\s*:\s*(\d+)/.exec(output)
  if (found === null) throw new Error(`no instruction count in the output of callgrind:\n${output}`)
  return Number(found[1])
}

export interface Comparison {
  readonly subject: string
  readonly stored: number | undefined
  readonly counted: number | undefined
  readonly verdict: 'same' | 'less' | 'more' | 'not stored' | 'gone'
}

function verdictOf(stored: number | undefined, counted: number | undefined): Comparison['verdict'] {
  if (stored === undefined) return 'not stored'
  if (counted === undefined) return 'gone'
  if (counted > stored * (1 + tolerance)) return 'more'
  return counted < stored * (1 - tolerance) ? 'less' : 'same'
}

export function compare(stored: Counts['instructions'], counted: Counts['instructions']): Comparison[] {
  const subjects = [...new Set([...Object.keys(counted), ...Object.keys(stored)])]
  return subjects.map((subject) => ({
    subject,
    stored: stored[subject],
    counted: counted[subject],
    verdict: verdictOf(stored[subject], counted[subject]),
  }))
}

/** A subject without a stored figure fails as well, so that new figures get stored. */
export function passes(comparisons: readonly Comparison[]): boolean {
  return comparisons.every(({ verdict }) => verdict === 'same' || verdict === 'less')
}

export function lineOf({ subject, stored, counted, verdict }: Comparison): string {
  const figure = counted === undefined ? '' : counted.toFixed(1)
  const change =
    stored === undefined || counted === undefined ? '' : `${(((counted - stored) / stored) * 100).toFixed(1)} %`
  return `${subject.padEnd(24)}${figure.padStart(10)}${change.padStart(10)}  ${verdict}`
}
