// All connections that matched a filter in one pass, stored as native rows of 64 bytes.
import type { ConnectionBlock } from '../binding/addon.ts'
import { CONNECTION_BYTES, ConnectionRows, type Connection, type ConnectionEndpoint } from './connection.ts'
import { groupBits, groupOf, type ConnectionGroup, type ConnectionGroupField } from './groups.ts'
import { invalidArgument } from '../values/errors.ts'
import type { FailureContext } from '../calls/context.ts'
import { ConnectionPass } from './pass.ts'
import { Pauses } from '../values/pauses.ts'
import { integer, oneOf } from '../values/validate.ts'

/** A list of connections. Properties are decoded on each access. */
export interface ConnectionList extends Iterable<Connection> {
  /** Number of connections. */
  readonly length: number
  /** The connection at `index`; negative values count from the end. `undefined` if out of range. */
  at(index: number): Connection | undefined
}

/** Columns of a connection table, with the type of their values. */
export interface ConnectionColumns extends Omit<Required<Connection>, 'client' | 'virtual' | 'fwmark' | 'destination'> {
  /** Client address. */
  readonly client: string
  /** Client port. */
  readonly clientPort: number
  /** Virtual address; `undefined` for templates of services with a mark. */
  readonly virtual: string | undefined
  /** Virtual port; `undefined` for templates of services with a mark. */
  readonly virtualPort: number | undefined
  /** Mark, for templates of services with a mark; else `undefined`. */
  readonly fwmark: number | undefined
  /** Address of the real server. */
  readonly destination: string
  /** Port of the real server. */
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

/** Rows of a 2 MiB block, which fits one huge page: faulting in small pages would be a large part of the work. */
export const BLOCK_ROWS: number = 2 ** 21 / CONNECTION_BYTES

/**
 * The connections of one pass. `at` and iteration decode what is accessed. Methods that walk the whole table are asynchronous
 * and do not block the event loop. The table remains usable after the handle is closed.
 */
export class ConnectionTable implements ConnectionList {
  /** Number of connections. */
  readonly length: number
  readonly #blocks: readonly ConnectionBlock[]
  readonly #rows: readonly ConnectionRows[]

  /** @internal Each block but the last has `BLOCK_ROWS` rows. */
  constructor(blocks: readonly ConnectionBlock[]) {
    this.#blocks = blocks
    this.#rows = blocks.map((block) => new ConnectionRows(block))
    this.length = this.#rows.reduce((length, rows) => length + rows.length, 0)
  }

  /** The connection at `index`; negative values count from the end. `undefined` if out of range. */
  at(index: number): Connection | undefined {
    const number = typeof index === 'number' ? Math.trunc(index) || 0 : NaN
    const row = number < 0 ? number + this.length : number
    if (row < 0 || row >= this.length) return undefined
    return this.#rows[Math.floor(row / BLOCK_ROWS)]?.at(row % BLOCK_ROWS)
  }

  /** Iterates over all connections, in undefined order. */
  *[Symbol.iterator](): IterableIterator<Connection> {
    for (const rows of this.#rows) {
      for (let index = 0; index < rows.length; index++) yield rows.at(index)
    }
  }

  /** One value per connection, e.g. `column('state')`. Rejects with `ERR_IPVS_INVALID_ARGUMENT` for an unknown column. */
  async column<Name extends keyof ConnectionColumns>(name: Name): Promise<ConnectionColumns[Name][]> {
    const read = columns[this.#checked('column', () => oneOf(name, 'name', columnNames))]
    return this.#map((row) => read(row) as ConnectionColumns[Name])
  }

  /** All connections as plain objects. A million take a second and 0.5 GB: prefer iteration, a filter or counts. */
  async toArray(): Promise<Connection[]> {
    return this.#map((row) => row.toJSON())
  }

  /**
   * Counts connections per combination of values, largest group first, e.g. `countBy('destination', 'state')`. Runs on a
   * separate thread. Rejects with `ERR_IPVS_INVALID_ARGUMENT` for an unknown field, and without any.
   */
  async countBy<Field extends ConnectionGroupField>(...fields: readonly Field[]): Promise<ConnectionGroup<Field>[]> {
    const bits = this.#checked('countBy', () => groupBits(fields))
    return this.#groups('countBy', fields, bits, 0xffffffff)
  }

  /** The `n` (1 to 4294967295) largest groups of one field, e.g. `top(10, 'client')`. Rejects as `countBy`. */
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
      const pauses = new Pauses()
      const groups: ConnectionGroup<Field>[] = []
      for (const [index, count] of numbers.entries()) {
        groups.push(groupOf(fields, block.at(index), count))
        if (pauses.isDue()) await pauses.take()
      }
      return groups
    } finally {
      await worker.close()
    }
  }

  async #map<Value>(convert: (row: ReturnType<ConnectionRows['at']>) => Value): Promise<Value[]> {
    const values: Value[] = []
    const pauses = new Pauses()
    for (const rows of this.#rows) {
      for (let index = 0; index < rows.length; index++) {
        values.push(convert(rows.at(index)))
        if (pauses.isDue()) await pauses.take()
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
