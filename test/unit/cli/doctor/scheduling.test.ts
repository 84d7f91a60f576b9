// `ipvs doctor`: services whose scheduler finds nobody.
import type { ListedDestination, ServiceSnapshot } from 'ipvs'
import { expect, test } from 'vitest'
import { destination, found, rule, service } from './given.ts'

const only = (more: Partial<ServiceSnapshot>, ...destinations: ListedDestination[]) =>
  found({
    services: [{ ...service(7, ...destinations), ...more } as ServiceSnapshot],
    marks: [{ ...rule, ports: [80] }],
  })
const drained = destination({ address: '10.0.0.17', weight: 0 })
const limited = (active: number, inactive: number, upperThreshold = 4) =>
  destination({ activeConnections: active, inactiveConnections: inactive, upperThreshold })

test('without destinations, or with drained ones only', () => {
  expect(only({})).toEqual(['bad: '])
  expect(only({}, destination({ weight: 0 }), drained)).toEqual([
    'bad: ipvs set destination mark:7 10.0.0.7 --weight 1 && ipvs set destination mark:7 10.0.0.17 --weight 1',
  ])
  expect(only({}, destination(), drained)).toEqual(['good: '])
  const { fwmark: _, ...rest } = service(7, destination({ address: 'fd00::7', port: 80, weight: 0 }))
  const byAddress = { ...rest, protocol: 'tcp', address: '2001:db8::1', port: 80 } as ServiceSnapshot
  expect(found({ services: [byAddress] })).toEqual([
    'bad: ipvs set destination tcp:[2001:db8::1]:80 [fd00::7]:80 --weight 1',
  ])
})

test('with full destinations only; closed connections count', () => {
  expect(only({}, limited(1, 3), drained)).toEqual(['bad: ipvs set destination mark:7 10.0.0.7 --upper 8'])
  expect(only({}, limited(1, 2))).toEqual(['good: '])
  expect(only({}, limited(1, 3), destination({ address: '10.0.0.17' }))).toEqual(['good: '])
})

test.each(['sh', 'mh'] as const)('%s without its fallback', (scheduler) => {
  const fix = `ipvs set service mark:7 --flags ${scheduler}-port,${scheduler}-fallback`
  const flags = { scheduler, schedulerFlags: [`${scheduler}-port`] } as Partial<ServiceSnapshot>
  expect(only(flags, destination(), drained)).toEqual([`bad: ${fix}`])
  expect(only(flags, destination({ address: '10.0.0.17' }), limited(2, 2))).toEqual([`bad: ${fix}`])
  expect(only(flags, destination({ address: '10.0.0.17' }), limited(2, 1))).toEqual([`risk: ${fix}`])
  expect(only(flags, destination(), destination({ address: '10.0.0.17' }))).toEqual(['good: '])
  const fallback = { scheduler, schedulerFlags: [`${scheduler}-fallback`] } as Partial<ServiceSnapshot>
  expect(only(fallback, destination(), drained)).toEqual(['good: '])
  expect(only({ scheduler: 'rr', schedulerFlags: [] }, destination(), drained)).toEqual(['good: '])
})
