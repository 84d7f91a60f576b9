// Compares two states. The order of the changes keeps traffic flowing.
import type { MarkRule, NatRule } from 'ipvs'
import type { Change } from './change.ts'
import { Changes } from './changes.ts'
import { checkState } from './checked.ts'
import type { StateEntry } from './entries.ts'
import { serviceText } from './key-text.ts'
import { Problems, StateError } from './problems.ts'
import {
  MOST_OVERLAPS,
  ruleChanges,
  ruleDifference,
  withoutOverlaps,
  withoutOverlapsAsync,
  type RuleDifference,
} from './rule-difference.ts'
import { markKey, markKind, natKey, natKind } from './rule-kinds.ts'
import { serviceDifference, type Parts } from './service-difference.ts'
import { daemonDifference, timeoutChanges } from './setting-difference.ts'
import type { CurrentService, CurrentState, State } from './state.ts'
import { runAtOnce, rowCounter, runWithPauses, type PausingWork } from './pauses.ts'

/** Options of {@link diffState}. */
export interface DiffOptions {
  /**
   * Removes entries that a desired list lacks: `true` all of them, a function each entry for which it returns `true`. Default
   * `false`. Entries of absent sections, and destinations of services without `destinations`, always stay. The destinations of
   * a removed service are removed without a call.
   */
  readonly prune?: boolean | ((entry: StateEntry) => boolean) | undefined
  /** `true`: leaves out invalid rows; what they name stays as it is. See `Changes.problems`. Default `false`: throws. */
  readonly skipInvalid?: boolean | undefined
}

/** Options of {@link diffStateAsync}. */
export interface DiffAsyncOptions extends DiffOptions {
  /** Ends the comparison: the call rejects with the reason of the signal. */
  readonly signal?: AbortSignal | undefined
}

interface Comparison {
  readonly problems: Problems
  readonly timeouts: readonly Change[]
  readonly services: Parts
  readonly daemons: Parts
  readonly marks: RuleDifference<MarkRule>
  readonly nat: RuleDifference<NatRule>
}

// With skipInvalid all overlaps are looked for, because the remaining rules are applied.
const mostOverlaps = ({ skipInvalid }: DiffOptions): number => (skipInvalid === true ? Infinity : MOST_OVERLAPS)

const noRules = { written: [], removed: [], kept: [] }

function* compare(current: CurrentState, desired: State, { prune = false }: DiffOptions): PausingWork<Comparison> {
  const prunes = typeof prune === 'function' ? prune : () => prune
  const known = new Map<string, CurrentService>()
  const canPause = rowCounter()
  for (const each of current.services) {
    known.set(serviceText(each.service), each)
    if (canPause()) yield
  }
  const checked = yield* checkState(desired, known)
  const prunesMark = (rule: MarkRule) => prunes({ kind: 'mark', key: markKey(rule), rule })
  const prunesNat = (rule: NatRule) => prunes({ kind: 'nat', key: natKey(rule), rule })
  const { marks, nat } = checked
  return {
    problems: new Problems(checked.problems),
    timeouts: timeoutChanges(current.timeouts, checked.timeouts),
    services: yield* serviceDifference(known, checked.services, prunes),
    daemons: daemonDifference(current.daemons, checked.daemons, prunes),
    marks: marks ? yield* ruleDifference(markKind, current.marks ?? [], marks, prunesMark) : noRules,
    nat: nat ? yield* ruleDifference(natKind, current.nat ?? [], nat, prunesNat) : noRules,
  }
}

// The order of the changes. Services and destinations are added before the rules that send packets to them, and removed after the
// rules. A daemon that gets new settings is stopped first and started last: while a daemon runs, the kernel refuses destinations
// of the other address family.
function changesOf({ problems, timeouts, services, daemons, marks, nat }: Comparison, options: DiffOptions): Changes {
  if (problems.list.length > 0 && options.skipInvalid !== true) throw new StateError('diffState', problems.list)
  const list = [
    ...daemons.removed,
    ...timeouts,
    ...services.written,
    ...ruleChanges('nat', natKind, nat),
    ...ruleChanges('mark', markKind, marks),
    ...services.removed,
    ...daemons.written,
  ]
  return new Changes(list, problems.list)
}

/**
 * Returns the changes from `current`, a state from {@link readState}, to `desired`. Spellings are not differences: defaults
 * present or absent, netmasks as masks or lengths, any form of an IPv6 address. Entries that `desired` lacks stay unless `prune`
 * removes them.
 *
 * An existing rule is replaced, also without `prune`, if desired rules cover all its packets. A desired rule with the mark of
 * an existing rule, for some of its ports, needs no change.
 *
 * Validates all of `desired` first: throws {@link StateError} with all problems. Blocks the event loop; for thousands of
 * services use {@link diffStateAsync}.
 */
export function diffState(current: CurrentState, desired: State, options: DiffOptions = {}): Changes {
  const found = runAtOnce(compare(current, desired, options))
  const { problems } = found
  const most = mostOverlaps(options)
  const marks = withoutOverlaps(markKind, found.marks, problems, most)
  const nat = withoutOverlaps(natKind, found.nat, problems, most)
  return changesOf({ ...found, marks, nat }, options)
}

/** {@link diffState} with pauses every few milliseconds. Rejects with its errors, or with the reason of the signal. */
export async function diffStateAsync(
  current: CurrentState,
  desired: State,
  options: DiffAsyncOptions = {},
): Promise<Changes> {
  const found = await runWithPauses(compare(current, desired, options), options.signal)
  const { problems } = found
  const most = mostOverlaps(options)
  const marks = await withoutOverlapsAsync(markKind, found.marks, problems, most)
  options.signal?.throwIfAborted()
  const nat = withoutOverlaps(natKind, found.nat, problems, most)
  return changesOf({ ...found, marks, nat }, options)
}
