// Facts that tests of findings begin with.
import type { ListedDestination, ListedMarkRule, ServiceSnapshot, Trace, TracePacket } from 'ipvs'
import { diagnose } from '../../../../cli/doctor/diagnose.ts'
import type { Facts } from '../../../../cli/doctor/facts.ts'
import type { Finding } from '../../../../cli/doctor/finding.ts'
import { probesFor, type Probe, type Probed } from '../../../../cli/doctor/probes.ts'

export const destination = (more: Partial<ListedDestination> = {}): ListedDestination =>
  ({
    address: '10.0.0.7',
    port: 0,
    forwarding: 'direct',
    weight: 1,
    upperThreshold: 0,
    activeConnections: 0,
    inactiveConnections: 0,
    ...more,
  }) as ListedDestination

export const service = (fwmark: number, ...destinations: ListedDestination[]): ServiceSnapshot =>
  ({ fwmark, family: 'ipv4', scheduler: 'wlc', schedulerFlags: [], destinations }) as unknown as ServiceSnapshot

export const rule = { mark: 7, address: '172.16.0.100', protocol: 'tcp', ports: [80, 443] } as const

export const facts = (more: Partial<Facts>): Facts => ({
  services: [],
  marks: [],
  sysctls: {},
  reversePath: {},
  sendRedirects: {},
  ...more,
})

/** Level and fix of each finding. */
export const found = (more: Partial<Facts>): string[] =>
  diagnose(facts(more)).map(({ level, fix = [] }) => `${level}: ${fix.join(' && ')}`)

/** As people see it. */
export const sentence = (finding: Pick<Finding, 'what' | 'why'> | undefined): string =>
  [finding?.what, finding?.why].filter(Boolean).join(': ')

export const web = (...destinations: ListedDestination[]): ServiceSnapshot =>
  ({ protocol: 'tcp', address: '172.16.0.100', port: 80, family: 'ipv4', scheduler: 'rr', destinations }) as never

/** The packets of these services and rules, and what becomes of each: nothing bad, unless `fate` says so. */
export function probed(
  {
    services = [],
    marks = [],
    tracks = false,
  }: { services?: ServiceSnapshot[]; marks?: ListedMarkRule[]; tracks?: boolean },
  fate: (probe: Probe) => Partial<Trace> | undefined = () => undefined,
  tracked: (packet: TracePacket) => Partial<Trace> = () => ({ outcome: 'accepted' }),
): Pick<Facts, 'services' | 'marks' | 'probes'> {
  const probes = probesFor(services, marks, tracks).map((probe): Probed => {
    const mark = probe.rule === undefined ? {} : { mark: probe.rule.mark }
    const fine: Trace = { outcome: 'accepted', ...(probe.kind === 'client' && { route: 'local' as const, ...mark }) }
    return { ...probe, trace: { ...fine, ...fate(probe) }, tracked: { outcome: 'accepted', ...tracked(probe.packet) } }
  })
  return { services, marks, probes }
}
