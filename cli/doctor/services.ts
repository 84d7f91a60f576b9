// Counters of services, and the size of the service table.
import type { Check } from './facts.ts'
import { risk, setSysctl } from './finding.ts'

const counters: Check = ({ sysctls }) => {
  const name = 'net.ipv4.vs.run_estimation'
  if (sysctls[name] !== '0') return []
  const fix = setSysctl({ [name]: 1 })
  return [risk('estimation-off', { what: `${name} is 0`, why: 'counters and rates are not updated', fix })]
}

const smallTable: Check = ({ services, serviceBuckets: buckets, sysctls }) => {
  if (buckets === undefined || services.length < 64) return []
  if (services.length <= 4 * buckets.count * 2 ** buckets.loadFactor) return []
  const name = 'net.ipv4.vs.svc_lfactor'
  return [
    risk('service-table-small', {
      what: `${services.length} services are in ${buckets.count} buckets: the service table has stopped growing (Linux 7)`,
      why: 'each packet searches it',
      fix: setSysctl({ [name]: sysctls[name] ?? buckets.loadFactor }),
    }),
  ]
}

export const serviceChecks: readonly Check[] = [counters, smallTable]
