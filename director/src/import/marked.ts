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

const protocols: ReadonlySet<MarkRule['protocol']> = new Set(['tcp', 'udp', 'sctp'])

function virtualOf({
  address,
  protocol,
  ports = 'all',
  source,
  mask,
  interface: device,
}: MarkRule): VirtualTree | string {
  const condition = source ?? device ?? mask
  if (condition !== undefined) return `only packets with ${condition} get it`
  if (!protocols.has(protocol)) return `protocol ${protocol}`
  const given = typeof ports === 'object' ? ports : [ports]
  return {
    address,
    protocol: protocol as VirtualTree['protocol'],
    ...shortPorts(ports === 'all' ? 'all' : given),
  }
}

const isActiveFtp = (rule: NatRule): boolean =>
  rule.action === 'masquerade' && Array.isArray(rule.sourcePorts) && rule.sourcePorts.includes(20)

/** Reads the output of iptables-save or `nft -j list ruleset`. */
export function markedVirtuals(text: string): Marked {
  const { marks, nat, remarks } = readPacketFilter(text)
  const marked = new Map<number, VirtualTree[]>()
  const more: { line: number; text: string }[] = []
  for (const rule of marks) {
    const virtual = virtualOf(rule)
    const mark = Number(rule.mark)
    if (typeof virtual === 'string')
      more.push({ line: 1, text: `mark ${mark} of ${rule.address}: ${virtual}: no virtual of a site` })
    else marked.set(mark, [...(marked.get(mark) ?? []), virtual])
  }
  return { marked, activeFtp: nat.some(isActiveFtp), remarks: [...remarks, ...more] }
}
