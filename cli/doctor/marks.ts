// What `ipvs doctor` finds about marks: who sets them, and which services they lead to.
import type { FoundMark, ListedMarkRule, ServiceSnapshot } from 'ipvs'
import { serviceText } from '../verbs/keys.ts'
import { markWords, maskText, placeText, portsText } from '../verbs/rule-words.ts'
import type { Check } from './facts.ts'
import { bad, good, risk } from './finding.ts'

const ALL = 0xffffffff
const bits = (mark: number, mask = ALL): number => (mark & mask) >>> 0
const isIpv6 = ({ address }: ListedMarkRule): boolean => address.includes(':')
const familyOf = (rule: ListedMarkRule): string => (isIpv6(rule) ? 'ipv6' : 'ipv4')

// A mark is one service for each family. A rule with a mask leaves other bits to others.
const leadsTo = (rule: ListedMarkRule, { fwmark, family }: ServiceSnapshot): boolean =>
  fwmark !== undefined && bits(fwmark, rule.mask) === rule.mark && familyOf(rule) === family

const describe = ({ address, protocol, ports }: ListedMarkRule): string => `${address} ${protocol} ${portsText(ports)}`

// What packets have when nobody has set other bits.
const marksWithoutService: Check = ({ services, marks = [] }) =>
  marks
    .filter((rule) => !services.some((service) => leadsTo(rule, service)))
    .map((rule) =>
      bad('mark-without-service', {
        what: `mark ${rule.mark} (${describe(rule)}) has no service`,
        why: 'its packets are not balanced',
        fix: `ipvs add service mark:${rule.mark}${isIpv6(rule) ? '/ipv6' : ''}`,
      }),
    )

// Who has a service for a mark with foreign bits knows about them.
const maskedMarks: Check = ({ services, marks = [] }) =>
  marks
    .filter((rule) => rule.mask !== undefined && services.some((service) => leadsTo(rule, service)))
    .filter((rule) => services.every((service) => service.fwmark === rule.mark || !leadsTo(rule, service)))
    .map(({ mask = ALL, ...rule }) => {
      const words = markWords({ ...rule, mask })
      return risk('mark-masked', {
        what: `mark ${rule.mark} (${describe(rule)}) has the mask ${maskText(mask)}, but IPVS compares the whole mark`,
        why: 'packets to which somebody else gives other bits do not get to the service; it needs the mark that results, or the rule no mask',
        fix: [`ipvs marks remove ${words}`, `ipvs marks add ${markWords(rule)}`],
      })
    })

const families: Readonly<Record<string, string>> = { ip: 'ipv4', ip6: 'ipv6' }

// Tables of family arp see none of IPVS's packets.
const mayMark = ({ family }: FoundMark, service: ServiceSnapshot): boolean =>
  family !== 'arp' && (families[family] ?? service.family) === service.family

const setBy = (found: FoundMark, { fwmark = 0 }: ServiceSnapshot): boolean =>
  found.mark !== undefined && found.mark !== 0 && bits(fwmark, found.mask) === found.mark

function serviceWithoutMark(service: ServiceSnapshot, foundMarks: readonly FoundMark[]): ReturnType<Check> {
  const others = foundMarks.filter((found) => mayMark(found, service))
  const setters = others.filter((found) => setBy(found, service))
  if (setters.length > 0) {
    return [
      good('mark-of-others', `the mark of ${serviceText(service)} is set by ${setters.map(placeText).join('; ')}`),
    ]
  }
  const unknown = others.filter(({ mark }) => mark === undefined).map(placeText)
  const unless =
    unknown.length > 0
      ? `unless this does, whose mark only the kernel knows: ${unknown.join('; ')}`
      : 'unless one of iptables-legacy does, which cannot be seen'
  return [
    risk('service-without-mark', {
      what: `no rule sets the mark of ${serviceText(service)}`,
      why: `${unless}, no packet gets there`,
      fix: `ipvs marks add ${service.fwmark} ADDRESS tcp PORTS`,
    }),
  ]
}

const servicesWithoutMark: Check = ({ services, marks, foundMarks = [] }) =>
  services
    .filter((service) => marks !== undefined && service.fwmark !== undefined)
    .filter((service) => !marks?.some((rule) => leadsTo(rule, service)))
    .flatMap((service) => serviceWithoutMark(service, foundMarks))

const unreadableMarks: Check = ({ services, marksProblem }) => {
  if (marksProblem === undefined || services.every(({ fwmark }) => fwmark === undefined)) return []
  const what = `there are services by mark, but rules for marks cannot be read: ${marksProblem}`
  const why = 'whether packets get their marks is unknown'
  return [risk('marks-unreadable', { what, why, fix: 'modprobe nf_tables' })]
}

export const markChecks: readonly Check[] = [marksWithoutService, maskedMarks, servicesWithoutMark, unreadableMarks]
