// `ipvs doctor`: Services as such.
import { expect, test } from 'vitest'
import { serviceBuckets } from '../../../../cli/doctor/proc.ts'
import { destination, found, service } from './given.ts'

test('the service table of Linux 7 that has stopped growing', () => {
  const services = Array.from({ length: 100 }, (_, at) => service(at + 1, destination()))
  const table = (count: number, loadFactor: number) =>
    found({ services, marks: undefined, serviceBuckets: { count, loadFactor } })
  expect(table(16, -3)).toEqual(['risk: sysctl -w net.ipv4.vs.svc_lfactor=-3'])
  expect(table(1024, -3)).toEqual(['good: '])
  expect(table(16, 8)).toEqual(['good: '])
  const status = 'Services:\t100\nService buckets:\t16 (4 bits, lfactor -3)\nService buckets empty:\t15 (93%)\n'
  expect(serviceBuckets(status)).toEqual({ count: 16, loadFactor: -3 })
  expect(serviceBuckets(undefined)).toBe(undefined)
})
