import { describe, expect, test } from 'vitest'

import { IpvsError, type IpvsErrorCode } from '../../../lib/values/errors.ts'
import { assertGone, ofFamily, parseFlushOptions } from '../../../lib/services/flush.ts'
import { refused } from '../support/refused.ts'

const failures = (...codes: IpvsErrorCode[]) =>
  codes.map((code, index) => ({
    index,
    operation: {},
    error: new IpvsError(code, 'problem', {
      operation: 'removeService',
      target: 'FWM 7 ipv4',
      outcome: code === 'ERR_IPVS_TIMEOUT' ? 'unknown' : 'not-applied',
    }),
  }))
const result = (applied: number, ...codes: IpvsErrorCode[]) => ({
  applied,
  failures: failures(...codes),
  done: applied + codes.length,
})

function thrown(given: ReturnType<typeof result>): unknown {
  try {
    assertGone(given)
  } catch (error) {
    return error
  }
  return undefined
}

describe('flush', () => {
  test('of one family', () => {
    const services = [{ family: 'ipv4' }, { family: 'ipv6' }, { family: 'ipv4' }] as const
    expect([...ofFamily(services, 'ipv4')]).toEqual([services[0], services[2]])
    expect([...ofFamily(services, 'ipv6')]).toEqual([services[1]])
  })

  test('a service that another program removed meanwhile counts as removed', () => {
    expect(() => assertGone(result(1, 'ERR_IPVS_SERVICE_NOT_FOUND', 'ERR_IPVS_SERVICE_NOT_FOUND'))).not.toThrow()
  })

  test('any other failure is reported, with the number of removed services', () => {
    const code = 'ERR_IPVS_RECEIVE_OVERRUN'
    const given = result(3, 'ERR_IPVS_SERVICE_NOT_FOUND', code, 'ERR_IPVS_KERNEL')
    const failed = given.failures.slice(1)
    expect(thrown(given)).toMatchObject({
      code,
      operation: 'flush',
      message: 'flush: 4 of 6 services were removed; 2 failed, first removeService FWM 7 ipv4: problem',
      outcome: 'partial',
      batch: { applied: 4, failures: failed, done: 6 },
      cause: failed[0]?.error,
    })
  })

  test('the outcome is unknown if one is unknown', () => {
    expect(thrown(result(0, 'ERR_IPVS_KERNEL'))).toMatchObject({ outcome: 'not-applied' })
    expect(thrown(result(2, 'ERR_IPVS_KERNEL', 'ERR_IPVS_TIMEOUT'))).toMatchObject({ outcome: 'unknown' })
  })

  test.each([
    ['options.family', { family: 4 }],
    ['options.family', { family: 'IPv4' }],
    ['options.signal', { signal: 7 }],
    ['options.families', { families: 'ipv4' }],
    ['options', null],
  ])('refuses %s (%#)', (field, options) => {
    expect(refused(() => parseFlushOptions(options)).field).toBe(field)
  })
})
