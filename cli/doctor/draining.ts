// Clients that stay where they were when destinations are drained or removed.
import { serviceText } from '../verbs/keys.ts'
import type { Check } from './facts.ts'
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
      why: 'weight 0 does not stop clients that are bound by persistence',
      fix: setSysctl({ [name]: 1 }),
    }),
  ]
}

const deadConnections: Check = ({ services, sysctls }) => {
  const name = 'net.ipv4.vs.expire_nodest_conn'
  if (services.length === 0 || sysctls[name] !== '0') return []
  return [
    risk('removed-destinations', {
      what: `${name} is 0`,
      why: 'connections of a removed destination hang until they time out',
      fix: setSysctl({ [name]: 1 }),
    }),
  ]
}

const reuse: Check = ({ services, sysctls }) => {
  const name = 'net.ipv4.vs.conn_reuse_mode'
  if (services.length === 0 || sysctls[name] !== '0') return []
  return [
    risk('port-reuse', {
      what: `${name} is 0`,
      why: 'a client that reuses a port goes to its old destination, drained or not',
      fix: setSysctl({ [name]: 1 }),
    }),
  ]
}

export const drainingChecks: readonly Check[] = [drains, deadConnections, reuse]
