// Findings on marks: rules without a service, and services without a rule.
import type { FoundMark, ListedMarkRule, ServiceSnapshot } from 'ipvs'
import { serviceText } from '../../state/key-text.ts'
import { markRuleText, maskText, placeText, portsText } from '../../state/rule-text.ts'
import { bits, familyOf, leadsTo } from './configured.ts'
import type { Check, Facts } from './facts.ts'
import { bad, good, risk, type Finding } from './finding.ts'
import { marksEffect } from './marks-effect.ts'
import { loadCommand } from './saved.ts'

const ALL = 0xffffffff

const describe = ({ address, protocol, ports }: ListedMarkRule): string => `${address} ${protocol} ${portsText(ports)}`

// Packets have the mark of the rule if no other rule sets further bits.
const marksWithoutService: Check = ({ services, marks = [] }) =>
  marks
    .filter((rule) => !services.some((service) => leadsTo(rule, service)))
    .map((rule) =>
      bad('mark-without-service', {
        what: `mark ${rule.mark} (${describe(rule)}) has no service`,
        why: 'its packets are not balanced',
        fix: `ipvs add service mark:${rule.mark}${familyOf(rule) === 'ipv6' ? '/ipv6' : ''}`,
      }),
    )

// A service for a mark with further bits means that these bits are intended.
const maskedMarks: Check = ({ services, marks = [] }) =>
  marks
    .filter((rule) => rule.mask !== undefined && services.some((service) => leadsTo(rule, service)))
    .filter((rule) => services.every((service) => service.fwmark === rule.mark || !leadsTo(rule, service)))
    .map(({ mask = ALL, ...rule }) => {
      const words = markRuleText({ ...rule, mask })
      return risk('mark-masked', {
        what: `mark ${rule.mark} (${describe(rule)}) has the mask ${maskText(mask)}, but IPVS compares the whole mark`,
        why: 'packets with further bits from another program do not reach the service; give the service the resulting mark, or the rule no mask',
        fix: [`ipvs marks remove ${words}`, `ipvs marks add ${markRuleText(rule)}`],
      })
    })

const families: Readonly<Record<string, string>> = { ip: 'ipv4', ip6: 'ipv6' }

// Tables of family arp never see packets for IPVS.
const mayMark = ({ family }: FoundMark, service: ServiceSnapshot): boolean =>
  family !== 'arp' && (families[family] ?? service.family) === service.family

const setBy = (found: FoundMark, { fwmark = 0 }: ServiceSnapshot): boolean =>
  found.mark !== undefined && found.mark !== 0 && bits(fwmark, found.mask) === found.mark

// The addresses of the lost rule are known only if a saved file has them.
function lostMark(
  service: ServiceSnapshot,
  unknown: readonly FoundMark[],
  { saved = [], legacyTables }: Facts,
): Finding {
  const { fwmark = 0 } = service
  const file = saved.find(({ marks }) => marks.includes(fwmark))
  const what = `no rule sets the mark of ${serviceText(service)}`
  const fix = file === undefined ? 'ipvs marks add --help' : loadCommand(file)
  if (unknown.length > 0) {
    const why = `no packet gets there, unless this rule with a computed mark sets it: ${unknown.map(placeText).join('; ')}`
    return risk('service-without-mark', { what, why, fix })
  }
  if (legacyTables?.includes('mangle') === true) {
    const why = 'no packet gets there, unless a rule of iptables-legacy, which is not visible here, sets it'
    return risk('service-without-mark', { what, why, fix })
  }
  const whence =
    file === undefined
      ? 'it was removed, or never added, and no saved file has it'
      : `${file.file} has it: it was removed`
  return bad('marks-lost', { what, why: `no packet gets there; ${whence}`, fix })
}

function serviceWithoutMark(service: ServiceSnapshot, facts: Facts): Finding[] {
  const { foundMarks = [] } = facts
  const candidates = foundMarks.filter((found) => mayMark(found, service))
  const setters = candidates.filter((found) => setBy(found, service))
  if (setters.length > 0) {
    return [
      good('mark-of-others', `the mark of ${serviceText(service)} is set by ${setters.map(placeText).join('; ')}`),
    ]
  }
  return [
    lostMark(
      service,
      candidates.filter(({ mark }) => mark === undefined),
      facts,
    ),
  ]
}

const servicesWithoutMark: Check = (facts) => {
  const { services, marks } = facts
  return services
    .filter((service) => marks !== undefined && service.fwmark !== undefined)
    .filter((service) => !marks?.some((rule) => leadsTo(rule, service)))
    .flatMap((service) => serviceWithoutMark(service, facts))
}

const UNKNOWN = 'whether packets get their marks is unknown'

// By the code of the error.
const unreadable: Readonly<Record<string, Pick<Finding, 'why'> & { readonly fix: string }>> = {
  ERR_IPVS_UNAVAILABLE: { why: UNKNOWN, fix: 'modprobe nf_tables' },
  ERR_IPVS_PERMISSION_DENIED: {
    why: `${UNKNOWN}; reading the rules needs CAP_NET_ADMIN, and a seccomp filter of a container or unit can deny it even to root`,
    fix: 'sudo ipvs doctor',
  },
  // An object of the table has an unknown form: "ipvs doctor" has no other arguments that can be invalid.
  ERR_IPVS_INVALID_ARGUMENT: {
    why: `${UNKNOWN}, and rules cannot be changed, until this object is removed; another program that uses the same table name, a manual nft command or a newer version of ipvs may have made it`,
    fix: 'nft -a list table inet ipvs',
  },
}

const unreadableMarks: Check = ({ services, marksProblem }) => {
  if (marksProblem === undefined || services.every(({ fwmark }) => fwmark === undefined)) return []
  const what = `there are services by mark, but rules for marks cannot be read: ${marksProblem.message}`
  const told = unreadable[marksProblem.code] ?? { why: UNKNOWN }
  return [risk('marks-unreadable', { what, why: UNKNOWN, ...told })]
}

export const markChecks: readonly Check[] = [
  marksEffect,
  marksWithoutService,
  maskedMarks,
  servicesWithoutMark,
  unreadableMarks,
]
