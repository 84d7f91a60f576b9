// The handle of `Ipvs`: the queue of its calls, and the namespace for errors.
import { operationCode } from '../binding/records.ts'
import { checked, type RequestContext } from './context.ts'
import type { Namespace, NamespaceStatus } from './namespace.ts'
import { parseCallOptions, type CallOptions } from './options.ts'
import type { CallQueue } from './queue.ts'
import type { PreparedWrite, Write } from './requests.ts'

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

  /** A read without a key. */
  async read(operation: string, target: string, options: CallOptions): Promise<ArrayBuffer> {
    const context = this.context(operation, target)
    const signal = checked(context, () => parseCallOptions(options))
    return this.queue.read({ code: operationCode(operation) }, context, signal)
  }

  /** A write that does not depend on a read. */
  async write(operation: string, options: CallOptions, prepare: (context: RequestContext) => Write): Promise<void> {
    const context = this.context(operation)
    const [write, signal] = checked(context, () => [prepare(context), parseCallOptions(options)])
    return this.queue.write(write, context, signal)
  }

  /** A write that may depend on a read. */
  async update(
    operation: string,
    options: CallOptions,
    prepare: (context: RequestContext) => PreparedWrite,
  ): Promise<void> {
    const context = this.context(operation)
    const [{ read, write }, signal] = checked(context, () => [prepare(context), parseCallOptions(options)])
    if (read === undefined) return this.queue.write(write(), context, signal)
    return this.queue.writeAfterRead(read, write, context, signal)
  }
}
