// Findings of `ipvs doctor`, with their fixes.

/** `bad`: does not work; `risk`: fails under some condition; `good`: no problem. */
export type Level = 'good' | 'risk' | 'bad'

export interface Finding {
  readonly level: Level
  /** Stable, unlike the sentences; docs/doctor.md lists all codes. */
  readonly code: string
  /** The problem, in one sentence. */
  readonly what: string
  /** The consequence. */
  readonly why?: string
  /** Shell commands, to be run in this order. */
  readonly fix?: readonly string[]
}

interface Problem {
  readonly what: string
  readonly why: string
  /** Absent if no command on this machine helps; then `why` names the fix. */
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
export const risk = (code: string, sentences: Problem): Finding => problem('risk', code, sentences)
export const good = (code: string, what: string): Finding => ({ level: 'good', code, what })

/** The command that sets sysctls. */
export function setSysctl(values: Readonly<Record<string, number | string>>): string {
  const settings = Object.entries(values).map(([name, value]) => `${name}=${value}`)
  return `sysctl -w ${settings.join(' ')}`
}
