// The layout of a connection's row, as the addon reports it.
import type { FieldKind, RecordSchema } from '../binding/addon.ts'

export type ConnectionField =
  | 'client'
  | 'virtualAddress'
  | 'destination'
  | 'expires'
  | 'clientPort'
  | 'virtualPort'
  | 'destinationPort'
  | 'protocol'
  | 'state'
  | 'family'
  | 'destinationFamily'
  | 'kind'
  | 'origin'

/** Fields of struct Connection in native/connections/connection.h, with their kinds. */
export const connectionKinds: Readonly<Record<ConnectionField, FieldKind>> = {
  client: 'bytes',
  virtualAddress: 'bytes',
  destination: 'bytes',
  expires: 'u32',
  clientPort: 'u16',
  virtualPort: 'u16',
  destinationPort: 'u16',
  protocol: 'u8',
  state: 'u8',
  family: 'u8',
  destinationFamily: 'u8',
  kind: 'u8',
  origin: 'u8',
}

export interface ConnectionFields {
  readonly size: number
  readonly offsets: Readonly<Record<ConnectionField, number>>
}

export function connectionFields(schema: readonly RecordSchema[]): ConnectionFields {
  const record = schema.find(({ name }) => name === 'connection')
  const offsetOf = ([name, kind]: [string, FieldKind]): [string, number] => {
    const field = record?.fields.find((candidate) => candidate.name === name && candidate.kind === kind)
    if (field === undefined) throw new Error(`ipvs: the native build knows no connection's "${name}"; build it again`)
    return [name, field.offset]
  }
  const offsets = Object.fromEntries(Object.entries(connectionKinds).map(offsetOf)) as ConnectionFields['offsets']
  return { size: record?.size ?? 0, offsets }
}
