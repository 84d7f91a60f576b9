// What `ipvs doctor` finds: from facts to findings, each with what to do about it.
import type { ListedMarkRule, ServiceSnapshot } from 'ipvs'
import { serviceText } from './keys.ts'

/** What was found out. */
export interface Facts {
  /** Why IPVS cannot be used. */
  readonly unavailable?: string | undefined
  readonly services: readonly ServiceSnapshot[]
  /** Absent: the rules cannot be read. */
  readonly marks?: readonly ListedMarkRule[] | undefined
  /** Values of sysctls by their names; those that the kernel does not have are absent. */
  readonly sysctls: Readonly<Record<string, string>>
}

/** `bad`: does not work; `risk`: works until something happens; `good`: as it should be. */
export interface Finding {
  readonly level: 'good' | 'risk' | 'bad'
  readonly what: string
  readonly fix?: string
}

/** The sysctls that are looked at. */
export const sysctlNames = [
  'net.ipv4.ip_forward',
  'net.ipv6.conf.all.forwarding',
  'net.ipv4.conf.all.rp_filter',
  'net.ipv4.vs.expire_nodest_conn',
  'net.ipv4.vs.expire_quiescent_template',
  'net.ipv4.vs.conn_reuse_mode',
  'net.ipv4.vs.run_estimation',
] as const

type Check = (facts: Facts) => Finding[]

const bad = (what: string, fix: string): Finding => ({ level: 'bad', what, fix })
const risk = (what: string, fix: string): Finding => ({ level: 'risk', what, fix })
const sysctl = (name: string, value: number | string): string => `sysctl -w ${name}=${value}`

const uses = ({ services }: Facts, forwarding: string, ipv6: boolean): boolean =>
  services.some(({ destinations }) =>
    destinations.some((each) => each.forwarding === forwarding && each.address.includes(':') === ipv6),
  )

const forwards: Check = (facts) =>
  [['net.ipv4.ip_forward', false] as const, ['net.ipv6.conf.all.forwarding', true] as const].flatMap(([name, ipv6]) =>
    uses(facts, 'masquerade', ipv6) && facts.sysctls[name] === '0'
      ? [bad(`destinations with masquerade, but ${name} is 0: answers do not get through`, sysctl(name, 1))]
      : [],
  )

const strictReversePath: Check = (facts) =>
  facts.sysctls['net.ipv4.conf.all.rp_filter'] === '1' && uses(facts, 'tunnel', false)
    ? [
        risk(
          'net.ipv4.conf.all.rp_filter is 1 (strict): packets that come in elsewhere than their answers would leave are dropped',
          sysctl('net.ipv4.conf.all.rp_filter', 2),
        ),
      ]
    : []

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

const portsOfMark = ({ address, protocol, ports }: ListedMarkRule): string =>
  `${address} ${protocol} ${String(ports)}`

const marksWithoutService: Check = ({ services, marks = [] }) =>
  marks
    .filter(({ mark }) => !services.some(({ fwmark }) => fwmark === mark))
    .map((rule) =>
      bad(
        `mark ${rule.mark} (${portsOfMark(rule)}) has no service: its packets are not balanced`,
        `ipvs add service mark:${rule.mark}${rule.address.includes(':') ? '/ipv6' : ''}`,
      ),
    )

const servicesWithoutMark: Check = ({ services, marks }) =>
  services
    .filter(({ fwmark }) => marks !== undefined && fwmark !== undefined && !marks.some(({ mark }) => mark === fwmark))
    .map((service) =>
      risk(
        `${serviceText(service)} has no rule in our table: unless somebody else sets the mark, no packet gets there`,
        `ipvs marks add ${service.fwmark} ADDRESS tcp PORTS`,
      ),
    )

const checks: readonly Check[] = [
  forwards,
  strictReversePath,
  marksWithoutService,
  servicesWithoutMark,
  empty,
  drains,
  deadConnections,
  reuse,
  counters,
]

/** All findings, the worst first; one good one when there is nothing to say. */
export function diagnose(facts: Facts): Finding[] {
  if (facts.unavailable !== undefined) return [{ level: 'bad', what: facts.unavailable }]
  const found = checks.flatMap((check) => check(facts))
  const sorted = [...found.filter(({ level }) => level === 'bad'), ...found.filter(({ level }) => level === 'risk')]
  return sorted.length > 0
    ? sorted
    : [{ level: 'good', what: `${facts.services.length} services, nothing to complain of` }]
}
