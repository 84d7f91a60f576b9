// Connection tracking of the packet filter beside IPVS.
import { usesForwarding } from './configured.ts'
import type { Check } from './facts.ts'
import { risk, setSysctl } from './finding.ts'

// Connections are counted only where some rule of the firewall asks for their state.
const untracked: Check = (facts) => {
  const { sysctls } = facts
  const name = 'net.ipv4.vs.conntrack'
  const tracks = Number(sysctls['net.netfilter.nf_conntrack_count'] ?? 0) > 0
  const translates = usesForwarding(facts, 'masquerade', false) || usesForwarding(facts, 'masquerade', true)
  if (!translates || !tracks || sysctls[name] !== '0') return []
  return [
    risk('conntrack-off', {
      what: 'a firewall tracks connections here, but not those of destinations with masquerade',
      why: 'its rules for states and source addresses do not match them',
      fix: setSysctl({ [name]: 1 }),
    }),
  ]
}

export const trackingChecks: readonly Check[] = [untracked]
