// Questions about what is configured that several checks ask.
import type { ListedNatRule } from 'ipvs'
import type { Facts } from './facts.ts'

/** Whether there are such destinations with addresses of that family. */
export function usesForwarding({ services }: Facts, forwarding: string, ipv6: boolean): boolean {
  return services.some(({ destinations }) =>
    destinations.some((each) => each.forwarding === forwarding && each.address.includes(':') === ipv6),
  )
}

/** The masquerade rules of a family. */
export function masquerades({ nat = [] }: Facts, ipv6: boolean): Extract<ListedNatRule, { action: 'masquerade' }>[] {
  return nat.filter((rule) => rule.action === 'masquerade').filter(({ source }) => source.includes(':') === ipv6)
}
