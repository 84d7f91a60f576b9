// Starts batches.
import { checked, type RequestContext } from '../calls/context.ts'
import type { Handle } from '../calls/handle.ts'
import type { CallQueue } from '../calls/queue.ts'
import type { BatchResult } from '../values/errors.ts'
import { Batch } from './batch.ts'
import type { BatchOperation } from './operation.ts'
import { parseBatchOptions, parseSource, type BatchOptions, type ParsedBatchOptions, type Source } from './options.ts'

// Converters of items to operations.
export const addingServices = (service: unknown): object => ({ operation: 'addService', service })
export const removingServices = (service: unknown): object => ({ operation: 'removeService', service })

/** Converts destinations to operations that add them to a service. */
export function addingTo(service: unknown): (destination: unknown) => object {
  return (destination) => ({ operation: 'addDestination', service, destination })
}

/** Converts destinations to operations that remove them from a service. */
export function removingFrom(service: unknown): (destination: unknown) => object {
  return (destination) => ({ operation: 'removeDestination', service, destination })
}

/** Starts a batch after the preceding calls. */
export function runBatch(
  queue: CallQueue,
  source: Source,
  options: ParsedBatchOptions,
  context: RequestContext,
): Promise<BatchResult<BatchOperation>> {
  const batch = new Batch(queue, source, options, context)
  queue.addLong(batch)
  return batch.promise
}

/** Validates the arguments of a batch and starts it after the preceding calls. `convert` converts an item to an operation. */
export async function startBatch(
  handle: Handle,
  operation: string,
  [name, items]: readonly [string, unknown],
  options: BatchOptions,
  convert?: (item: unknown) => unknown,
): Promise<BatchResult<BatchOperation>> {
  const context = handle.context(operation)
  const [source, parsed] = checked(context, () => [parseSource(items, name), parseBatchOptions(options)])
  return runBatch(handle.queue, { ...source, convert }, parsed, context)
}
