// Which packets a packet filter marks, as virtuals of a site.
import type { MarkRule, NatRule } from 'ipvs'
import { readPacketFilter } from 'ipvs/state'
import type { VirtualTree } from './imported.ts'
import { shortPorts } from './virtuals.ts'

/** Virtuals by mark, and the rules that are no virtuals. */
export interface Marked {
  readonly marked: ReadonlyMap<number, readonly VirtualTree[]>
  /** Connections from the servers' port 20 are masqueraded. */
  readonly activeFtp: boolean
  readonly remarks: readonly { readonly line: number; readonly text: string }[]
}

const protocols = ['tcp', 'udp', 'sctp'] as const

/** The virtuals of a rule, or why there is none. All protocols are TCP and UDP. */
function virtualsOf({ address, protocol, ports = 'all', ...conditions }: MarkRule): readonly VirtualTree[] | string {
  const condition = conditions.source ?? conditions.interface ?? conditions.mask
  if (condition !== undefined) return `only packets with ${condition} get it`
  if (protocol === 'all')
    return [
      { address, protocol: 'tcp', ports: 'all' },
      { address, protocol: 'udp', ports: 'all' },
    ]
  const known = protocols.find((name) => name === protocol)
  if (known === undefined) return `the protocol is ${protocol}`
  return [{ address, protocol: known, ...shortPorts(typeof ports === 'object' || ports === 'all' ? ports : [ports]) }]
}

const key = ({ address, protocol }: VirtualTree): string => `${protocol} ${address}`

/** Without those that another one with all ports contains. */
function widest(virtuals: readonly VirtualTree[]): readonly VirtualTree[] {
  const all = new Map(virtuals.filter(({ ports }) => ports === 'all').map((each) => [key(each), each]))
  return virtuals.filter((each) => (all.get(key(each)) ?? each) === each)
}

const isActiveFtp = (rule: NatRule): boolean =>
  rule.action === 'masquerade' && Array.isArray(rule.sourcePorts) && rule.sourcePorts.includes(20)

/** Reads the output of iptables-save or `nft -j list ruleset`. */
export function markedVirtuals(text: string): Marked {
  const { marks, nat, remarks } = readPacketFilter(text)
  const marked = new Map<number, readonly VirtualTree[]>()
  const more: { line: number; text: string }[] = []
  for (const rule of marks) {
    const virtuals = virtualsOf(rule)
    const mark = Number(rule.mark)
    if (typeof virtuals === 'string')
      more.push({ line: 1, text: `mark ${mark} of ${rule.address}: ${virtuals}: left out` })
    else marked.set(mark, widest([...(marked.get(mark) ?? []), ...virtuals]))
    if (rule.protocol === 'all')
      more.push({ line: 1, text: `mark ${mark} of ${rule.address}: of all protocols TCP and UDP` })
  }
  return { marked, activeFtp: nat.some(isActiveFtp), remarks: [...remarks, ...more] }
}
