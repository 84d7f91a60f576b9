// Layout of a connection's row, from the addon's schema.
import type { FieldKind } from '../binding/addon.ts'

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
