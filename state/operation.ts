// Changes as operations of batches and transactions.
import type { BatchOperation } from 'ipvs'
import { absentOfDestination, absentOfService } from './attributes.ts'
import type { DestinationChange, RuleChange, ServiceChange } from './change.ts'

/**
 * Updates contain every setting: so the kernel's row need not be read first, and settings that another program changed meanwhile
 * are right afterwards.
 */
export function operationOf(change: ServiceChange | DestinationChange): BatchOperation {
  const { service } = change
  if (change.kind === 'service') {
    if (change.action === 'add') return { operation: 'addService', service }
    if (change.action === 'remove') return { operation: 'removeService', service }
    return { operation: 'updateService', service, patch: { ...absentOfService, ...change.service } }
  }
  const { destination } = change
  if (change.action === 'add') return { operation: 'addDestination', service, destination }
  if (change.action === 'remove') return { operation: 'removeDestination', service, destination }
  // Without what a patch need not repeat, native code packs the operation: the key, and the tunnel options that every other
  // forwarding method removes.
  const { address: _address, port: _port, ...settings } = destination
  const { tunnel, ...absent } = absentOfDestination
  const patch = { ...absent, ...(settings.forwarding === 'tunnel' && { tunnel }), ...settings }
  return { operation: 'updateDestination', service, destination, patch }
}

/** Changes of rules as one transaction. */
export function transactionOf<Rule>(changes: readonly RuleChange<'mark' | 'nat', Rule>[]): {
  remove: Rule[]
  add: Rule[]
} {
  return {
    remove: changes.flatMap((change) =>
      change.action === 'remove' ? [change.rule] : change.action === 'update' ? change.from : [],
    ),
    add: changes.flatMap((change) => (change.action === 'remove' ? [] : [change.rule])),
  }
}
