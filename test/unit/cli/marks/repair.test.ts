// `ipvs restore`: rules that are right, and without effect.
import type { FirewallMarks, MarksStatus } from 'ipvs'
import { expect, test } from 'vitest'
import type { Step } from '../../../../state/difference.ts'
import { stepText } from '../../../../state/step-text.ts'
import { repairStep } from '../../../../cli/marks/repair.ts'

const withStatus = (problems: MarksStatus['problems']) =>
  ({ status: () => Promise.resolve({ inEffect: false, problems }) }) as unknown as FirewallMarks
const dormant = withStatus([{ kind: 'dormant', text: 'the table is dormant' }])
const replacing: Step = { name: 'marks', rules: [], changes: [] }

test('a step of its own mends them', async () => {
  const [step] = await repairStep(dormant, { marks: [] }, [])
  expect(step).toEqual({ name: 'repair', problems: ['the table is dormant'] })
  expect(stepText(step as Step)).toBe('~ marks: repair (the table is dormant)')
})

test('there is none where marks are left alone, or changed anyway, or where others stand in the way', async () => {
  expect(await repairStep(dormant, {}, [])).toEqual([])
  expect(await repairStep(undefined, { marks: [] }, [])).toEqual([])
  expect(await repairStep(dormant, { marks: [] }, [replacing])).toEqual([])
  const obstacle = withStatus([{ kind: 'obstacle', text: 'rule 12', chain: 'output', handle: 12n }])
  expect(await repairStep(obstacle, { nat: [] }, [])).toEqual([])
})
