// `ipvs doctor`: Connection tracking beside IPVS.
import { expect, test } from 'vitest'
import { destination, found, rule, service } from './given.ts'

test('masquerade beside a firewall that tracks connections', () => {
  const services = [service(7, destination({ forwarding: 'masquerade' }))]
  const sysctls = { 'net.netfilter.nf_conntrack_count': '3', 'net.ipv4.vs.conntrack': '0' }
  expect(found({ services, marks: [rule], sysctls })).toEqual(['risk: sysctl -w net.ipv4.vs.conntrack=1'])
  for (const other of [{ 'net.netfilter.nf_conntrack_count': '0' }, { 'net.ipv4.vs.conntrack': '1' }]) {
    expect(found({ services, marks: [rule], sysctls: { ...sysctls, ...other } })).toEqual(['good: '])
  }
  expect(found({ services: [service(7, destination())], marks: [rule], sysctls })).toEqual(['good: '])
})
