// A pipeline on a fake session.
import { Pipeline } from '../../../lib/calls/queue.ts'
import type { DaemonRow, DestinationRow, ServiceRow, TimeoutsRow } from '../../../lib/binding/records.ts'
import { RowWriter } from '../../../lib/binding/row-writer.ts'
import { FakeSession } from './fake-session.ts'
import { schema } from './schema.ts'

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

/** What a test can do with its pipeline. */
export class PipelineRig {
  readonly session: FakeSession = new FakeSession()
  readonly pipeline: Pipeline = new Pipeline(this.session, { timeoutMs: 1234, writers })

  write(fwmark: number, signal?: AbortSignal): Promise<void> {
    return this.pipeline.write({ code: ADD, service: { fwmark } }, context(fwmark), signal)
  }

  read(signal?: AbortSignal): Promise<ArrayBuffer> {
    const read = { code: GET, key: { fwmark: 1 } }
    return this.pipeline.read(read, { operation: 'getService', target: '' }, signal)
  }

  /** A write of mark 9 that looks first. */
  update(complete: (rows: ArrayBuffer) => ServiceRow, signal?: AbortSignal): Promise<void> {
    const read = { code: GET, key: { fwmark: 9 } }
    const target = { operation: 'updateService', target: 'FWM 9 ipv4' }
    return this.pipeline.writeAfterRead(read, (rows) => ({ code: 1, service: complete(rows) }), target, signal)
  }
}

export function marks(call: { readonly services: readonly (ServiceRow | undefined)[] }): (number | undefined)[] {
  return call.services.map((row) => row?.fwmark)
}
