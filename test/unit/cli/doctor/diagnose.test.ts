// `ipvs doctor`: All findings together.
import { expect, test } from 'vitest'
import { diagnose, fromOutside } from '../../../../cli/doctor/diagnose.ts'
import { destination, facts, found, rule, service } from './given.ts'

test('no findings', () => {
  expect(found({ services: [service(7, destination())], marks: [rule] })).toEqual(['good: '])
})

test('fixes in another namespace', () => {
  const findings = diagnose(facts({ marks: [rule], sysctls: { 'net.ipv4.vs.run_estimation': '0' } }))
  const fixes = (netns: string) => fromOutside(findings, netns).flatMap(({ fix = [] }) => fix)
  expect(fixes('blue')).toEqual([
    'ipvs add service mark:7 --netns blue',
    'ip netns exec blue sysctl -w net.ipv4.vs.run_estimation=1',
  ])
  const masked = diagnose(facts({ services: [service(7, destination())], marks: [{ ...rule, mask: 0xff }] }))
  expect(fromOutside(masked, 'blue')[0]?.fix?.join(' && ')).toMatch(/--mask 0xff --netns blue && ipvs .* --netns blue$/)
  expect(fixes('/proc/7/ns/net')[1]).toBe('nsenter --net=/proc/7/ns/net sysctl -w net.ipv4.vs.run_estimation=1')
})
