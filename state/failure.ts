// Changes that failed, and the reasons.
import { IpvsError, type IpvsErrorCode, type Outcome } from 'ipvs'
import { changeText } from './change-text.ts'
import type { Change } from './change.ts'

/**
 * `refused`: by the kernel, or by a check before sending. `lost-race`: another program changed the same object after the state
 * was read; read it again. `dependency`: not tried, because a change before it failed. `ended`: not tried, because the call
 * ended early.
 */
export type FailureReason = 'refused' | 'lost-race' | 'dependency' | 'ended'

/** A change that failed. */
export interface ChangeFailure {
  /** Its index in `Changes.list`. */
  readonly index: number
  /** The change. */
  readonly change: Change
  /** The kind of failure. */
  readonly reason: FailureReason
  /** `unknown`: it may have been applied, for instance after a timeout. `applied`: it was, but temporary rules may remain. */
  readonly outcome: Exclude<Outcome, 'partial'>
  /** The error of the call. With `dependency` and `ended`: the error of the change or event that is the reason. */
  readonly error: IpvsError
  /** Change, reason and error in one line. */
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

// The other program's action, if the error shows a lost race.
function raceOf({ kind, action }: Change, { code, errno, attribute = '' }: IpvsError): string | undefined {
  const areRules = kind === 'mark' || kind === 'nat'
  // The transaction was made for the rules that were read; the table now has other rules.
  if (areRules && code === 'ERR_IPVS_INVALID_ARGUMENT' && errno === undefined && attribute.startsWith('changes.'))
    return 'changed the rules'
  const done = races[code]?.[action]
  return kind === 'destination' && code === 'ERR_IPVS_SERVICE_NOT_FOUND' ? 'removed its service' : done
}

/** The failure of a change that was sent or checked. */
export function failureOf(index: number, change: Change, error: IpvsError): ChangeFailure {
  const race = raceOf(change, error)
  const outcome = error.outcome === 'partial' ? 'unknown' : error.outcome
  const text = race === undefined ? '' : `lost a race, somebody else ${race} after the state was read: `
  const message = `${changeText(change)}: ${text}${error.message}`
  return { index, change, reason: race === undefined ? 'refused' : 'lost-race', outcome, error, message }
}

/** The failure of a change that was not tried. */
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

/** Whether every other change would fail with the same error. */
export function isGeneral({ code }: IpvsError): boolean {
  return general.has(code)
}
