// Why a change was not carried out.
import { IpvsError, type IpvsErrorCode, type Outcome } from 'ipvs'
import { changeText } from './change-text.ts'
import type { Change } from './change.ts'

/**
 * Why: `refused` by the kernel or before it was sent; `lost-race`, somebody else changed the same thing after the state was
 * read, so read it again; `dependency`, something that it needs has failed, or would be missed; `ended`, nothing was carried
 * out any more.
 */
export type FailureReason = 'refused' | 'lost-race' | 'dependency' | 'ended'

/** A change that was not carried out. */
export interface ChangeFailure {
  /** Its place among the changes. */
  readonly index: number
  readonly change: Change
  readonly reason: FailureReason
  /** `unknown`: nobody can say whether it was carried out; `applied`: it was, and temporary rules of it may have stayed. */
  readonly outcome: Exclude<Outcome, 'partial'>
  /** What the kernel or the handle said; with `dependency` and `ended`, what it said of something else. */
  readonly error: IpvsError
  /** All of that in one line. */
  readonly message: string
}

const races: Partial<Record<IpvsErrorCode, Partial<Record<Change['action'], string>>>> = {
  ERR_IPVS_SERVICE_EXISTS: { add: 'added it' },
  ERR_IPVS_DESTINATION_EXISTS: { add: 'added it' },
  ERR_IPVS_DAEMON_EXISTS: { add: 'started it' },
  ERR_IPVS_DAEMON_NOT_RUNNING: { remove: 'stopped it' },
  ERR_IPVS_DESTINATION_NOT_FOUND: { update: 'removed it', remove: 'removed it' },
  ERR_IPVS_SERVICE_NOT_FOUND: { add: 'removed its service', update: 'removed it', remove: 'removed it' },
  ERR_IPVS_CONFLICT: { add: 'kept changing it', update: 'kept changing it', remove: 'kept changing it' },
}

// What somebody else must have done, if somebody has.
function raceOf({ kind, action }: Change, { code, errno, attribute = '' }: IpvsError): string | undefined {
  const areRules = kind === 'mark' || kind === 'nat'
  // Rules were compared with those that were read: now others are there.
  if (areRules && code === 'ERR_IPVS_INVALID_ARGUMENT' && errno === undefined && attribute.startsWith('changes.'))
    return 'changed the rules'
  const done = races[code]?.[action]
  return kind === 'destination' && code === 'ERR_IPVS_SERVICE_NOT_FOUND' ? 'removed its service' : done
}

/** A change that failed by itself. */
export function failureOf(index: number, change: Change, error: IpvsError): ChangeFailure {
  const race = raceOf(change, error)
  const outcome = error.outcome === 'partial' ? 'unknown' : error.outcome
  const text = race === undefined ? '' : `lost a race, somebody else ${race} after the state was read: `
  const message = `${changeText(change)}: ${text}${error.message}`
  return { index, change, reason: race === undefined ? 'refused' : 'lost-race', outcome, error, message }
}

/** A change that was not tried. */
export function untried(
  index: number,
  change: Change,
  error: IpvsError,
  reason: 'dependency' | 'ended',
  why: string,
): ChangeFailure {
  const message = `${changeText(change)}: not tried, ${why}: ${error.message}`
  return { index, change, reason, outcome: 'not-applied', error, message }
}

const general = new Set<IpvsErrorCode>(['ERR_IPVS_ABORTED', 'ERR_IPVS_CLOSED', 'ERR_IPVS_PERMISSION_DENIED'])

/** Whether it would befall every other change as well. */
export function isGeneral({ code }: IpvsError): boolean {
  return general.has(code)
}
