// Counting connections by what they have in common.
import { formatAddressBlock } from '../values/address-block.ts'
import { parseAddress } from '../values/address.ts'
import { numbersOf } from '../binding/numbers.ts'
import type { Connection, ConnectionEndpoint, ConnectionProtocol, ConnectionState } from './connection.ts'
import { InvalidInput, oneOf } from '../values/validate.ts'

/** What connections can be grouped by, and what that looks like in a group. */
export interface ConnectionGroupFields {
  /** The client's address. */
  readonly client: string
  /** The client's network: /24 of IPv4, /64 of IPv6. */
  readonly clientSubnet: string
  /** What the client connected to; `undefined`: templates of marks. */
  readonly virtual: ConnectionEndpoint | undefined
  /** The mark of templates of marks; `undefined`: everything else. */
  readonly fwmark: number | undefined
  /** The real server. */
  readonly destination: ConnectionEndpoint
  /** State. */
  readonly state: ConnectionState
  /** Protocol. */
  readonly protocol: ConnectionProtocol
}

/** Name of something that connections can be grouped by. */
export type ConnectionGroupField = keyof ConnectionGroupFields

/** Connections that have something in common. */
export type ConnectionGroup<Field extends ConnectionGroupField = ConnectionGroupField> = {
  readonly [Name in Field]: ConnectionGroupFields[Name]
} & {
  /** How many. */
  readonly count: number
}

function subnet(client: string): string {
  const { family, bytes } = parseAddress(client, 'client')
  const last = bytes.slice()
  last.fill(0xff, family === 'ipv4' ? 3 : 8, family === 'ipv4' ? 4 : 16)
  return formatAddressBlock(bytes, last, family)
}

const values: {
  readonly [Name in ConnectionGroupField]: (row: Connection) => ConnectionGroupFields[Name]
} = {
  client: (row) => row.client.address,
  clientSubnet: (row) => subnet(row.client.address),
  virtual: (row) => row.virtual,
  fwmark: (row) => row.fwmark,
  destination: (row) => row.destination,
  state: (row) => row.state,
  protocol: (row) => row.protocol,
}

const fieldNames = Object.keys(values) as ConnectionGroupField[]
const bitOf = numbersOf('connectionGroupFields', fieldNames)

export function groupBits(fields: readonly unknown[]): number {
  if (fields.length === 0) throw new InvalidInput('fields', `name at least one of ${fieldNames.join(', ')}`)
  const known = fields.map((field, index) => oneOf(field, `fields[${index}]`, fieldNames))
  if (known.includes('client') && known.includes('clientSubnet')) {
    throw new InvalidInput('fields', 'the client says its subnet; take one of client and clientSubnet')
  }
  return known.reduce((bits, name) => bits | bitOf[name], 0)
}

/** A group from its row, in which only what it was grouped by has a meaning. */
export function groupOf<Field extends ConnectionGroupField>(
  fields: readonly Field[],
  row: Connection,
  count: number,
): ConnectionGroup<Field> {
  const group = Object.fromEntries(fields.map((name) => [name, values[name](row)]))
  return { ...group, count } as ConnectionGroup<Field>
}
