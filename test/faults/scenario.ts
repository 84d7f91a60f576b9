// A scenario: some calls of the product with a promise about the kernel's tables, and who judges it.
import { IpvsError, type FirewallMarks, type Ipvs } from 'ipvs'
import type { Fault } from './control.ts'
import { sameLines, type Lines, type World } from './world.ts'

/** How the calls ended. */
export type Ended = { readonly value: unknown } | { readonly error: unknown }

/** What is known from a run without faults. */
export interface Clean {
  readonly before: Lines
  readonly after: Lines
  readonly value: unknown
}

/** The handles that a scenario uses, opened while faults happen. */
export interface Handles {
  readonly ipvs: Ipvs
  readonly marks: FirewallMarks
}

export interface Scenario {
  readonly name: string
  readonly handles: readonly (keyof Handles)[]
  /** Native calls that may wait for `timeoutMs` one after the other. */
  readonly calls: number
  prepare(world: World): Promise<unknown>
  /** Whether preparing leads to the same from any table, so that nothing has to be cleared first. */
  readonly overwrites?: boolean
  /** Which faults are tried; all of them if absent. */
  faults?(fault: Fault): boolean
  /** `struck` tells whether the fault has happened. */
  run(handles: Handles, struck: () => boolean): Promise<unknown>
  /** Says what was not true of what the calls said. `undefined`: all was. */
  judge(ended: Ended, now: Lines, clean: Clean): string | undefined
}

/** In an emulator that others share most calls end within it. */
export const TIMEOUT_MS: number = Number(process.env['FAULTS_TIMEOUT_MS'] ?? 500)

/** A call that is aborted when the fault has happened. */
export async function abortedWhen<Value>(
  struck: () => boolean,
  call: (signal: AbortSignal) => Promise<Value>,
): Promise<Value> {
  const stop = new AbortController()
  const watch = setInterval(() => struck() && stop.abort(), 5)
  return call(stop.signal).finally(() => clearInterval(watch))
}

const some = (lines: readonly string[]) => `${lines.length} (${lines.slice(0, 3).join('; ')})`

/** What is different, for people. */
export function differenceText(now: Lines, wanted: Lines): string {
  const missing = [...wanted].filter((line) => !now.has(line))
  const besides = [...now].filter((line) => !wanted.has(line))
  return `missing ${some(missing)}, besides ${some(besides)}`
}

export function outcomeOf(ended: Ended): string {
  if (!('error' in ended)) return 'resolved'
  return ended.error instanceof IpvsError ? ended.error.outcome : 'no IpvsError'
}

/** Of a change that is done completely or not at all. */
export function judgeChange(ended: Ended, now: Lines, { before, after }: Clean): string | undefined {
  const outcome = outcomeOf(ended)
  switch (outcome) {
    case 'resolved':
      return sameLines(now, after) ? undefined : `resolved, but ${differenceText(now, after)}`
    case 'not-applied':
      return sameLines(now, before) ? undefined : `not applied, it says, but ${differenceText(now, before)}`
    case 'unknown':
      if (sameLines(now, before) || sameLines(now, after)) return undefined
      return `unknown, and neither as before nor as wished: ${differenceText(now, after)}`
    default:
      return `rejected with ${outcome}: ${String('error' in ended ? ended.error : '')}`
  }
}

/** Of a call that changes nothing. */
export function judgeRead(ended: Ended, now: Lines, { before, value }: Clean): string | undefined {
  if (!sameLines(now, before)) return `a read changed the table: ${differenceText(now, before)}`
  if ('error' in ended) {
    const outcome = outcomeOf(ended)
    return outcome === 'not-applied' ? undefined : `a read that was rejected with ${outcome}`
  }
  const [said, known] = [ended.value, value].map((each) => JSON.stringify(each))
  return said === known ? undefined : `resolved with ${said?.slice(0, 200)}, not with ${known?.slice(0, 200)}`
}
