// Several ports under one mark: persistence of clients, and active FTP.
import type { ListedMarkRule, ServiceSnapshot } from 'ipvs'
import { serviceText } from '../../state/key-text.ts'
import { portsText } from '../../state/rule-text.ts'
import { isPrivate } from './addresses.ts'
import { leadsTo } from './configured.ts'
import type { Check } from './facts.ts'
import { risk } from './finding.ts'

const rulesOf = (service: ServiceSnapshot, marks: readonly ListedMarkRule[]): ListedMarkRule[] =>
  marks.filter((rule) => leadsTo(rule, service))

const portsOf = (rules: readonly ListedMarkRule[]): string[] => [
  ...new Set(rules.flatMap(({ ports }) => portsText(ports).split(','))),
]

const severalPorts = (rules: readonly ListedMarkRule[]): boolean => {
  const ports = portsOf(rules)
  return ports.length > 1 || ports.some((port) => port === 'all' || port.includes('-'))
}

// Schedulers that choose by address alone keep a client on its server.
const staysByItself = ({ scheduler, schedulerFlags }: ServiceSnapshot): boolean =>
  ['sh', 'mh', 'dh', 'lblc', 'lblcr'].includes(scheduler) && !schedulerFlags.some((flag) => flag.endsWith('port'))

const bundleWithoutPersistence: Check = ({ services, marks = [] }) =>
  services
    .filter(({ fwmark, persistence }) => fwmark !== undefined && persistence === undefined)
    .filter((service) => service.destinations.filter(({ weight }) => weight > 0).length > 1 && !staysByItself(service))
    .filter((service) => severalPorts(rulesOf(service, marks)))
    .map((service) => {
      const text = serviceText(service)
      return risk('bundle-without-persistence', {
        what: `${text} has several ports (${portsOf(rulesOf(service, marks)).join(', ')}) and no persistence`,
        why: 'connections of one client go to different servers, which share no session; FTP gets no data connection',
        fix: `ipvs set service ${text} --persistence 360`,
      })
    })

const FTP = 21

const speaksFtp = (rules: readonly ListedMarkRule[]): boolean =>
  rules.some(({ protocol, ports }) => protocol === 'tcp' && portsText(ports).split(',').includes(String(FTP)))

// A server opens the data connection of active FTP from its port 20. The trace of this packet shows whether a rule translates it.
const activeFtp: Check = ({ services, marks = [], probes = [] }) =>
  services
    .filter((service) => service.fwmark !== undefined && speaksFtp(rulesOf(service, marks)))
    .flatMap((service) => {
      const bare = probes.filter(
        ({ kind, service: of, trace, packet }) =>
          kind === 'active' && of === service && trace.outcome === 'accepted' && isPrivate(packet.source ?? ''),
      )
      if (bare.length === 0) return []
      const sources = bare.map(({ packet }) => packet.source as string)
      return [
        risk('active-ftp', {
          what: `${serviceText(service)} has FTP, but no rule translates connections from port 20 of ${sources.join(', ')}`,
          why: 'data connections of active FTP leave with a source address that clients cannot reply to, and transfers hang',
          fix: sources.map((source) => `ipvs marks nat add masquerade ${source} tcp 20`),
        }),
      ]
    })

export const bundleChecks: readonly Check[] = [bundleWithoutPersistence, activeFtp]
