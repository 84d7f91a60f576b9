// What a virtual_server of keepalived stands for: an address with a port, a mark, or the members of a group.
import type { Remarks } from './imported.ts'
import { Statements, type Statement } from './keepalived-tree.ts'

export type Member =
  { readonly address: string; readonly port: number } | { readonly mark: number; readonly family: 'ipv4' | 'ipv6' }

const MOST_ADDRESSES = 256

/** `192.0.2.1-10`, or `192.0.2.1-192.0.2.10`: the last part counts. */
function addressesOf(text: string): readonly string[] {
  const [, head = '', first = '', end = ''] = /^(.*[.:])([\da-f]+)-(?:.*[.:])?([\da-f]+)$/i.exec(text) ?? []
  if (head === '') return [text]
  const base = head.includes(':') ? 16 : 10
  const [from, to] = [Number.parseInt(first, base), Number.parseInt(end, base)]
  const count = Math.min(Math.max(to - from + 1, 1), MOST_ADDRESSES)
  return Array.from({ length: count }, (_, index) => head + (from + index).toString(base))
}

/** The members of one line: `IP PORT` or `fwmark N [inet6]`. */
function membersOf(words: readonly string[], line: number, remarks: Remarks, v6: boolean): readonly Member[] {
  const [first = '', second = '', third = ''] = words
  if (first === 'fwmark') {
    const mark = Number(second)
    if (Number.isInteger(mark) && mark > 0) return [{ mark, family: third === 'inet6' || v6 ? 'ipv6' : 'ipv4' }]
  } else if (/^[\da-fA-F.:-]+$/.test(first) && /^\d*$/.test(second)) {
    return addressesOf(first).map((address) => ({ address, port: Number(second) }))
  }
  remarks.add('lost', line, `${words.join(' ')}: no address with port, and no mark`)
  return []
}

/** The members of a virtual_server. */
export function serviceMembers(
  service: Statement,
  groups: ReadonlyMap<string, Statement>,
  remarks: Remarks,
): readonly Member[] {
  const words = service.words.slice(1)
  const isV6 = new Statements(service).text('ip_family') === 'inet6'
  if (words[0] !== 'group') return membersOf(words, service.line, remarks, isV6)
  const group = groups.get(words[1] ?? '')
  if (group?.children === undefined) {
    remarks.add('lost', service.line, `virtual_server_group ${words[1] ?? ''} is not there`)
    return []
  }
  return group.children.flatMap(({ words: member, line }) => membersOf(member, line, remarks, isV6))
}
