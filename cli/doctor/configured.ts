// Questions about what is configured that several checks ask.
import { isIP } from 'node:net'
import type { ListedMarkRule, ListedNatRule, ServiceSnapshot } from 'ipvs'

/** What is configured, as far as a question needs it. */
interface Configured {
  readonly services: readonly ServiceSnapshot[]
  readonly marks?: readonly ListedMarkRule[] | undefined
  readonly nat?: readonly ListedNatRule[] | undefined
}

/** Whether there are such destinations with addresses of that family. */
export function usesForwarding({ services }: Pick<Configured, 'services'>, forwarding: string, ipv6: boolean): boolean {
  return services.some(({ destinations }) =>
    destinations.some((each) => each.forwarding === forwarding && each.address.includes(':') === ipv6),
  )
}

/** Addresses at which clients find a service: its own, or those of the rules that give its mark. Networks are not among them. */
export function addressesOf(
  { fwmark, family, address }: ServiceSnapshot,
  { marks = [] }: Pick<Configured, 'marks'>,
): string[] {
  if (address !== undefined) return [address]
  const rules = marks.filter(({ mark, address: one }) => mark === fwmark && one.includes(':') === (family === 'ipv6'))
  return [...new Set(rules.map((rule) => rule.address))].filter((one) => isIP(one) !== 0)
}

/** The masquerade rules of a family. */
export function masquerades(
  { nat = [] }: Pick<Configured, 'nat'>,
  ipv6: boolean,
): Extract<ListedNatRule, { action: 'masquerade' }>[] {
  return nat.filter((rule) => rule.action === 'masquerade').filter(({ source }) => source.includes(':') === ipv6)
}

const ALL = 0xffffffff

/** The bits of a mark that a mask has. */
export const bits = (mark: number, mask: number = ALL): number => (mark & mask) >>> 0

export const familyOf = ({ address }: Pick<ListedMarkRule, 'address'>): 'ipv4' | 'ipv6' =>
  address.includes(':') ? 'ipv6' : 'ipv4'

/** Whether a rule's packets get to a service. A mark is one for each family; a rule with a mask leaves other bits to others. */
export const leadsTo = (rule: ListedMarkRule, { fwmark, family }: ServiceSnapshot): boolean =>
  fwmark !== undefined && bits(fwmark, rule.mask) === rule.mark && familyOf(rule) === family
