// Opens the handle of `Ipvs`.
import { binding } from '../binding/addon.ts'
import { rowWriters } from '../binding/records.ts'
import { checked, type RequestContext } from '../calls/context.ts'
import { Handle } from '../calls/handle.ts'
import { namespaceAt, sessionIn } from '../calls/namespace.ts'
import { parseOpenOptions, type OpenOptions } from '../calls/options.ts'
import { CallQueue } from '../calls/queue.ts'
import { explainServiceErrno } from './service-errno.ts'

export async function openHandle(options: OpenOptions): Promise<Handle> {
  const context: RequestContext = { operation: 'open', target: 'current network namespace' }
  const { netns, timeoutMs, signal } = checked(context, () => parseOpenOptions(options))
  if (netns !== undefined) context.target = netns
  const namespace = namespaceAt(netns)
  const session = new binding.IpvsSession(sessionIn(namespace))
  const queue = new CallQueue(session, { timeoutMs, writers: rowWriters, explain: explainServiceErrno })
  try {
    await queue.open({ ...context, netns }, signal)
    return new Handle(queue, namespace)
  } catch (error) {
    await queue.close()
    namespace?.native.close()
    throw error
  }
}
