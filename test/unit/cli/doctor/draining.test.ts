// `ipvs doctor`: Clients that stay.
import type { ServiceSnapshot } from 'ipvs'
import { expect, test } from 'vitest'
import { destination, found, rule, service } from './given.ts'

test('sysctls that lose connections when destinations change', () => {
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

test('with expire_nodest_conn reused ports are no finding', () => {
  const sysctls = { 'net.ipv4.vs.expire_nodest_conn': '1', 'net.ipv4.vs.conn_reuse_mode': '0' }
  expect(found({ services: [service(7, destination())], marks: [rule], sysctls })).toEqual(['good: '])
})

test('UDP clients of drained destinations', () => {
  const drained = destination({ address: '10.0.0.17', weight: 0, activeConnections: 0, inactiveConnections: 1 })
  const services = [service(7, destination(), drained)]
  const udp = { ...rule, protocol: 'udp' } as const
  const sysctls = { 'net.ipv4.vs.expire_nodest_conn': '1' }
  const fix = 'risk: ipvs remove destination mark:7 10.0.0.17'
  expect(found({ services, marks: [udp], sysctls })).toEqual([fix])
  expect(found({ services, marks: [udp], sysctls: { 'net.ipv4.vs.expire_nodest_conn': '0' } })).toContain(
    `risk: sysctl -w net.ipv4.vs.expire_nodest_conn=1 && ${fix.slice('risk: '.length)}`,
  )
  // Of a service for more than UDP nobody knows whose connections these are.
  expect(found({ services, marks: [udp, rule], sysctls })).toEqual(['good: '])
  const idle = { ...drained, inactiveConnections: 0 }
  expect(found({ services: [service(7, destination(), idle)], marks: [udp], sysctls })).toEqual(['good: '])
  const onePacket = { ...(services[0] as ServiceSnapshot), onePacket: true }
  expect(found({ services: [onePacket], marks: [udp], sysctls })).toEqual(['good: '])
})
