// Services as such: their destinations, their counters, the kernel's table of them.
import { serviceText } from '../verbs/keys.ts'
import type { Check } from './facts.ts'
import { bad, risk, setSysctl } from './finding.ts'

const empty: Check = ({ services }) =>
  services
    .filter(({ destinations }) => destinations.every(({ weight }) => weight === 0))
    .map((service) => {
      const text = serviceText(service)
      return bad('no-destination', {
        what: `${text} has no destination that takes connections`,
        why: 'its clients are refused',
        fix: `ipvs add destination ${text} ADDRESS`,
      })
    })

const counters: Check = ({ sysctls }) => {
  const name = 'net.ipv4.vs.run_estimation'
  if (sysctls[name] !== '0') return []
  const fix = setSysctl({ [name]: 1 })
  return [risk('estimation-off', { what: `${name} is 0`, why: 'counters and rates stand still', fix })]
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

export const serviceChecks: readonly Check[] = [empty, counters, smallTable]
