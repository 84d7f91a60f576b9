// Marks of services and the rules that set them.
import type { MarkRule, NatRule } from 'ipvs'
import type { Memory } from './inputs.ts'
import type { Site, SiteService } from '../site/site.ts'

/** Allocated marks begin here: small marks are what people choose themselves. */
export const FIRST_ALLOCATED_MARK = 10_000

/**
 * The mark of each service with `by: 'mark'`: the file's, or the kept one, or the lowest free one. `taken`: marks of other
 * programs.
 */
export function marksOf(site: Site, memory: Memory, taken: ReadonlySet<number>): ReadonlyMap<string, number> {
  const marked = site.services.filter(({ by }) => by === 'mark')
  const result = new Map<string, number>()
  const used = new Set(taken)
  for (const { name, mark } of marked) {
    if (mark === undefined) continue
    result.set(name, mark)
    used.add(mark)
  }
  // A kept mark stays, even if another program uses it now: changing it would end connections.
  const named = new Set(result.values())
  for (const { name, mark } of marked) {
    const kept = Object.hasOwn(memory.marks, name) ? memory.marks[name] : undefined
    if (mark !== undefined || kept === undefined || named.has(kept)) continue
    result.set(name, kept)
    named.add(kept)
    used.add(kept)
  }
  let next = FIRST_ALLOCATED_MARK
  for (const { name } of marked) {
    if (result.has(name)) continue
    while (used.has(next)) next++
    result.set(name, next)
    used.add(next)
  }
  return result
}

/** The marks to keep: those that the file does not name. */
export function allocatedMarks(site: Site, marks: ReadonlyMap<string, number>): Record<string, number> {
  const allocated = site.services.filter(({ by, mark }) => by === 'mark' && mark === undefined)
  return Object.fromEntries(allocated.map(({ name }) => [name, marks.get(name) as number]))
}

const portText = ({ from, to }: { from: number; to: number }): number | string => (from === to ? from : `${from}-${to}`)

export function markRules(service: SiteService, mark: number): MarkRule[] {
  return service.virtuals.map(({ address, protocol, ports }) => ({
    mark,
    address,
    protocol,
    ports: ports === 'all' ? 'all' : (ports.map(portText) as MarkRule['ports'] & readonly unknown[]),
    comment: service.name,
  }))
}

/** Active FTP with masquerade: data connections of the servers come from port 20. One rule for each address. */
export function ftpRules(services: readonly SiteService[]): NatRule[] {
  const rules = new Map<string, NatRule>()
  for (const { name, ftpActive, servers } of services) {
    for (const { address, forwarding } of servers) {
      if (!ftpActive || forwarding !== 'masquerade' || rules.has(address)) continue
      rules.set(address, { action: 'masquerade', source: address, protocol: 'tcp', sourcePorts: 20, comment: name })
    }
  }
  return [...rules.values()]
}
