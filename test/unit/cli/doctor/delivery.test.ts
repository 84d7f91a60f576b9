// `ipvs doctor`: virtual addresses that are none of this host's.
import { expect, test } from 'vitest'
import { destination, found, probed, rule, service, web } from './given.ts'

const elsewhere = () => ({ route: 'elsewhere' as const })

test('the address of a service', () => {
  expect(found(probed({ services: [web(destination())] }, elsewhere))).toEqual([
    'bad: ip route add local 172.16.0.100 dev lo',
  ])
})

test.each([
  ['172.16.5.0/24', 'ip route add local 172.16.5.0/24 dev lo'],
  ['172.16.0.99-172.16.0.101', 'ip route add local 172.16.0.99 dev lo && ip route add local 172.16.0.100/31 dev lo'],
  ['0.0.0.0/0', 'ip rule add fwmark 7 lookup 100 && ip route add local default dev lo table 100'],
])('the addresses of a mark rule: %s', (address, fix) => {
  const marks = [{ ...rule, address }]
  expect(found(probed({ services: [service(7, destination())], marks }, elsewhere))).toEqual([`bad: ${fix}`])
})

test('rules without a service have another finding', () => {
  expect(found(probed({ marks: [rule] }, elsewhere))).toEqual(['bad: ipvs add service mark:7'])
})
