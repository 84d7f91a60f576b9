// What changed, as events.
import type { Health } from '../desired/inputs.ts'
import type { Events } from './events.ts'
import type { LoadedSite } from './site-file.ts'

export function tellLoaded(events: Events, { site, warnings, refused }: LoadedSite): void {
  const now = Date.now()
  events.add(now, 'info', 'site-loaded', `${site.services.length} services`)
  for (const warning of warnings) events.add(now, 'warning', 'site-loaded', warning)
  if (refused.length > 0) {
    events.add(now, 'error', 'site-refused', `the last good site is in use:\n${refused.join('\n')}`)
  }
}

export function tellHealth(events: Events, before: Health, after: Health): void {
  for (const [id, { state, since, reason }] of after) {
    const was = before.get(id)?.state ?? 'unknown'
    if (state === was) continue
    const words = reason === '' ? '' : `: ${reason}`
    events.add(since, state === 'down' ? 'warning' : 'info', 'health', `${id}: ${was} -> ${state}${words}`, id)
  }
}

export function tellAlarms(events: Events, before: readonly string[], after: readonly string[]): void {
  const now = Date.now()
  for (const each of after) if (!before.includes(each)) events.add(now, 'error', 'alarm', each)
  for (const each of before) if (!after.includes(each)) events.add(now, 'info', 'alarm-over', each)
}
