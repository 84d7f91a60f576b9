// `ipvs doctor`: Clients that stay.
import type { ServiceSnapshot } from 'ipvs'
import { expect, test } from 'vitest'
import { destination, found, rule, service } from './given.ts'

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
