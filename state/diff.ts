// From one state to another: what has to be changed, in an order that keeps traffic flowing.
import type { MarkRule, NatRule } from 'ipvs'
import type { Change } from './change.ts'
import { Changes } from './changes.ts'
import { checkState } from './checked.ts'
import type { StateEntry } from './entries.ts'
import { serviceText } from './key-text.ts'
import { Problems, StateError } from './problems.ts'
import {
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
import { atOnce, beats, inSlices, type Work } from './work.ts'

/** Options of `diffState`. */
export interface DiffOptions {
  /**
   * Whether something goes that the desired state does not name, though it has the section (of a destination: though it has
   * the service, with `destinations`). Default `false`: nothing goes. `true`: all of it. A function is asked for each entry;
   * with a service its destinations go without being asked for.
   */
  readonly prune?: boolean | ((entry: StateEntry) => boolean) | undefined
  /** `true`: rows that cannot be are left out, and what they name is left as it is; see `Changes.problems`. Default `false`. */
  readonly skipInvalid?: boolean | undefined
}

/** Options of `diffStateAsync`. */
export interface DiffAsyncOptions extends DiffOptions {
  /** Ends it: the call rejects with the reason of the signal. */
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

const noRules = { puts: [], goes: [], stays: [] }

function* compare(current: CurrentState, desired: State, { prune = false }: DiffOptions): Work<Comparison> {
  const prunes = typeof prune === 'function' ? prune : () => prune
  const known = new Map<string, CurrentService>()
  const due = beats()
  for (const each of current.services) {
    known.set(serviceText(each.service), each)
    if (due()) yield
  }
  const wanted = yield* checkState(desired, known)
  const prunesMark = (rule: MarkRule) => prunes({ kind: 'mark', key: markKey(rule), rule })
  const prunesNat = (rule: NatRule) => prunes({ kind: 'nat', key: natKey(rule), rule })
  const [{ marks, nat }, there] = [wanted, current]
  return {
    problems: new Problems(wanted.problems),
    timeouts: timeoutChanges(current.timeouts, wanted.timeouts),
    services: yield* serviceDifference(known, wanted.services, prunes),
    daemons: daemonDifference(current.daemons, wanted.daemons, prunes),
    marks: marks ? yield* ruleDifference(markKind, there.marks ?? [], marks, prunesMark) : noRules,
    nat: nat ? yield* ruleDifference(natKind, there.nat ?? [], nat, prunesNat) : noRules,
  }
}

// What is new or different comes first, then the marks, which lead to it, and only then what goes. Daemons that change stop
// first, because they forbid some destinations, and start last.
function changesOf({ problems, timeouts, services, daemons, marks, nat }: Comparison, options: DiffOptions): Changes {
  if (problems.list.length > 0 && options.skipInvalid !== true) throw new StateError('diffState', problems.list)
  const list = [
    ...daemons.goes,
    ...timeouts,
    ...services.comes,
    ...ruleChanges('nat', natKind, nat),
    ...ruleChanges('mark', markKind, marks),
    ...services.goes,
    ...daemons.comes,
  ]
  return new Changes(list, problems.list)
}

/**
 * What has to be changed so that what `desired` says is so; nothing when it is. `desired` is what `ipvs save` writes or any
 * part of it, in any spelling: defaults named or not, netmasks as masks or lengths, any way to write an IPv6 address. What it
 * does not name is removed only where `prune` says so.
 *
 * The state is looked at as a whole before: throws {@link StateError} with all that is wrong, each with its path. Rules that are
 * not named and whose packets are all claimed by rules that are, make place for these, `prune` or not. The mark that a rule
 * already has, given again for fewer ports, needs no change.
 *
 * `current`: of `readState`. With thousands of services use `diffStateAsync`, which does not hold up the event loop.
 */
export function diffState(current: CurrentState, desired: State, options: DiffOptions = {}): Changes {
  const found = atOnce(compare(current, desired, options))
  const { problems } = found
  const [marks, nat] = [withoutOverlaps(markKind, found.marks, problems), withoutOverlaps(natKind, found.nat, problems)]
  return changesOf({ ...found, marks, nat }, options)
}

/** `diffState` in slices of a few milliseconds. Rejects with what that throws. */
export async function diffStateAsync(
  current: CurrentState,
  desired: State,
  options: DiffAsyncOptions = {},
): Promise<Changes> {
  const found = await inSlices(compare(current, desired, options), options.signal)
  const { problems } = found
  const marks = await withoutOverlapsAsync(markKind, found.marks, problems)
  options.signal?.throwIfAborted()
  const nat = withoutOverlaps(natKind, found.nat, problems)
  return changesOf({ ...found, marks, nat }, options)
}
