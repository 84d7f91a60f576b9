// Facts that tests of findings begin with.
import type { ListedDestination, ServiceSnapshot } from 'ipvs'
import { diagnose } from '../../../../cli/doctor/diagnose.ts'
import type { Facts } from '../../../../cli/doctor/facts.ts'
import type { Finding } from '../../../../cli/doctor/finding.ts'

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
