// Clients that stay on drained or removed destinations.
import type { ServiceSnapshot } from 'ipvs'
import { destinationText, serviceText } from '../../state/key-text.ts'
import type { Check, Facts } from './facts.ts'
import { risk, setSysctl } from './finding.ts'

const drains: Check = ({ services, sysctls }) => {
  const quiet = services.filter(
    ({ persistence, destinations }) => persistence !== undefined && destinations.some(({ weight }) => weight === 0),
  )
  const name = 'net.ipv4.vs.expire_quiescent_template'
  if (quiet.length === 0 || sysctls[name] !== '0') return []
  return [
    risk('drained-persistence', {
      what: `${quiet.map((each) => serviceText(each)).join(', ')}: a destination has weight 0, and ${name} is 0`,
      why: 'weight 0 does not stop clients bound by persistence',
      fix: setSysctl({ [name]: 1 }),
    }),
  ]
}

const NODEST = 'net.ipv4.vs.expire_nodest_conn'

const deadConnections: Check = ({ services, sysctls }) => {
  if (services.length === 0 || sysctls[NODEST] !== '0') return []
  return [
    risk('removed-destinations', {
      what: `${NODEST} is 0`,
      why: 'packets of connections to a removed destination are dropped until the connections time out, also for UDP clients that keep their port',
      fix: setSysctl({ [NODEST]: 1 }),
    }),
  ]
}

// A mark service has no protocol: it counts as UDP if all its rules do.
const isUdp = ({ protocol, fwmark, family }: ServiceSnapshot, { marks = [] }: Facts): boolean => {
  if (fwmark === undefined) return protocol === 'udp'
  const rules = marks.filter(({ mark, address }) => mark === fwmark && address.includes(':') === (family === 'ipv6'))
  return rules.length > 0 && rules.every((rule) => rule.protocol === 'udp')
}

// The kernel sees no end of UDP connections: each packet of a client that keeps its port renews the timeout.
const drainedUdp: Check = (facts) =>
  facts.services
    .filter((service) => !service.onePacket && isUdp(service, facts))
    .filter(({ destinations }) => destinations.some(({ weight }) => weight > 0))
    .flatMap((service) => {
      const stuck = service.destinations.filter(
        ({ weight, activeConnections, inactiveConnections }) =>
          weight === 0 && activeConnections + inactiveConnections > 0,
      )
      if (stuck.length === 0) return []
      const text = serviceText(service)
      const names = stuck.map(destinationText)
      return [
        risk('drained-udp', {
          what: `${text}: ${names.join(', ')} has weight 0 and UDP clients`,
          why: 'clients that keep their port stay as long as they send; only the removal of the destination moves them',
          fix: [
            ...(facts.sysctls[NODEST] === '0' ? [setSysctl({ [NODEST]: 1 })] : []),
            ...names.map((name) => `ipvs remove destination ${text} ${name}`),
          ],
        }),
      ]
    })

const reuse: Check = ({ services, sysctls }) => {
  const name = 'net.ipv4.vs.conn_reuse_mode'
  // With expire_nodest_conn, drained and removed destinations lose these clients anyway.
  if (services.length === 0 || sysctls[name] !== '0' || sysctls[NODEST] === '1') return []
  return [
    risk('port-reuse', {
      what: `${name} is 0`,
      why: 'a client that reuses a port goes to its old destination, drained or not',
      fix: setSysctl({ [name]: 1 }),
    }),
  ]
}

export const drainingChecks: readonly Check[] = [drains, deadConnections, drainedUdp, reuse]
