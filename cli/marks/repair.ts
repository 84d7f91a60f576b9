// The repair step of `ipvs restore`, for rules that are in the table but without effect.
import type { FirewallMarks } from 'ipvs'
import type { Step } from '../../state/difference.ts'
import type { Document } from '../../state/document.ts'

/** The repair step. Empty if the steps for `wanted` already change marks or NAT rules, and so repair them. */
export async function repairStep(
  marks: FirewallMarks | undefined,
  wanted: Pick<Document, 'marks' | 'nat'>,
  steps: readonly Step[],
): Promise<Step[]> {
  const repaired = steps.some(({ name }) => name === 'marks' || name === 'nat')
  if (marks === undefined || repaired || (wanted.marks === undefined && wanted.nat === undefined)) return []
  const { problems } = await marks.status()
  // Obstacles are rules of other programs, and stay.
  const ours = problems.filter(({ kind }) => kind !== 'obstacle')
  return ours.length === 0 ? [] : [{ name: 'repair', problems: ours.map(({ text }) => text) }]
}
