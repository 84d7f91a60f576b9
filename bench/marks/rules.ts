// The rules of all drivers, the same as in flood.c: as rules of our API, and as text for nft and iptables.
import type { MarkRule } from 'ipvs'

import { addressAt } from '../trials/table.ts'

interface Rule {
  readonly address: string
  readonly protocol: 'tcp' | 'udp'
  readonly port: number
  readonly mark: number
}

function ruleAt(index: number): Rule {
  const address = addressAt(0x0a400000 /* 10.64.0.0 */, Math.floor(index / 10))
  return { address, protocol: index % 2 === 0 ? 'tcp' : 'udp', port: 80 + 2 * (index % 10), mark: index + 1 }
}

function lines(n: number, line: (rule: Rule) => string): string {
  return Array.from({ length: n }, (_, index) => line(ruleAt(index))).join('')
}

/** Rules with one port of one address: the hash map. */
export function exactRules(n: number): MarkRule[] {
  return Array.from({ length: n }, (_, index) => {
    const { address, protocol, port, mark } = ruleAt(index)
    return { mark, address, protocol, ports: port }
  })
}

/** Rules with two adjacent ports: the interval map. */
export function rangeRules(n: number): MarkRule[] {
  return Array.from({ length: n }, (_, index) => {
    const { address, protocol, port, mark } = ruleAt(index)
    return { mark, address, protocol, ports: `${port}-${port + 1}` }
  })
}

/** For `nft -f`: our table, with all elements in one map. */
export function mapText(n: number, map: 'exact4' | 'ranges4'): string {
  const elements = lines(n, ({ address, protocol, port, mark }) => `${address} . ${protocol} . ${port} : ${mark},\n`)
  return `table inet ipvs {
  map ${map} {
    type ipv4_addr . inet_proto . inet_service : mark
    ${map === 'ranges4' ? 'flags interval' : ''}
    elements = { ${elements} }
  }
  chain marks {
    meta mark set ip daddr . meta l4proto . th dport map @${map}
  }
  chain prerouting {
    type filter hook prerouting priority mangle; policy accept;
    jump marks
  }
  chain output {
    type route hook output priority mangle; policy accept;
    jump marks
  }
}
`
}

/** For `nft -f`: one rule per service; a match ends the search. */
export function nftRulesText(n: number): string {
  const rules = lines(n, ({ address, protocol, port, mark }) => {
    return `    ip daddr ${address} ${protocol} dport ${port} meta mark set ${mark} accept\n`
  })
  const type = 'type filter hook prerouting priority mangle; policy accept;'
  return `table ip services {\n  chain prerouting {\n    ${type}\n${rules}  }\n}\n`
}

/** For iptables-restore: one rule per service. The target MARK does not end the search. */
export function iptablesText(n: number): string {
  const rules = lines(n, ({ address, protocol, port, mark }) => {
    return `-A PREROUTING -d ${address} -p ${protocol} -m ${protocol} --dport ${port} -j MARK --set-mark ${mark}\n`
  })
  return `*mangle\n${rules}COMMIT\n`
}
