// Virtual addresses without local delivery: IPVS handles packets that are delivered to this host, not forwarded ones.
import { serviceText } from '../../state/key-text.ts'
import { blocks } from './addresses.ts'
import type { Check, Facts } from './facts.ts'
import { bad } from './finding.ts'
import { groupBy } from './groups.ts'
import type { Probed } from './probes.ts'

const everything = (address: string): boolean => address.endsWith('/0')

// A local route for all addresses would cut off the host, so only marked packets use it.
function deliverMarked(mark: number, ipv6: boolean): string[] {
  const ip = ipv6 ? 'ip -6' : 'ip'
  return [`${ip} rule add fwmark ${mark} lookup 100`, `${ip} route add local default dev lo table 100`]
}

const deliver = (block: string): string => `ip route add local ${block} dev lo`

interface Place {
  readonly address: string
  readonly fix: readonly string[]
}

function placeOf({ rule, packet }: Probed): Place {
  const address = rule?.address ?? packet.destination ?? ''
  if (rule !== undefined && everything(address))
    return { address, fix: deliverMarked(rule.mark, address.includes(':')) }
  return { address, fix: blocks(address).map(deliver) }
}

const notDelivered = ({ probes = [] }: Facts): Probed[] =>
  probes.filter(({ kind, service, trace }) => kind === 'client' && service !== undefined && trace.route === 'elsewhere')

const notLocal: Check = (facts) => {
  const groups = groupBy(notDelivered(facts), (probe) => placeOf(probe).address)
  return [...groups].map(([address, probes]) => {
    const services = new Set(probes.flatMap(({ service }) => (service === undefined ? [] : [serviceText(service)])))
    return bad('address-not-local', {
      what: `${address} (${[...services].join(', ')}) is no address of this host`,
      why: 'IPVS handles only packets that are delivered locally; without a local address they are forwarded or dropped',
      fix: placeOf(probes[0]).fix,
    })
  })
}

export const deliveryChecks: readonly Check[] = [notLocal]
