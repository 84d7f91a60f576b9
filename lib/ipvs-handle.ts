// What a handle is made of: the queue that all its operations go through, and the namespace for their errors.
import type { Namespace, NamespaceStatus } from './calls/namespace.ts'
import { parseCallOptions, type CallOptions } from './calls/options.ts'
import type { CallQueue } from './calls/queue.ts'
import { operationCode } from './binding/records.ts'
import { checked, type RequestContext } from './calls/context.ts'
import type { Write } from './calls/requests.ts'
import { runBatch } from './batch/batch.ts'
import { parseBatchOptions, parseSource, type BatchOptions } from './batch/options.ts'
import type { BatchOperation } from './batch/operation.ts'
import type { BatchResult } from './values/errors.ts'

export class Handle {
  readonly queue: CallQueue
  readonly netns: Namespace | undefined

  constructor(queue: CallQueue, netns: Namespace | undefined) {
    this.queue = queue
    this.netns = netns
  }

  context(operation: string, target = ''): RequestContext {
    return { operation, target, netns: this.netns?.path }
  }

  async namespaceStatus(options: CallOptions): Promise<NamespaceStatus> {
    const context = this.context('namespaceStatus', this.netns?.path ?? 'current network namespace')
    return this.queue.namespaceStatus(
      context,
      checked(context, () => parseCallOptions(options)),
    )
  }

  /** A read that needs no key. */
  async read(operation: string, target: string, options: CallOptions): Promise<ArrayBuffer> {
    const context = this.context(operation, target)
    const signal = checked(context, () => parseCallOptions(options))
    return this.queue.read({ code: operationCode(operation) }, context, signal)
  }

  /** A write that needs no read. */
  async write(operation: string, options: CallOptions, prepare: (context: RequestContext) => Write): Promise<void> {
    const context = this.context(operation)
    const [write, signal] = checked(context, () => [prepare(context), parseCallOptions(options)])
    return this.queue.write(write, context, signal)
  }

  /** Items that `convert` makes operations of. */
  async batch(
    operation: string,
    [name, items]: readonly [string, unknown],
    options: BatchOptions,
    convert?: (item: unknown) => unknown,
  ): Promise<BatchResult<BatchOperation>> {
    const context = this.context(operation)
    const [source, parsed] = checked(context, () => [parseSource(items, name), parseBatchOptions(options)])
    return runBatch(this.queue, { ...source, convert }, parsed, context)
  }
}
