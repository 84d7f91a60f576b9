// Which server needs which probe target: equal probes run once for all of them. Pure.
import { isIPv6 } from 'node:net'
import type { ServerId } from '../desired/inputs.ts'
import type { Check, CheckRule, Site } from '../site/site.ts'
import type { ProbeTarget } from './probes/probe.ts'
import { type Target, probeKey } from './targets.ts'

/** Where a probe with `via: service` goes: the virtual address, with the mark of the server's private service. */
export type DataPath = (id: ServerId) => ProbeTarget | undefined

export interface Subscription {
  readonly id: ServerId
  readonly rule: CheckRule
  /** The key of each check's target, in the order of the checks. `undefined`: nowhere to go. */
  readonly keys: readonly (string | undefined)[]
}

export interface Subscriptions {
  readonly servers: ReadonlyMap<ServerId, Subscription>
  readonly targets: ReadonlyMap<string, Target>
  /** Key to the servers that need the target. */
  readonly subscribers: ReadonlyMap<string, readonly ServerId[]>
  /** Key of the brake's control target. */
  readonly control: string | undefined
  /** How many different servers the site has, by name. */
  readonly names: number
}

/** `site`: with all servers, also from DNS and files. */
export function subscriptionsOf(site: Site, dataPath: DataPath): Subscriptions {
  const servers = new Map<ServerId, Subscription>()
  const targets = new Map<string, Target>()
  const subscribers = new Map<string, ServerId[]>()
  const names = new Set<string>()
  const add = (check: Check, target: ProbeTarget, everyResult: boolean): string => {
    const key = probeKey(check, target)
    if (everyResult || !targets.has(key)) targets.set(key, { key, check, target, known: undefined, everyResult })
    return key
  }
  for (const service of site.services) {
    for (const server of service.servers) {
      const id: ServerId = `${service.name}/${server.name}`
      const rule = server.checks ?? service.checks
      names.add(server.name)
      const keys = rule.checks.map((check) => {
        const target = targetOf(check, server, check.via === 'service' ? dataPath(id) : undefined)
        return target === undefined ? undefined : add(check, target, false)
      })
      servers.set(id, { id, rule, keys })
      for (const key of new Set(keys)) if (key !== undefined) push(subscribers, key, id)
    }
  }
  const control = site.control === undefined ? undefined : targetOf(site.control, undefined, undefined)
  const controlKey = site.control === undefined || control === undefined ? undefined : add(site.control, control, true)
  return { servers, targets, subscribers, control: controlKey, names: names.size }
}

function push(lists: Map<string, ServerId[]>, key: string, id: ServerId): void {
  const list = lists.get(key)
  if (list === undefined) lists.set(key, [id])
  else list.push(id)
}

/** A file is the same for all servers; any other probe goes to an address. */
function targetOf(
  check: Check,
  server: { readonly address: string } | undefined,
  path: ProbeTarget | undefined,
): ProbeTarget | undefined {
  if (check.via === 'service') return path
  const address = check.kind === 'file' ? '127.0.0.1' : (check.address ?? server?.address)
  return address === undefined ? undefined : { address, family: isIPv6(address) ? 'ipv6' : 'ipv4', mark: undefined }
}
