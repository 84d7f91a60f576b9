// A schema as the addon reports it, with the records of native/ipvs/schema.h laid out in the order of their fields.
// row-reader.test.ts compares names and kinds with that file.
import type { FieldKind, FieldSchema, RecordSchema } from '../../../lib/binding/addon.ts'
import type {
  DaemonRow,
  DestinationRow,
  InfoRow,
  ServiceRow,
  StatisticsRow,
  TimeoutsRow,
} from '../../../lib/binding/record-types.ts'

type Size = number | string // of text and bytes; or the nested record's name
type Layout<Row> = { readonly [Name in keyof Required<Row>]: FieldKind | readonly [FieldKind, Size] }

const widths: Partial<Record<FieldKind, number>> = { u8: 1, u16: 2, be16: 2, u32: 4, u64: 8, flags: 8 }
const records: RecordSchema[] = []

function sizeOf(kind: FieldKind, size: Size | undefined): number {
  if (typeof size === 'number') return size
  return widths[kind] ?? records.find(({ name }) => name === size)?.size ?? 0
}

function alignmentOf(kind: FieldKind): number {
  if (kind === 'text' || kind === 'bytes') return 1
  return kind === 'nested' ? 8 : kind === 'flags' ? 4 : (widths[kind] as number)
}

const alignUp = (offset: number, alignment: number): number => Math.ceil(offset / alignment) * alignment

function define<Row>(name: string, layout: Layout<Row>): void {
  let end = 4 // after `present`
  const fields: FieldSchema[] = []
  for (const [field, described] of Object.entries(layout) as [string, FieldKind | readonly [FieldKind, Size]][]) {
    const [kind, given] = typeof described === 'string' ? [described] : described
    const size = sizeOf(kind, given)
    const offset = alignUp(end, alignmentOf(kind))
    end = offset + size
    const record = typeof given === 'string' ? { record: given } : {}
    fields.push({ name: field, kind, offset, size, constant: `TEST_${field}`, doc: '', ...record })
  }
  records.push({ name, size: alignUp(end, 8), fields })
}

define<StatisticsRow>('statistics', {
  connections: 'u64',
  inPackets: 'u64',
  outPackets: 'u64',
  inBytes: 'u64',
  outBytes: 'u64',
  connectionsPerSecond: 'u64',
  inPacketsPerSecond: 'u64',
  outPacketsPerSecond: 'u64',
  inBytesPerSecond: 'u64',
  outBytesPerSecond: 'u64',
})

define<ServiceRow>('service', {
  family: 'u16',
  protocol: 'u16',
  address: ['bytes', 16],
  port: 'be16',
  fwmark: 'u32',
  scheduler: ['text', 16],
  persistenceEngine: ['text', 24],
  flags: 'flags',
  timeout: 'u32',
  netmask: ['bytes', 4],
  statistics: ['nested', 'statistics'],
})

define<DestinationRow>('destination', {
  family: 'u16',
  address: ['bytes', 16],
  port: 'be16',
  forwarding: 'u32',
  weight: 'u32',
  tunnelType: 'u8',
  tunnelPort: 'be16',
  tunnelFlags: 'u16',
  upperThreshold: 'u32',
  lowerThreshold: 'u32',
  activeConnections: 'u32',
  inactiveConnections: 'u32',
  persistentConnections: 'u32',
  statistics: ['nested', 'statistics'],
})

define<InfoRow>('info', { version: 'u32', connectionTableSize: 'u32' })

define<TimeoutsRow>('timeouts', { tcp: 'u32', tcpFin: 'u32', udp: 'u32' })

define<DaemonRow>('daemon', {
  state: 'u32',
  interface: ['text', 16],
  syncId: 'u32',
  maxLength: 'u16',
  group: ['bytes', 4],
  group6: ['bytes', 16],
  port: 'u16',
  ttl: 'u8',
})

export const schema: readonly RecordSchema[] = records
