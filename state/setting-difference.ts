// Compares daemons and timeouts.
import { isDeepStrictEqual } from 'node:util'
import type { SyncDaemon, Timeouts } from 'ipvs'
import type { Change } from './change.ts'
import type { CheckedList, DaemonForm } from './checked.ts'
import { daemonKeyText } from './entries.ts'
import type { Parts, Prunes } from './service-difference.ts'
import type { State } from './state.ts'

// Without `maxLength` in the desired daemon, any value is right.
function isSameDaemon(there: SyncDaemon, wanted: DaemonForm): boolean {
  const { maxLength, ...rest } = there
  return isDeepStrictEqual(wanted.maxLength === undefined ? rest : there, wanted) && maxLength !== undefined
}

const row = (daemon: SyncDaemon) => ({ kind: 'daemon', key: daemonKeyText(daemon), daemon }) as const

/** The changes of daemons: stops in `goes`, starts in `comes`. */
export function daemonDifference(
  current: readonly SyncDaemon[],
  wanted: CheckedList<DaemonForm> | undefined,
  prunes: Prunes,
): Parts {
  const parts: { comes: Change[]; goes: Change[] } = { comes: [], goes: [] }
  if (wanted === undefined) return parts
  const roles = new Set<string>()
  for (const daemon of wanted.rows) {
    roles.add(daemon.role)
    const there = current.find(({ role }) => role === daemon.role)
    if (there !== undefined && isSameDaemon(there, daemon)) continue
    if (there !== undefined) parts.goes.push({ ...row(there), action: 'remove' })
    parts.comes.push({ ...row(daemon), action: 'add' })
  }
  for (const daemon of wanted.unclear ? [] : current) {
    if (!roles.has(daemon.role) && prunes(row(daemon))) parts.goes.push({ ...row(daemon), action: 'remove' })
  }
  return parts
}

/** The change of timeouts, if any. */
export function timeoutChanges(current: Partial<Timeouts>, wanted: State['timeouts'] = {}): Change[] {
  const names = (Object.keys(wanted) as (keyof Timeouts)[]).filter(
    (name) => wanted[name] !== undefined && wanted[name] !== current[name],
  )
  if (names.length === 0) return []
  const only = (all: Partial<Timeouts>) =>
    Object.fromEntries(names.map((name) => [name, all[name]])) as Partial<Timeouts>
  return [
    { kind: 'timeouts', action: 'update', key: 'timeouts', timeouts: only(wanted as Timeouts), from: only(current) },
  ]
}
