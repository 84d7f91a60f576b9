// `ipvs doctor`: rules without effect.
import { expect, test } from 'vitest'
import { diagnose } from '../../../../cli/doctor/diagnose.ts'
import { destination, facts, found, rule, service } from './given.ts'

const given = { services: [service(7, destination())], marks: [rule] }

test('rules that are in effect are no finding', () => {
  expect(found({ ...given, marksStatus: { inEffect: true, problems: [] } })).toEqual(['good: '])
})

test('problems that prevent the effect, and superfluous objects', () => {
  const problems = [
    { kind: 'dormant', text: 'the table is dormant' },
    { kind: 'obstacle', text: 'rule 12', chain: 'output', handle: 12n },
    { kind: 'temporary', text: 'rule 13', chain: 'marks', handle: 13n },
  ] as const
  const findings = diagnose(facts({ ...given, marksStatus: { inEffect: false, problems } }))
  expect(findings.map(({ level, code, fix }) => [level, code, fix])).toEqual([
    ['bad', 'marks-not-in-effect', ['nft delete rule inet ipvs output handle 12', 'ipvs marks repair']],
    ['risk', 'marks-untidy', ['ipvs marks repair']],
  ])
})
