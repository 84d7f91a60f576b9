// What the director forwards: sysctls that allow it, and the reverse path filter.
import { addressesOf, masquerades, usesForwarding } from './configured.ts'
import type { Check, Facts } from './facts.ts'
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

// Clients come in where the address of a service is. On `lo` it says nothing: then they may come in anywhere.
function clientInterfaces(facts: Facts, names: readonly string[]): readonly string[] {
  const addresses = new Set(facts.services.flatMap((service) => addressesOf(service, facts)))
  const { interfaces = [] } = facts
  const holders = interfaces.filter((each) => !each.loopback && each.addresses.some((one) => addresses.has(one)))
  return holders.length === 0 ? names : holders.map(({ name }) => name)
}

// The kernel takes the larger one of `all` and the interface's own. 1 wants the route to the client to leave by the interface that
// its packets came in by, 2 wants any route at all. With direct routing and tunnels answers do not need one.
const strictReversePath: Check = (facts) => {
  if (!usesForwarding(facts, 'tunnel', false) && !usesForwarding(facts, 'direct', false)) return []
  const { all = '0', default: _new, lo: _lo, ...interfaces } = facts.reversePath
  const { defaultDevices } = facts
  const strict = clientInterfaces(facts, Object.keys(interfaces)).filter(
    (name) => Math.max(Number(all), Number(interfaces[name])) === 1 && defaultDevices?.includes(name) !== true,
  )
  if (strict.length === 0) return []
  const routeless = defaultDevices?.length === 0
  const own = strict.filter((name) => all !== '1' || (routeless && interfaces[name] === '1'))
  const names = [...(all === '1' ? ['all'] : []), ...own]
  const settings = names.map((name) => [`net.ipv4.conf.${name.replaceAll('.', '/')}.rp_filter`, routeless ? 0 : 2])
  const elsewhere = routeless ? 'there is no default route' : 'the default route leaves elsewhere'
  return [
    risk('reverse-path-strict', {
      what: `rp_filter is strict on ${strict.join(', ')}${defaultDevices === undefined ? '' : `, and ${elsewhere}`}`,
      why: 'packets of clients that come in elsewhere than answers would leave are dropped',
      fix: setSysctl(Object.fromEntries(settings) as Record<string, number>),
    }),
  ]
}

export const forwardingChecks: readonly Check[] = [forwards, strictReversePath]
