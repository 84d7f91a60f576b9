// Row readers and writers of the records in native/ipvs/schema.h, one per record.
import { binding } from './addon.ts'
import { destinationRowWriter, serviceRowWriter } from './fast-row-writers.ts'
import type { DaemonRow, DestinationRow, InfoRow, ServiceRow, TimeoutsRow } from './record-types.ts'
import { RowReader } from './row-reader.ts'
import { RowWriter } from './row-writer.ts'

/** The row writers of all writes. */
export interface RowWriters {
  readonly services: RowWriter<ServiceRow>
  readonly destinations: RowWriter<DestinationRow>
  readonly timeouts: RowWriter<TimeoutsRow>
  readonly daemons: RowWriter<DaemonRow>
}

export const serviceReader: RowReader<ServiceRow> = new RowReader(binding.schema, 'service')
export const destinationReader: RowReader<DestinationRow> = new RowReader(binding.schema, 'destination')
export const infoReader: RowReader<InfoRow> = new RowReader(binding.schema, 'info')
export const timeoutsReader: RowReader<TimeoutsRow> = new RowReader(binding.schema, 'timeouts')
export const daemonReader: RowReader<DaemonRow> = new RowReader(binding.schema, 'daemon')

export const rowWriters: RowWriters = {
  services: new RowWriter(binding.schema, 'service', serviceRowWriter(binding.schema)),
  destinations: new RowWriter(binding.schema, 'destination', destinationRowWriter(binding.schema)),
  timeouts: new RowWriter(binding.schema, 'timeouts'),
  daemons: new RowWriter(binding.schema, 'daemon'),
}

const codes = new Map(Object.entries(binding.operations))
const names = new Map(Object.entries(binding.operations).map(([name, code]) => [code, name]))

/** Code of an operation in native code. */
export function operationCode(name: string): number {
  const code = codes.get(name)
  if (code === undefined) throw new Error(`ipvs: the native build knows no operation "${name}"; build it again`)
  return code
}

/** The method of `Ipvs` for an operation's code. */
export function operationName(code: number): string {
  const name = names.get(code) ?? ''
  return name.startsWith('zero') ? 'zeroCounters' : name
}
