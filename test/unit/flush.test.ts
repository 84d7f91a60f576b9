import { describe, expect, test } from 'vitest'

import { IpvsError, type IpvsErrorCode } from '../../lib/errors.ts'
import { assertGone, ofFamily, parseFlushOptions } from '../../lib/flush.ts'
import { refused } from './refused.ts'

const failures = (...codes: IpvsErrorCode[]) =>
  codes.map((code, index) => ({
    index,
    operation: {},
    error: new IpvsError(code, 'problem', { operation: 'removeService', target: 'FWM 7 ipv4' }),
  }))
const result = (...codes: IpvsErrorCode[]) => ({ applied: 0, failures: failures(...codes), done: codes.length })

describe('flush', () => {
  test('of one family', () => {
    const services = [{ family: 'ipv4' }, { family: 'ipv6' }, { family: 'ipv4' }] as const
    expect([...ofFamily(services, 'ipv4')]).toEqual([services[0], services[2]])
    expect([...ofFamily(services, 'ipv6')]).toEqual([services[1]])
  })

  test('what others removed meanwhile is gone, too', () => {
    expect(() => assertGone(result('ERR_IPVS_SERVICE_NOT_FOUND', 'ERR_IPVS_SERVICE_NOT_FOUND'))).not.toThrow()
  })

  test('any other failure counts', () => {
    const code = 'ERR_IPVS_RECEIVE_OVERRUN'
    expect(() => assertGone(result('ERR_IPVS_SERVICE_NOT_FOUND', code))).toThrow(expect.objectContaining({ code }))
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
