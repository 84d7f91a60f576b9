// What the director forwards: sysctls that allow it, and the reverse path filter.
import { masquerades, usesForwarding } from './configured.ts'
import type { Check } from './facts.ts'
import { bad, risk, setSysctl, type Finding } from './finding.ts'

const forwards: Check = (facts) =>
  [['net.ipv4.ip_forward', false] as const, ['net.ipv6.conf.all.forwarding', true] as const].flatMap(([name, ipv6]) => {
    if (facts.sysctls[name] !== '0') return []
    const fix = setSysctl({ [name]: 1 })
    const findings: Finding[] = []
    if (usesForwarding(facts, 'masquerade', ipv6)) {
      const what = `there are destinations with masquerade, but ${name} is 0`
      findings.push(bad('forwarding-off', { what, why: 'answers of the real servers do not get through', fix }))
    }
    for (const { source } of masquerades(facts, ipv6)) {
      const what = `there is a masquerade rule for ${source}, but ${name} is 0`
      findings.push(bad('forwarding-off', { what, why: 'what these servers send is not forwarded', fix }))
    }
    return findings.slice(0, 1) // one fix for all
  })

// The kernel takes the larger one of `all` and the interface's own. Answers that do not come back by way of the director often
// mean that the way there is not the way back.
const strictReversePath: Check = (facts) => {
  if (!usesForwarding(facts, 'tunnel', false) && !usesForwarding(facts, 'direct', false)) return []
  const { all = '0', default: _new, lo: _lo, ...interfaces } = facts.reversePath
  const strict = Object.keys(interfaces).filter((name) => Math.max(Number(all), Number(interfaces[name])) === 1)
  if (strict.length === 0) return []
  const names = (all === '1' ? ['all'] : strict).map((name) => `net.ipv4.conf.${name.replaceAll('.', '/')}.rp_filter`)
  return [
    risk('reverse-path-strict', {
      what: `rp_filter is strict on ${strict.join(', ')}`,
      why: 'packets of clients that come in elsewhere than answers would leave are dropped',
      fix: setSysctl(Object.fromEntries(names.map((name) => [name, 2]))),
    }),
  ]
}

export const forwardingChecks: readonly Check[] = [forwards, strictReversePath]
