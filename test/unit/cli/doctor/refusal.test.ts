// `ipvs doctor`: IPVS does not answer.
import { expect, test } from 'vitest'
import { diagnose } from '../../../../cli/doctor/diagnose.ts'
import type { Facts } from '../../../../cli/doctor/facts.ts'
import { facts, found, rule } from './given.ts'

const refused = (code: NonNullable<Facts['refused']>['code'], userNamespace = false): Partial<Facts> => ({
  refused: { code, message: 'no IPVS', userNamespace },
  marks: [rule],
})

test('no IPVS is all that is said', () => {
  expect(diagnose(facts(refused('ERR_IPVS_UNAVAILABLE')))).toEqual([
    { level: 'bad', code: 'ipvs-unavailable', what: 'no IPVS', why: 'nothing is balanced', fix: ['modprobe ip_vs'] },
  ])
  expect(found(refused('ERR_IPVS_PERMISSION_DENIED'))).toEqual(['bad: sudo ipvs doctor'])
  expect(diagnose(facts(refused('ERR_IPVS_PERMISSION_DENIED', true)))).toMatchObject([
    { level: 'bad', code: 'user-namespace', what: expect.stringContaining('rootless') as string },
  ])
})
