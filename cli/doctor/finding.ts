// What `ipvs doctor` says: findings, each with what to do about it.

/** `bad`: does not work; `risk`: works until something happens; `good`: as it should be. */
export type Level = 'good' | 'risk' | 'bad'

export interface Finding {
  readonly level: Level
  /** Stays the same when the words change; docs/doctor.md lists all of them. */
  readonly code: string
  /** What is so, in one sentence. */
  readonly what: string
  /** Why it matters. */
  readonly why?: string
  /** Commands for a shell, to be carried out one after the other. */
  readonly fix?: readonly string[]
}

interface Problem {
  readonly what: string
  readonly why: string
  /** Absent where no command of this machine helps; `why` says then what does. */
  readonly fix?: string | readonly string[]
}

const problem = (level: Level, code: string, { what, why, fix }: Problem): Finding => ({
  level,
  code,
  what,
  why,
  ...(fix === undefined ? {} : { fix: [fix].flat() }),
})

export const bad = (code: string, told: Problem): Finding => problem('bad', code, told)
export const risk = (code: string, told: Problem): Finding => problem('risk', code, told)
export const good = (code: string, what: string): Finding => ({ level: 'good', code, what })

/** The command that sets sysctls. */
export function setSysctl(values: Readonly<Record<string, number | string>>): string {
  const settings = Object.entries(values).map(([name, value]) => `${name}=${value}`)
  return `sysctl -w ${settings.join(' ')}`
}
