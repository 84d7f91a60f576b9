// Arguments looked at without a handle, and without sending anything: what a method would refuse, it refuses here as well.
import { prepareItem, type BatchOperation } from './batch/operation.ts'
import { invalidArgument } from './values/errors.ts'
import { parseMarkRule, type MarkRule } from './marks/mark-rule.ts'
import { parseNatRule, type NatRule } from './marks/nat-rule.ts'
import type { RequestContext } from './calls/context.ts'
import { newSyncDaemon, type SyncDaemon } from './services/sync-daemon.ts'
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
 * Throws what `batch`, or the method that the item names, would reject with as `ERR_IPVS_INVALID_ARGUMENT`. Nothing is sent:
 * what the kernel says, for example that it has no such scheduler, shows only when the operation is carried out. The same
 * goes for the rest of this kind.
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
