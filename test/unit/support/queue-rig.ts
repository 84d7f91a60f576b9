// A queue on a fake session.
import { CallQueue } from '../../../lib/calls/queue.ts'
import type { DaemonRow, DestinationRow, ServiceRow, TimeoutsRow } from '../../../lib/binding/record-types.ts'
import { RowWriter } from '../../../lib/binding/row-writer.ts'
import { FakeSession } from './fake-session.ts'
import { schema } from './schema.ts'
import { explainServiceErrno } from '../../../lib/services/service-errno.ts'

export const services: RowWriter<ServiceRow> = new RowWriter<ServiceRow>(schema, 'service')
const writers = {
  services,
  destinations: new RowWriter<DestinationRow>(schema, 'destination'),
  timeouts: new RowWriter<TimeoutsRow>(schema, 'timeouts'),
  daemons: new RowWriter<DaemonRow>(schema, 'daemon'),
}
export const ADD = 0
export const GET = 7

export const context = (fwmark: number): { operation: string; target: string } => ({
  operation: 'addService',
  target: `FWM ${fwmark} ipv4`,
})

/** What a test can do with its queue. */
export class QueueRig {
  readonly session: FakeSession = new FakeSession()
  readonly queue: CallQueue = new CallQueue(this.session, { timeoutMs: 1234, writers, explain: explainServiceErrno })

  write(fwmark: number, signal?: AbortSignal): Promise<void> {
    return this.queue.write({ code: ADD, service: { fwmark } }, context(fwmark), signal)
  }

  read(signal?: AbortSignal): Promise<ArrayBuffer> {
    const read = { code: GET, key: { fwmark: 1 } }
    return this.queue.read(read, { operation: 'getService', target: '' }, signal)
  }

  /** A write of mark 9 that looks first. */
  update(complete: (rows: ArrayBuffer) => ServiceRow, signal?: AbortSignal): Promise<void> {
    const read = { code: GET, key: { fwmark: 9 } }
    const target = { operation: 'updateService', target: 'FWM 9 ipv4' }
    return this.queue.writeAfterRead(read, (rows) => ({ code: 1, service: complete(rows) }), target, signal)
  }
}

export function marks(call: { readonly services: readonly (ServiceRow | undefined)[] }): (number | undefined)[] {
  return call.services.map((row) => row?.fwmark)
}
