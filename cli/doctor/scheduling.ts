// Services whose scheduler finds no destination for a client.
import type { ListedDestination, SchedulerFlag, ServiceSnapshot } from 'ipvs'
import { destinationText, serviceText } from '../../state/key-text.ts'
import type { Check } from './facts.ts'
import { bad, risk } from './finding.ts'

const connections = ({ activeConnections, inactiveConnections }: ListedDestination): number =>
  activeConnections + inactiveConnections

// The kernel counts closed connections too, until their timeout.
const isFull = (destination: ListedDestination): boolean =>
  destination.upperThreshold > 0 && connections(destination) >= destination.upperThreshold

const set = (service: ServiceSnapshot, destination: ListedDestination, what: string): string =>
  `ipvs set destination ${serviceText(service)} ${destinationText(destination)} ${what}`

// Hashing schedulers, with the flag that makes them try another destination.
const fallbacks: Readonly<Record<string, SchedulerFlag>> = { sh: 'sh-fallback', mh: 'mh-fallback' }

const names = (list: readonly ListedDestination[]): string => list.map(destinationText).join(', ')

const noneAvailable: Check = ({ services }) =>
  services.flatMap((service) => {
    const { destinations } = service
    const text = serviceText(service)
    if (destinations.length === 0) {
      const why = `its clients are refused; to add a destination: ipvs add destination ${text} ADDRESS`
      return [bad('no-destination', { what: `${text} has no destination`, why })]
    }
    const open = destinations.filter(({ weight }) => weight > 0)
    if (open.length === 0) {
      return [
        bad('all-drained', {
          what: `all destinations of ${text} have weight 0`,
          why: 'existing connections stay, and new clients are refused',
          fix: destinations.map((each) => set(service, each, '--weight 1')),
        }),
      ]
    }
    if (!open.every(isFull)) return []
    return [
      bad('all-full', {
        what: `all destinations of ${text} have reached their upper threshold; closed connections count until their timeout`,
        why: 'new clients are refused',
        fix: open.map((each) => set(service, each, `--upper ${2 * connections(each)}`)),
      }),
    ]
  })

// The hash table gives each client one destination, and without the flag there is no second try.
const hashing: Check = ({ services }) =>
  services.flatMap((service) => {
    const { destinations, scheduler, schedulerFlags } = service
    const flag = fallbacks[scheduler]
    if (flag === undefined || schedulerFlags.includes(flag)) return []
    if (destinations.every((each) => each.weight === 0 || isFull(each))) return [] // no destination to fall back to
    const text = serviceText(service)
    const fix = `ipvs set service ${text} --flags ${[...schedulerFlags, flag].join(',')}`
    const closed = destinations.filter((each) => each.weight === 0 || isFull(each))
    if (closed.length > 0) {
      const what = `${text} hashes clients (${scheduler}) without ${flag}, and some of its destinations are drained or full: ${names(closed)}`
      const why = 'clients that hash to one of them are refused, though other destinations are free'
      return [bad('hash-without-fallback', { what, why, fix })]
    }
    const limited = destinations.filter(({ upperThreshold }) => upperThreshold > 0)
    if (limited.length === 0) return []
    const what = `${text} hashes clients (${scheduler}) without ${flag}, and some of its destinations have upper thresholds: ${names(limited)}`
    const why = 'once one of them is full its clients are refused, though other destinations are free'
    return [risk('hash-without-fallback', { what, why, fix })]
  })

export const schedulingChecks: readonly Check[] = [noneAvailable, hashing]
