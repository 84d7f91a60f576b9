// Scripts that other programs use as checks: what they ask, and whether they say the opposite of it.

/** The question of a script that calls dig(1). */
export interface DnsQuestion {
  readonly query: string
  readonly type: string
  readonly [key: string]: unknown
}

/**
 * Whether the script counts matches with `grep -c` and prints `good` when there is none. A sample of the classic guides does,
 * and many scripts are copies of it.
 */
export function isInverted(script: string, good: string): boolean {
  const counted = /(\w+)=[`$(]+[^\n]*grep\s+(?:-\w+\s+)*-\w*c/.exec(script)?.[1]
  if (counted === undefined) return false
  const branch = new RegExp(
    String.raw`if\s+\[+\s*"?\$\{?${counted}\}?"?\s+(!=|-ne|-eq|-gt|-ge|==?)\s+["']?(\d+)["']?\s*\]+\s*;?\s*then\s+(?:echo|printf)\s+["']?(\w+)`,
  ).exec(script)
  if (branch === null) return false
  const [, comparison = '', number, printed] = branch
  const isNot = comparison === '!=' || comparison === '-ne'
  const whenFound = comparison.startsWith('-g') || isNot === (number === '0')
  return (printed === good) !== whenFound
}

/** What the script asks DNS; `undefined`: it does not call dig, or asks for what a variable says. */
export function dnsQuestion(script: string): DnsQuestion | undefined {
  const words = /\bdig\s+([^|`)\n]+)/.exec(script)?.[1]?.trim().split(/\s+/)
  if (words === undefined) return undefined
  const flagged = words.indexOf('-t')
  const typeAt = flagged < 0 ? undefined : flagged + 1
  const rest = words.filter((word, index) => !/^[@+-]/.test(word) && index !== typeAt)
  const [query = '', ...others] = rest
  const type = flagged < 0 ? others.find((word) => /^[A-Za-z]+$/.test(word)) : words[flagged + 1]
  if (!/^[A-Za-z0-9_.-]+$/.test(query)) return undefined
  return { query, type: (type ?? 'A').toUpperCase() }
}
