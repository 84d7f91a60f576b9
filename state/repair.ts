// Repairs rules without effect.
import type { FirewallMarks } from 'ipvs'
import { Changes } from './changes.ts'
import type { State } from './state.ts'

/**
 * Adds a `repair` change if the desired state has rules, no rule changes, and the rules are without effect, for instance after
 * `nft flush table inet ipvs`. Changes of rules repair the table anyway. Obstacles, rules of other programs, stay: see
 * `FirewallMarks.status`. Rejects with the errors of `FirewallMarks.status`.
 */
export async function withRepair(
  changes: Changes,
  desired: Pick<State, 'marks' | 'nat'>,
  marks: Pick<FirewallMarks, 'status'> | undefined,
): Promise<Changes> {
  const rulesChange = changes.list.some(({ kind }) => kind === 'mark' || kind === 'nat')
  if (marks === undefined || rulesChange || (desired.marks === undefined && desired.nat === undefined)) return changes
  const problems = (await marks.status()).problems.filter(({ kind }) => kind !== 'obstacle')
  if (problems.length === 0) return changes
  return new Changes([...changes.list, { kind: 'repair', action: 'update', key: 'repair', problems }], changes.problems)
}
