// Orders of operators: checked, kept, told.
import { readFile } from 'node:fs/promises'
import { drainRefusal } from '../desired/candidate.ts'
import type { Override, ServerId } from '../desired/inputs.ts'
import { holds, serverId, withOverride, withoutOverride } from '../desired/overrides.ts'
import type { Site } from '../site/site.ts'
import { ControlError } from './control-error.ts'
import type { Events } from './events.ts'
import type { OverrideRequest } from './status.ts'
import type { Store } from './store.ts'

/** The servers that the target of an override names. */
export function targetsOf({ services }: Site, target: string): ServerId[] {
  const ids = services.flatMap(({ name, servers }) =>
    servers.map((server) => ({ id: serverId(name, server.name), server: server.name })),
  )
  return ids.filter(({ id, server }) => id === target || server === target).map(({ id }) => id)
}

function checkTarget(site: Site, target: string): void {
  if (targetsOf(site, target).length > 0) return
  const names = [...new Set(site.services.flatMap(({ servers }) => servers.map(({ name }) => name)))]
  throw new ControlError(404, `the site has no server ${target}; there are ${names.slice(0, 20).join(', ')}`)
}

/** Refuses a drain that one of the target's services cannot have. */
function checkDrain(site: Site, { target }: OverrideRequest): void {
  const ids = new Set(targetsOf(site, target))
  for (const service of site.services) {
    const refusal = drainRefusal(service)
    if (refusal === undefined || !service.servers.some(({ name }) => ids.has(serverId(service.name, name)))) continue
    throw new ControlError(409, `${service.name}: ${refusal}`)
  }
}

/** Whether the kernel ends connections whose destination is out of the table, which `stickiness: move` does for moments. */
async function endsConnections(sysctl: string): Promise<boolean> {
  try {
    return (await readFile(sysctl, 'utf8')).trim() !== '0'
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false // IPVS is not loaded: no connections
    throw error
  }
}

/** Refuses a drain that would end connections. `sysctl`: the file of `expire_nodest_conn`. */
export async function checkMove(
  site: Site,
  { target, stickiness }: Pick<OverrideRequest, 'target' | 'stickiness'>,
  sysctl = '/proc/sys/net/ipv4/vs/expire_nodest_conn',
): Promise<void> {
  const ids = new Set(targetsOf(site, target))
  const moving = site.services.find(
    ({ name, servers, persistence, drain }) =>
      persistence !== undefined &&
      (stickiness ?? drain.stickiness) === 'move' &&
      servers.some((server) => ids.has(serverId(name, server.name))),
  )
  if (moving === undefined || !(await endsConnections(sysctl))) return
  const fix = 'set the sysctl to 0, or drain with stickiness keep'
  throw new ControlError(
    409,
    `${moving.name}: moving its clients would end its connections, because net.ipv4.vs.expire_nodest_conn is not 0; ${fix}`,
  )
}

/** Keeps an override. Resolves with what was told, when it is on the disk. Throws `ControlError`. */
export async function addOrder(store: Store, events: Events, site: Site, request: OverrideRequest): Promise<string> {
  const { kind, target, who, why, until, stickiness, waitMs, afterwards } = request
  checkTarget(site, target)
  if (kind === 'drain') {
    checkDrain(site, request)
    await checkMove(site, request)
  }
  const since = Date.now()
  const drain = {
    ...(stickiness === undefined ? {} : { stickiness }),
    ...(waitMs === undefined ? {} : { waitMs }),
    // oxlint-disable-next-line unicorn/no-thenable -- a text, as in the site file
    ...(afterwards === undefined ? {} : { then: afterwards }),
  }
  const added: Override = { kind, target, who, why, since, until, ...(kind === 'drain' ? { drain } : {}) }
  await store.update(({ overrides }) => ({ overrides: withOverride(overrides, added) }))
  const told = `${target}: ${kind} by ${who}${why === '' ? '' : `: ${why}`}`
  events.add(since, 'info', 'override', told, target)
  return told
}

/** Ends the override of a target. Resolves with what was told, when that is on the disk. Throws `ControlError`. */
export async function endOrder(store: Store, events: Events, target: string, who: string): Promise<string> {
  const now = Date.now()
  const ended = store.kept.overrides.find((each) => each.target === target && holds(each, now))
  if (ended === undefined) throw new ControlError(404, `${target} has no override`)
  await store.update(({ overrides }) => ({ overrides: withoutOverride(overrides, target, now) }))
  const told = `${target}: ${ended.kind} ended by ${who}`
  events.add(now, 'info', 'override', told, target)
  return told
}
