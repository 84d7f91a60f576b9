// All connections that match a filter, as they were during one pass: rows as the native side wrote them, 64 bytes each.
import type { ConnectionBlock } from '../binding/addon.ts'
import { CONNECTION_BYTES, ConnectionRows, type Connection, type ConnectionEndpoint } from './connection.ts'
import { groupBits, groupOf, type ConnectionGroup, type ConnectionGroupField } from './groups.ts'
import { invalidArgument } from '../values/errors.ts'
import type { FailureContext } from '../calls/context.ts'
import { ConnectionPass } from './pass.ts'
import { Slices } from '../values/time-slices.ts'
import { integer, oneOf } from '../values/validate.ts'

/** Connections by number. Each is decoded when its properties are asked for, again each time. */
export interface ConnectionList extends Iterable<Connection> {
  /** How many there are. */
  readonly length: number
  /** One of them; negative numbers count from the end. `undefined` where there is none. */
  at(index: number): Connection | undefined
}

/** What `column` answers: one value of each connection, by the name of the column. */
export interface ConnectionColumns extends Omit<Required<Connection>, 'client' | 'virtual' | 'fwmark' | 'destination'> {
  /** Addresses of the clients. */
  readonly client: string
  /** Ports of the clients. */
  readonly clientPort: number
  /** Virtual addresses; `undefined` for templates of marks. */
  readonly virtual: string | undefined
  /** Virtual ports; `undefined` for templates of marks. */
  readonly virtualPort: number | undefined
  /** Marks of templates of marks. */
  readonly fwmark: number | undefined
  /** Addresses of the real servers. */
  readonly destination: string
  /** Ports of the real servers. */
  readonly destinationPort: number
}

type ColumnOf = { readonly [Name in keyof ConnectionColumns]: (row: Connection) => unknown }

const address = (end: ConnectionEndpoint | undefined): string | undefined => end?.address
const port = (end: ConnectionEndpoint | undefined): number | undefined => end?.port

const columns: ColumnOf = {
  protocol: (row) => row.protocol,
  state: (row) => row.state,
  client: (row) => address(row.client),
  clientPort: (row) => port(row.client),
  virtual: (row) => address(row.virtual),
  virtualPort: (row) => port(row.virtual),
  fwmark: (row) => row.fwmark,
  destination: (row) => address(row.destination),
  destinationPort: (row) => port(row.destination),
  expiresSeconds: (row) => row.expiresSeconds,
  template: (row) => row.template,
  persistenceEngine: (row) => row.persistenceEngine,
  origin: (row) => row.origin,
}
const columnNames = Object.keys(columns) as (keyof ConnectionColumns)[]

/** Rows in a block of two mebibytes, which may be one huge page: taking small ones would be a good part of the work. */
export const BLOCK_ROWS: number = 2 ** 21 / CONNECTION_BYTES

/**
 * Connections of one pass. Iterating and `at` cost what is looked at; everything that walks the whole table is asynchronous
 * and leaves the event loop free. It stays as it is when the handle is closed.
 */
export class ConnectionTable implements ConnectionList {
  /** How many connections there are. */
  readonly length: number
  readonly #blocks: readonly ConnectionBlock[]
  readonly #rows: readonly ConnectionRows[]

  /** @internal Blocks of `BLOCK_ROWS` rows; only the last may have less. */
  constructor(blocks: readonly ConnectionBlock[]) {
    this.#blocks = blocks
    this.#rows = blocks.map((block) => new ConnectionRows(block))
    this.length = this.#rows.reduce((length, rows) => length + rows.length, 0)
  }

  /** One connection; negative numbers count from the end. `undefined` where there is none. */
  at(index: number): Connection | undefined {
    const number = typeof index === 'number' ? Math.trunc(index) || 0 : NaN
    const row = number < 0 ? number + this.length : number
    if (row < 0 || row >= this.length) return undefined
    return this.#rows[Math.floor(row / BLOCK_ROWS)]?.at(row % BLOCK_ROWS)
  }

  /** All connections, in no particular order. */
  *[Symbol.iterator](): IterableIterator<Connection> {
    for (const rows of this.#rows) {
      for (let index = 0; index < rows.length; index++) yield rows.at(index)
    }
  }

  /** One value of each connection, e.g. `column('state')`. */
  async column<Name extends keyof ConnectionColumns>(name: Name): Promise<ConnectionColumns[Name][]> {
    const read = columns[this.#checked('column', () => oneOf(name, 'name', columnNames))]
    return this.#map((row) => read(row) as ConnectionColumns[Name])
  }

  /** Plain objects. A million of them take a second and half a gigabyte: prefer to iterate, filter or count. */
  async toArray(): Promise<Connection[]> {
    return this.#map((row) => row.toJSON())
  }

  /**
   * Counts connections by what they have in common, the largest groups first: `countBy('destination', 'state')`. Counted
   * on a thread of its own.
   */
  async countBy<Field extends ConnectionGroupField>(...fields: readonly Field[]): Promise<ConnectionGroup<Field>[]> {
    const bits = this.#checked('countBy', () => groupBits(fields))
    return this.#groups('countBy', fields, bits, 0xffffffff)
  }

  /** The `n` largest groups of one field: `top(10, 'client')`. */
  async top<Field extends ConnectionGroupField>(n: number, field: Field): Promise<ConnectionGroup<Field>[]> {
    const [most, bits] = this.#checked('top', () => [integer(n, 'n', 1, 0xffffffff), groupBits([field])] as const)
    return this.#groups('top', [field], bits, most)
  }

  /** @internal */
  get blocks(): readonly ConnectionBlock[] {
    return this.#blocks
  }

  async #groups<Field extends ConnectionGroupField>(
    operation: string,
    fields: readonly Field[],
    bits: number,
    most: number,
  ): Promise<ConnectionGroup<Field>[]> {
    const worker = new ConnectionPass({ operation, target: 'connections' }, {}, undefined)
    try {
      const { rows, counts } = await worker.group(this.#blocks, bits, most)
      const numbers = new Uint32Array(counts)
      const block = new ConnectionRows({ rows, length: numbers.length })
      const slices = new Slices()
      const groups: ConnectionGroup<Field>[] = []
      for (const [index, count] of numbers.entries()) {
        groups.push(groupOf(fields, block.at(index), count))
        if (slices.due()) await slices.next()
      }
      return groups
    } finally {
      await worker.close()
    }
  }

  async #map<Value>(convert: (row: ReturnType<ConnectionRows['at']>) => Value): Promise<Value[]> {
    const values: Value[] = []
    const slices = new Slices()
    for (const rows of this.#rows) {
      for (let index = 0; index < rows.length; index++) {
        values.push(convert(rows.at(index)))
        if (slices.due()) await slices.next()
      }
    }
    return values
  }

  #checked<Result>(operation: string, check: () => Result): Result {
    try {
      return check()
    } catch (error) {
      throw invalidArgument({ operation, target: 'connections' } satisfies FailureContext, error)
    }
  }
}
