// Forwarding by the director: sysctls and the reverse path filter.
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
      findings.push(bad('forwarding-off', { what, why: 'replies of the real servers are not forwarded', fix }))
    }
    for (const { source } of masquerades(facts, ipv6)) {
      const what = `there is a masquerade rule for ${source}, but ${name} is 0`
      findings.push(bad('forwarding-off', { what, why: 'packets from these servers are not forwarded', fix }))
    }
    return findings.slice(0, 1) // one fix for all
  })

// Clients arrive on the interface with the address of a service. An address on `lo` gives no hint: then all interfaces count.
function clientInterfaces(facts: Facts, names: readonly string[]): readonly string[] {
  const addresses = new Set(facts.services.flatMap((service) => addressesOf(service, facts)))
  const { interfaces = [] } = facts
  const holders = interfaces.filter((each) => !each.loopback && each.addresses.some((one) => addresses.has(one)))
  return holders.length === 0 ? names : holders.map(({ name }) => name)
}

// The kernel uses the larger value of `all` and the interface. 1 requires a route to the client through the receiving interface,
// 2 requires any route. With direct routing and tunnels, replies need no route here.
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
  const elsewhere = routeless ? 'there is no default route' : 'the default route uses another interface'
  return [
    risk('reverse-path-strict', {
      what: `rp_filter is strict on ${strict.join(', ')}${defaultDevices === undefined ? '' : `, and ${elsewhere}`}`,
      why: 'packets of clients are dropped if they arrive on another interface than the route back to the client',
      fix: setSysctl(Object.fromEntries(settings) as Record<string, number>),
    }),
  ]
}

export const forwardingChecks: readonly Check[] = [forwards, strictReversePath]
