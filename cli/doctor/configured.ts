// Queries on the configuration, shared by several checks.
import { isIP } from 'node:net'
import type { ListedMarkRule, ListedNatRule, ServiceSnapshot } from 'ipvs'

/** The parts of the configuration that queries need. */
interface Configured {
  readonly services: readonly ServiceSnapshot[]
  readonly marks?: readonly ListedMarkRule[] | undefined
  readonly nat?: readonly ListedNatRule[] | undefined
}

/** Whether a destination of the family has this forwarding method. */
export function usesForwarding({ services }: Pick<Configured, 'services'>, forwarding: string, ipv6: boolean): boolean {
  return services.some(({ destinations }) =>
    destinations.some((each) => each.forwarding === forwarding && each.address.includes(':') === ipv6),
  )
}

/** Addresses of a service for clients: its own, or the addresses of rules with its mark, without networks. */
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

/** The bits of a mark under a mask. */
export const bits = (mark: number, mask: number = ALL): number => (mark & mask) >>> 0

export const familyOf = ({ address }: Pick<ListedMarkRule, 'address'>): 'ipv4' | 'ipv6' =>
  address.includes(':') ? 'ipv6' : 'ipv4'

/** Whether packets of a rule reach a service. Services with the same mark exist per family; bits outside the mask may differ. */
export const leadsTo = (rule: ListedMarkRule, { fwmark, family }: ServiceSnapshot): boolean =>
  fwmark !== undefined && bits(fwmark, rule.mask) === rule.mark && familyOf(rule) === family
