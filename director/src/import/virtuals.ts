// What clients connect to, in the shortest spelling.
import type { ImportContext, Remarks, ServiceTree, VirtualTree } from './imported.ts'

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

/** What the packet filter marks with a mark, of one family. `undefined`: it marks nothing, which is remarked. */
export function virtualsOfMark(
  context: ImportContext,
  remarks: Remarks,
  { mark, isV6, line }: { readonly mark: number; readonly isV6: boolean; readonly line: number },
): ServiceTree['virtual'] | undefined {
  const own = (context.marked.get(mark) ?? []).filter(({ address }) => address.includes(':') === isV6)
  if (own.length > 0) return oneOrList(own)
  const text = `mark ${mark}: which packets get it is said by the packet filter; give its rules with --rules: left out`
  remarks.add('lost', line, text)
  return undefined
}

/** A scheduler in the spelling of a site: fallback is the default of mh and sh. */
export function schedulerTree(name: string, fallback: boolean, port: boolean): ServiceTree['scheduler'] {
  if ((name !== 'sh' && name !== 'mh') || (fallback && !port)) return name
  return { name, ...(fallback ? {} : { fallback }), ...(port ? { port } : {}) }
}
