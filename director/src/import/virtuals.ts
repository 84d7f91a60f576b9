// What clients connect to, in the shortest spelling.
import type { VirtualTree } from './imported.ts'

/** One is no list. */
export function oneOrList<Item>(items: readonly Item[]): Item | readonly Item[] {
  return items.length === 1 ? (items[0] as Item) : items
}

/** `port` for one, `ports` for several. */
export function shortPorts(ports: 'all' | readonly (number | string)[]): Pick<VirtualTree, 'port' | 'ports'> {
  const [first] = ports
  return ports !== 'all' && ports.length === 1 && typeof first === 'number' ? { port: first } : { ports }
}

/** The ports and ranges of all. */
export function portsOf(given: VirtualTree | readonly VirtualTree[]): readonly (number | string)[] {
  const all = 'address' in given ? [given] : given
  return [...new Set(all.flatMap(({ port, ports = port ?? 'all' }) => ports))]
}

/** Ports of one address and protocol together. */
export function joinPorts(
  given: readonly { readonly address: string; readonly protocol: VirtualTree['protocol']; readonly port: number }[],
): VirtualTree | readonly VirtualTree[] {
  const groups = new Map<string, { first: (typeof given)[number]; ports: Set<number> }>()
  for (const each of given) {
    const key = `${each.protocol} ${each.address}`
    const group = groups.get(key) ?? { first: each, ports: new Set() }
    groups.set(key, group)
    group.ports.add(each.port)
  }
  const virtuals = [...groups.values()].map(({ first: { address, protocol }, ports }): VirtualTree => {
    return { address, protocol, ...shortPorts([...ports]) }
  })
  return oneOrList(virtuals)
}
