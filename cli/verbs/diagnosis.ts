// What `ipvs doctor` finds: from facts to findings, each with what to do about it.
import { bad, risk, type Check, type Facts, type Finding, type Refusal } from './facts.ts'
import { serviceText } from './keys.ts'
import { markChecks, masquerades } from './mark-checks.ts'

/** The sysctls that are looked at. */
export const sysctlNames = [
  'net.ipv4.ip_forward',
  'net.ipv6.conf.all.forwarding',
  'net.netfilter.nf_conntrack_count',
  'net.ipv4.vs.conntrack',
  'net.ipv4.vs.expire_nodest_conn',
  'net.ipv4.vs.expire_quiescent_template',
  'net.ipv4.vs.conn_reuse_mode',
  'net.ipv4.vs.run_estimation',
  'net.ipv4.vs.svc_lfactor',
] as const

const sysctl = (name: string, value: number | string): string => `sysctl -w ${name}=${value}`

const uses = ({ services }: Facts, forwarding: string, ipv6: boolean): boolean =>
  services.some(({ destinations }) =>
    destinations.some((each) => each.forwarding === forwarding && each.address.includes(':') === ipv6),
  )

const forwards: Check = (facts) =>
  [['net.ipv4.ip_forward', false] as const, ['net.ipv6.conf.all.forwarding', true] as const].flatMap(([name, ipv6]) => {
    if (facts.sysctls[name] !== '0') return []
    const findings: Finding[] = []
    if (uses(facts, 'masquerade', ipv6)) {
      const what = `destinations with masquerade, but ${name} is 0: answers do not get through`
      findings.push(bad(what, sysctl(name, 1)))
    }
    for (const { source } of masquerades(facts, ipv6)) {
      const what = `a masquerade rule for ${source}, but ${name} is 0: what these servers send is not forwarded`
      findings.push(bad(what, sysctl(name, 1)))
    }
    return findings.slice(0, 1) // one fix for all
  })

// The kernel takes the larger one of `all` and the interface's own. Answers that do not come back by way of the director often
// mean that the way there is not the way back.
const strictReversePath: Check = (facts) => {
  if (!uses(facts, 'tunnel', false) && !uses(facts, 'direct', false)) return []
  const { all = '0', default: _new, lo: _lo, ...interfaces } = facts.reversePath
  const strict = Object.keys(interfaces).filter((name) => Math.max(Number(all), Number(interfaces[name])) === 1)
  if (strict.length === 0) return []
  const values = all === '1' ? ['all'] : strict
  return [
    risk(
      `rp_filter is strict on ${strict.join(', ')}: packets of clients that come in elsewhere than answers would leave are dropped`,
      `sysctl -w ${values.map((name) => `net.ipv4.conf.${name.replaceAll('.', '/')}.rp_filter=2`).join(' ')}`,
    ),
  ]
}

// Connections are counted only where some rule of the firewall asks for their state.
const untracked: Check = (facts) => {
  const { sysctls } = facts
  const name = 'net.ipv4.vs.conntrack'
  const tracks = Number(sysctls['net.netfilter.nf_conntrack_count'] ?? 0) > 0
  const translates = uses(facts, 'masquerade', false) || uses(facts, 'masquerade', true)
  if (!translates || !tracks || sysctls[name] !== '0') return []
  const what = 'a firewall tracks connections here, but not those of destinations with masquerade: its rules for states'
  return [risk(`${what} and source addresses do not match them`, sysctl(name, 1))]
}

const smallTable: Check = ({ services, serviceBuckets: buckets, sysctls }) => {
  if (buckets === undefined || services.length < 64) return []
  if (services.length <= 4 * buckets.count * 2 ** buckets.loadFactor) return []
  const name = 'net.ipv4.vs.svc_lfactor'
  return [
    risk(
      `${services.length} services in ${buckets.count} buckets: the service table has stopped growing, and each packet searches it (Linux 7)`,
      sysctl(name, sysctls[name] ?? buckets.loadFactor),
    ),
  ]
}

const drains: Check = ({ services, sysctls }) => {
  const quiet = services.filter(
    ({ persistence, destinations }) => persistence !== undefined && destinations.some(({ weight }) => weight === 0),
  )
  const name = 'net.ipv4.vs.expire_quiescent_template'
  if (quiet.length === 0 || sysctls[name] !== '0') return []
  const which = quiet.map((each) => serviceText(each)).join(', ')
  return [risk(`${which}: weight 0 does not stop clients that are bound by persistence`, sysctl(name, 1))]
}

const deadConnections: Check = ({ services, sysctls }) => {
  const name = 'net.ipv4.vs.expire_nodest_conn'
  if (services.length === 0 || sysctls[name] !== '0') return []
  return [risk('connections of a removed destination hang until they time out', sysctl(name, 1))]
}

const reuse: Check = ({ services, sysctls }) => {
  const name = 'net.ipv4.vs.conn_reuse_mode'
  if (services.length === 0 || sysctls[name] !== '0') return []
  return [risk('a client that reuses a port goes to its old destination, drained or not', sysctl(name, 1))]
}

const counters: Check = ({ sysctls }) => {
  const name = 'net.ipv4.vs.run_estimation'
  return sysctls[name] === '0' ? [risk('counters and rates stand still', sysctl(name, 1))] : []
}

const empty: Check = ({ services }) =>
  services
    .filter(({ destinations }) => destinations.every(({ weight }) => weight === 0))
    .map((service) => {
      const text = serviceText(service)
      return bad(`${text} has no destination that takes connections`, `ipvs add destination ${text} ADDRESS`)
    })

const checks: readonly Check[] = [
  forwards,
  untracked,
  strictReversePath,
  ...markChecks,
  empty,
  drains,
  deadConnections,
  reuse,
  counters,
  smallTable,
]

function explain({ code, message, userNamespace }: Refusal): Finding {
  if (code === 'ERR_IPVS_UNAVAILABLE') return bad(message, 'modprobe ip_vs')
  return userNamespace
    ? bad(
        'this process is in a user namespace, as in a rootless container; the kernel wants CAP_NET_ADMIN in the initial one',
        'run it as root on the host, or in a container that is not rootless and has --cap-add NET_ADMIN',
      )
    : bad(message, 'sudo ipvs doctor')
}

/** All findings, the worst first; one good one when there is nothing to complain of. */
export function diagnose(facts: Facts): Finding[] {
  if (facts.refused !== undefined) return [explain(facts.refused)]
  const found = checks.flatMap((check) => check(facts))
  const problems = (['bad', 'risk'] as const).flatMap((wanted) => found.filter(({ level }) => level === wanted))
  const nothing: Finding = { level: 'good', what: `${facts.services.length} services, nothing to complain of` }
  return [...(problems.length > 0 ? problems : [nothing]), ...found.filter(({ level }) => level === 'good')]
}

/** The same findings with fixes that work from outside of the namespace `netns`, a name or a path. */
export function fromOutside(findings: readonly Finding[], netns: string): Finding[] {
  const enter = netns.includes('/') ? `nsenter --net=${netns}` : `ip netns exec ${netns}`
  return findings.map(({ fix, ...finding }) => {
    if (fix === undefined) return finding
    const inside = fix.split(' && ').map((each) => {
      if (each.startsWith('sysctl ')) return `${enter} ${each}`
      return /^(sudo )?ipvs /.test(each) ? `${each} --netns ${netns}` : each
    })
    return { ...finding, fix: inside.join(' && ') }
  })
}
