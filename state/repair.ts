// Rules that are as they should be, and yet without effect.
import type { FirewallMarks } from 'ipvs'
import { Changes } from './changes.ts'
import type { State } from './state.ts'

/**
 * The changes, and one that makes rules take effect again, when the desired state has rules, they are as they should be, and
 * something keeps them from taking effect: `nft flush table inet ipvs`, for instance. Changes of rules mend that by themselves.
 * What stands in the way and is somebody else's stays; `FirewallMarks.status` has it.
 */
export async function withRepair(
  changes: Changes,
  desired: Pick<State, 'marks' | 'nat'>,
  marks: Pick<FirewallMarks, 'status'> | undefined,
): Promise<Changes> {
  const mended = changes.list.some(({ kind }) => kind === 'mark' || kind === 'nat')
  if (marks === undefined || mended || (desired.marks === undefined && desired.nat === undefined)) return changes
  const problems = (await marks.status()).problems.filter(({ kind }) => kind !== 'obstacle')
  if (problems.length === 0) return changes
  return new Changes([...changes.list, { kind: 'repair', action: 'update', key: 'repair', problems }], changes.problems)
}
