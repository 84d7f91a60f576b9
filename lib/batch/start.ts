// From the arguments of a batch to one that runs.
import { checked, type RequestContext } from '../calls/context.ts'
import type { Handle } from '../calls/handle.ts'
import type { CallQueue } from '../calls/queue.ts'
import type { BatchResult } from '../values/errors.ts'
import { Batch } from './batch.ts'
import type { BatchOperation } from './operation.ts'
import { parseBatchOptions, parseSource, type BatchOptions, type ParsedBatchOptions, type Source } from './options.ts'

/** Starts a batch behind the calls made before it. */
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

/** Checks the arguments of a batch and starts it behind the calls made before. `convert` makes an operation of an item. */
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
