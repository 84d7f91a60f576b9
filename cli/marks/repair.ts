// What `ipvs restore` does about rules that are as they should be, and yet without effect.
import type { FirewallMarks } from 'ipvs'
import type { Step } from '../../state/difference.ts'
import type { Document } from '../../state/document.ts'

/** The step that mends them, when those for `wanted` do not do it anyway. */
export async function repairStep(
  marks: FirewallMarks | undefined,
  wanted: Pick<Document, 'marks' | 'nat'>,
  steps: readonly Step[],
): Promise<Step[]> {
  const mended = steps.some(({ name }) => name === 'marks' || name === 'nat')
  if (marks === undefined || mended || (wanted.marks === undefined && wanted.nat === undefined)) return []
  const { problems } = await marks.status()
  // What stands in the way is somebody else's.
  const ours = problems.filter(({ kind }) => kind !== 'obstacle')
  return ours.length === 0 ? [] : [{ name: 'repair', problems: ours.map(({ text }) => text) }]
}
