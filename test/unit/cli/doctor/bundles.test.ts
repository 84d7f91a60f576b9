// `ipvs doctor`: several ports under one mark.
import type { ServiceSnapshot } from 'ipvs'
import { expect, test } from 'vitest'
import { destination, found, probed, rule, service } from './given.ts'

const two = [destination(), destination({ address: '10.0.0.17' })]
const bundle = (more: object = {}): ServiceSnapshot => ({
  ...service(7, ...two),
  scheduler: 'rr',
  schedulerFlags: [],
  ...more,
})

test('without persistence', () => {
  const fix = ['risk: ipvs set service mark:7 --persistence 360']
  expect(found({ services: [bundle()], marks: [rule] })).toEqual(fix)
  expect(found({ services: [bundle()], marks: [{ ...rule, ports: ['1000-2000'] }] })).toEqual(fix)
  expect(found({ services: [bundle({ scheduler: 'sh', schedulerFlags: ['sh-port'] })], marks: [rule] })).toEqual(fix)
})

test.each([
  ['one port', {}, { ports: [80] }],
  ['persistence', { persistence: { timeoutSeconds: 360 } }, {}],
  ['a scheduler by address', { scheduler: 'sh', schedulerFlags: [] }, {}],
  ['one destination', { destinations: [destination()] }, {}],
  ['one that is not drained', { destinations: [destination(), destination({ weight: 0 })] }, {}],
])('fine: %s', (_what, more, ports) => {
  expect(found({ services: [bundle(more)], marks: [{ ...rule, ...ports }] })).toEqual(['good: '])
})

const ftp = (forwarding: 'masquerade' | 'direct', address = '10.0.0.7') =>
  bundle({ persistence: {}, destinations: [destination({ forwarding, address })] })
const marks = [{ ...rule, ports: [21, '10000-20000' as const] }]

const translated = ({ kind }: { kind: string }) => (kind === 'active' ? { outcome: 'unknown' as const } : undefined)

test('active FTP', () => {
  const fix = ['risk: ipvs marks nat add masquerade 10.0.0.7 tcp 20']
  expect(found(probed({ services: [ftp('masquerade')], marks }))).toEqual(fix)
  expect(found(probed({ services: [ftp('direct')], marks }))).toEqual(['good: '])
  expect(found(probed({ services: [ftp('masquerade', '203.0.113.7')], marks }))).toEqual(['good: '])
  expect(found(probed({ services: [ftp('masquerade')], marks }, translated))).toEqual(['good: '])
})
