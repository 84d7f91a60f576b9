// Validation of arguments without a handle and without sending anything: throws what the methods reject with.
import { prepareItem, type BatchOperation } from './batch/operation.ts'
import { invalidArgument } from './values/errors.ts'
import { parseMarkRule, type MarkRule } from './marks/mark-rule.ts'
import type { CheckedRule } from './marks/checked-rule.ts'
import { elementsOf } from './marks/mark-element.ts'
import { overlapProblem, desiredRulesWork } from './marks/plan.ts'
import { MarkTable } from './marks/mark-table.ts'
import { parseEach } from './marks/handle.ts'
import { parseNatRule, type NatRule } from './marks/nat-rule.ts'
import type { RequestContext } from './calls/context.ts'
import { newSyncDaemon, type SyncDaemon } from './services/sync-daemon.ts'
import { Pauses, runAtOnce, runWithPauses, type PausingWork } from './values/pauses.ts'
import { timeoutsRow, type TimeoutsPatch } from './services/timeouts.ts'

type Context = RequestContext & { operation: string }

function check(operation: string, look: (context: Context) => unknown): void {
  const context = { operation, target: '' }
  try {
    look(context)
  } catch (error) {
    throw invalidArgument(context, error)
  }
}

/**
 * Throws the `ERR_IPVS_INVALID_ARGUMENT` that `batch`, or the method that the item names, would reject with. Sends nothing, so
 * errors of the kernel (an unknown scheduler, for example) only appear when the operation runs. This applies to all `check`
 * functions.
 */
export function checkOperation(operation: BatchOperation): void {
  check('batch', (context) => prepareItem(context, operation))
}

/** Throws what `setTimeouts` would reject with. */
export function checkTimeouts(timeouts: TimeoutsPatch): void {
  check('setTimeouts', () => timeoutsRow(timeouts))
}

/** Throws what `startSyncDaemon` would reject with. */
export function checkSyncDaemon(daemon: SyncDaemon): void {
  check('startSyncDaemon', () => newSyncDaemon(daemon))
}

/** Throws what `FirewallMarks.add` and `replace` would reject with for this rule alone. */
export function checkMarkRule(rule: MarkRule): void {
  check('add', () => parseMarkRule(rule, 'rule'))
}

/** Throws what `FirewallMarks.addNat` and `replaceNat` would reject with for this rule alone. */
export function checkNatRule(rule: NatRule): void {
  check('addNat', () => parseNatRule(rule, 'rule'))
}

// Finds overlaps of rules with each other and with existing rules.
function* checkTogether<Rule>(
  rules: readonly Rule[],
  existing: readonly Rule[],
  parse: (rule: unknown, path: string) => CheckedRule,
  pauses: Pauses,
): PausingWork<void> {
  const present = []
  for (const rule of parseEach(existing, parse, 'existing')) {
    present.push(...elementsOf(rule))
    if (pauses.isDue()) yield
  }
  const desired = yield* desiredRulesWork(parseEach(rules, parse), pauses)
  const problem = yield* overlapProblem(new MarkTable(present, 0), desired, '', pauses)
  if (problem !== undefined) throw problem
}

function* rejecting(operation: string, work: PausingWork<void>): PausingWork<void> {
  try {
    yield* work
  } catch (error) {
    throw invalidArgument({ operation, target: '' }, error)
  }
}

/**
 * Throws what `FirewallMarks.add` would reject with for these rules in a table that has the rules of `existing`: the first
 * one that cannot be, or that overlaps another one. The error's `attribute` is `rules[3]`, or a part of it.
 */
export function checkMarkRules(rules: readonly MarkRule[], existing: readonly MarkRule[] = []): void {
  runAtOnce(rejecting('add', checkTogether(rules, existing, parseMarkRule, new Pauses())))
}

/** The same for many rules, with pauses every few milliseconds: rejects with what `checkMarkRules` throws. */
export async function checkMarkRulesAsync(
  rules: readonly MarkRule[],
  existing: readonly MarkRule[] = [],
): Promise<void> {
  const pauses = new Pauses()
  await runWithPauses(rejecting('add', checkTogether(rules, existing, parseMarkRule, pauses)), pauses)
}

/** Throws what `FirewallMarks.addNat` would reject with for these rules in a table that has the rules of `existing`. */
export function checkNatRules(rules: readonly NatRule[], existing: readonly NatRule[] = []): void {
  runAtOnce(rejecting('addNat', checkTogether(rules, existing, parseNatRule, new Pauses())))
}
