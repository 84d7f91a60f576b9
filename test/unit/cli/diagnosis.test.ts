// `ipvs doctor`: what it makes of what it sees.
import type { ListedDestination, ServiceSnapshot } from 'ipvs'
import { expect, test } from 'vitest'
import { diagnose, type Facts } from '../../../cli/verbs/diagnosis.ts'

const destination = (more: Partial<ListedDestination> = {}): ListedDestination =>
  ({ address: '10.0.0.7', port: 0, forwarding: 'direct', weight: 1, ...more }) as ListedDestination
const service = (fwmark: number, ...destinations: ListedDestination[]): ServiceSnapshot =>
  ({ fwmark, family: 'ipv4', destinations }) as unknown as ServiceSnapshot
const rule = { mark: 7, address: '172.16.0.100', protocol: 'tcp', ports: [80, 443] } as const
const facts = (more: Partial<Facts>): Facts => ({ services: [], marks: [], sysctls: {}, ...more })
const found = (more: Partial<Facts>): string[] =>
  diagnose(facts(more)).map(({ level, fix }) => `${level}: ${fix ?? ''}`)

test('nothing to complain of', () => {
  expect(found({ services: [service(7, destination())], marks: [rule] })).toEqual(['good: '])
})

test('no IPVS is all that is said', () => {
  expect(diagnose(facts({ unavailable: 'no IPVS', marks: [rule] }))).toMatchObject([{ level: 'bad', what: 'no IPVS' }])
})

test('masquerade needs forwarding, of its family', () => {
  const services = [service(7, destination({ forwarding: 'masquerade' }))]
  const sysctls = { 'net.ipv4.ip_forward': '0', 'net.ipv6.conf.all.forwarding': '0' }
  expect(found({ services, marks: [rule], sysctls })).toEqual(['bad: sysctl -w net.ipv4.ip_forward=1'])
  expect(found({ services, marks: [rule], sysctls: { 'net.ipv4.ip_forward': '1' } })).toEqual(['good: '])
})

test('marks and services belong together', () => {
  expect(found({ marks: [rule] })).toEqual(['bad: ipvs add service mark:7'])
  expect(found({ services: [service(8, destination())] })).toEqual(['risk: ipvs marks add 8 ADDRESS tcp PORTS'])
  expect(found({ services: [service(8, destination())], marks: undefined })).toEqual(['good: '])
})

test('a service without destinations, or with drained ones only', () => {
  const expected = ['bad: ipvs add destination mark:7 ADDRESS']
  expect(found({ services: [service(7)], marks: [rule] })).toEqual(expected)
  expect(found({ services: [service(7, destination({ weight: 0 }))], marks: [rule] })).toEqual(expected)
})

test('sysctls that bite when something changes', () => {
  const persistent = { ...service(7, destination(), destination({ weight: 0 })), persistence: {} } as ServiceSnapshot
  const sysctls = {
    'net.ipv4.vs.expire_quiescent_template': '0',
    'net.ipv4.vs.expire_nodest_conn': '0',
    'net.ipv4.vs.conn_reuse_mode': '0',
    'net.ipv4.vs.run_estimation': '0',
  }
  expect(found({ services: [persistent], marks: [rule], sysctls })).toEqual([
    'risk: sysctl -w net.ipv4.vs.expire_quiescent_template=1',
    'risk: sysctl -w net.ipv4.vs.expire_nodest_conn=1',
    'risk: sysctl -w net.ipv4.vs.conn_reuse_mode=1',
    'risk: sysctl -w net.ipv4.vs.run_estimation=1',
  ])
})
