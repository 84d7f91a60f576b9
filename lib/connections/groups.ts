// Groups of connections that agree in some fields, with counts.
import { formatAddressBlock } from '../values/address-block.ts'
import { parseAddress } from '../values/address.ts'
import { numbersOf } from '../binding/numbers.ts'
import type { Connection, ConnectionEndpoint, ConnectionProtocol, ConnectionState } from './connection.ts'
import { InvalidInput, oneOf } from '../values/validate.ts'

/** Fields to group connections by, with the type of their values. */
export interface ConnectionGroupFields {
  /** Address of the client. */
  readonly client: string
  /** Network of the client: the /24 of an IPv4 address, the /64 of an IPv6 address. */
  readonly clientSubnet: string
  /** Virtual address and port; `undefined` for templates of services with a mark. */
  readonly virtual: ConnectionEndpoint | undefined
  /** Mark, for templates of services with a mark; else `undefined`. */
  readonly fwmark: number | undefined
  /** The real server. */
  readonly destination: ConnectionEndpoint
  /** State. */
  readonly state: ConnectionState
  /** Protocol. */
  readonly protocol: ConnectionProtocol
}

/** Name of a field to group connections by. */
export type ConnectionGroupField = keyof ConnectionGroupFields

/** A group of connections with equal values of the fields. */
export type ConnectionGroup<Field extends ConnectionGroupField = ConnectionGroupField> = {
  readonly [Name in Field]: ConnectionGroupFields[Name]
} & {
  /** Number of connections. */
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
    throw new InvalidInput('fields', 'client includes clientSubnet; use one of the two')
  }
  return known.reduce((bits, name) => bits | bitOf[name], 0)
}

/** Converts the row of a group. Only the grouped fields of the row are valid. */
export function groupOf<Field extends ConnectionGroupField>(
  fields: readonly Field[],
  row: Connection,
  count: number,
): ConnectionGroup<Field> {
  const group = Object.fromEntries(fields.map((name) => [name, values[name](row)]))
  return { ...group, count } as ConnectionGroup<Field>
}
