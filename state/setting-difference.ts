// Compares daemons and timeouts.
import { isDeepStrictEqual } from 'node:util'
import type { SyncDaemon, Timeouts } from 'ipvs'
import type { Change } from './change.ts'
import type { CheckedList, DaemonForm } from './checked.ts'
import { daemonKeyText } from './entries.ts'
import type { Parts, Prunes } from './service-difference.ts'
import type { State } from './state.ts'

// Without `maxLength` in the desired daemon, any value is right.
function isSameDaemon(existing: SyncDaemon, desired: DaemonForm): boolean {
  const { maxLength, ...rest } = existing
  return isDeepStrictEqual(desired.maxLength === undefined ? rest : existing, desired) && maxLength !== undefined
}

const row = (daemon: SyncDaemon) => ({ kind: 'daemon', key: daemonKeyText(daemon), daemon }) as const

/** The changes of daemons: stops in `removed`, starts in `written`. */
export function daemonDifference(
  current: readonly SyncDaemon[],
  desired: CheckedList<DaemonForm> | undefined,
  prunes: Prunes,
): Parts {
  const parts: { written: Change[]; removed: Change[] } = { written: [], removed: [] }
  if (desired === undefined) return parts
  const roles = new Set<string>()
  for (const daemon of desired.rows) {
    roles.add(daemon.role)
    const existing = current.find(({ role }) => role === daemon.role)
    if (existing !== undefined && isSameDaemon(existing, daemon)) continue
    if (existing !== undefined) parts.removed.push({ ...row(existing), action: 'remove' })
    parts.written.push({ ...row(daemon), action: 'add' })
  }
  for (const daemon of desired.unclear ? [] : current) {
    if (!roles.has(daemon.role) && prunes(row(daemon))) parts.removed.push({ ...row(daemon), action: 'remove' })
  }
  return parts
}

/** The change of timeouts, if any. */
export function timeoutChanges(current: Partial<Timeouts>, desired: State['timeouts'] = {}): Change[] {
  const names = (Object.keys(desired) as (keyof Timeouts)[]).filter(
    (name) => desired[name] !== undefined && desired[name] !== current[name],
  )
  if (names.length === 0) return []
  const only = (all: Partial<Timeouts>) =>
    Object.fromEntries(names.map((name) => [name, all[name]])) as Partial<Timeouts>
  return [
    { kind: 'timeouts', action: 'update', key: 'timeouts', timeouts: only(desired as Timeouts), from: only(current) },
  ]
}
