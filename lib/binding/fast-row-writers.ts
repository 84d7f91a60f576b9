// Fast writers for the rows of batches: services and destinations. Naming each field is several times as fast as a loop over the
// schema, which still provides offsets and bits. A field of the row type without a line here does not compile. Values that do
// not fit are left to the generic writer, which throws the error.
import type { AddressValue } from '../values/address.ts'
import type { RecordSchema } from './addon.ts'
import type { DestinationRow, ServiceRow } from './record-types.ts'
import { layoutOf, type Flags, type Place, type Views } from './row-layout.ts'
import { IP_SIZE, putIPv4, type RowWrite } from './row-writer.ts'

// One presence bit per field of the row.
type AllFields<Row> = Readonly<Record<keyof Row, number>>

const UNUSUAL = -1 // all bits set, so that any combination is UNUSUAL as well

// Each function writes a value and returns the presence bit of its field; 0 without a value, UNUSUAL if the value does not fit.
function putU8(views: Views, row: number, at: Place, value: number | undefined): number {
  if (value === undefined) return 0
  views.bytes[row + at.offset] = value
  return (value & 0xff) === value ? at.bit : UNUSUAL
}

function putU16(views: Views, row: number, at: Place, value: number | undefined): number {
  if (value === undefined) return 0
  views.u16[(row + at.offset) >>> 1] = value
  return (value & 0xffff) === value ? at.bit : UNUSUAL
}

function putU32(views: Views, row: number, at: Place, value: number | undefined): number {
  if (value === undefined) return 0
  views.u32[(row + at.offset) >>> 2] = value
  return value >>> 0 === value ? at.bit : UNUSUAL
}

// An IPv4 address can be a number.
function putBytes(views: Views, row: number, at: Place, value: AddressValue | undefined): number {
  if (value === undefined) return 0
  const start = row + at.offset
  if (typeof value === 'number' && at.size === IP_SIZE) {
    putIPv4(views, start, value)
    return value >>> 0 === value ? at.bit : UNUSUAL
  }
  if (!(value instanceof Uint8Array) || value.length > at.size) return UNUSUAL
  for (let index = 0; index < value.length; index++) views.bytes[start + index] = value[index] as number
  return at.bit
}

// ASCII, and shorter than the field.
function putText(views: Views, row: number, at: Place, value: string | undefined): number {
  if (value === undefined) return 0
  if (typeof value !== 'string' || value.length >= at.size) return UNUSUAL
  const start = row + at.offset
  for (let index = 0; index < value.length; index++) {
    const unit = value.charCodeAt(index)
    if (unit === 0 || unit > 0x7f) return UNUSUAL
    views.bytes[start + index] = unit
  }
  return at.bit
}

function putFlags(views: Views, row: number, at: Place, flags: Flags | undefined): number {
  if (flags === undefined) return 0
  const { value, mask } = flags
  const word = (row + at.offset) >>> 2
  views.u32[word] = value
  views.u32[word + 1] = mask
  return value >>> 0 === value && mask >>> 0 === mask ? at.bit : UNUSUAL
}

// A field that only listings have. Rows of requests must not have it.
function putListed(value: unknown): number {
  return value === undefined ? 0 : UNUSUAL
}

/** Writes a row of the record `service`. */
export function serviceRowWriter(schema: readonly RecordSchema[]): RowWrite<ServiceRow> {
  const { at } = layoutOf<keyof ServiceRow>(schema, 'service')
  return (views, row, value) => {
    let present = 0
    void ({
      family: (present |= putU16(views, row, at.family, value.family)),
      protocol: (present |= putU16(views, row, at.protocol, value.protocol)),
      address: (present |= putBytes(views, row, at.address, value.address)),
      port: (present |= putU16(views, row, at.port, value.port)),
      fwmark: (present |= putU32(views, row, at.fwmark, value.fwmark)),
      scheduler: (present |= putText(views, row, at.scheduler, value.scheduler)),
      persistenceEngine: (present |= putText(views, row, at.persistenceEngine, value.persistenceEngine)),
      flags: (present |= putFlags(views, row, at.flags, value.flags)),
      timeout: (present |= putU32(views, row, at.timeout, value.timeout)),
      netmask: (present |= putBytes(views, row, at.netmask, value.netmask)),
      statistics: (present |= putListed(value.statistics)),
    } satisfies AllFields<ServiceRow>)
    return present
  }
}

/** Writes a row of the record `destination`. */
export function destinationRowWriter(schema: readonly RecordSchema[]): RowWrite<DestinationRow> {
  const { at } = layoutOf<keyof DestinationRow>(schema, 'destination')
  return (views, row, value) => {
    let present = 0
    void ({
      address: (present |= putBytes(views, row, at.address, value.address)),
      port: (present |= putU16(views, row, at.port, value.port)),
      forwarding: (present |= putU32(views, row, at.forwarding, value.forwarding)),
      weight: (present |= putU32(views, row, at.weight, value.weight)),
      upperThreshold: (present |= putU32(views, row, at.upperThreshold, value.upperThreshold)),
      lowerThreshold: (present |= putU32(views, row, at.lowerThreshold, value.lowerThreshold)),
      activeConnections: (present |= putListed(value.activeConnections)),
      inactiveConnections: (present |= putListed(value.inactiveConnections)),
      persistentConnections: (present |= putListed(value.persistentConnections)),
      family: (present |= putU16(views, row, at.family, value.family)),
      tunnelType: (present |= putU8(views, row, at.tunnelType, value.tunnelType)),
      tunnelPort: (present |= putU16(views, row, at.tunnelPort, value.tunnelPort)),
      tunnelFlags: (present |= putU16(views, row, at.tunnelFlags, value.tunnelFlags)),
      statistics: (present |= putListed(value.statistics)),
    } satisfies AllFields<DestinationRow>)
    return present
  }
}
