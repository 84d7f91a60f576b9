// Differences between two passes over the connection table.
import type { Connection, ConnectionState } from './connection.ts'
import type { ConnectionPass } from './pass.ts'
import { ConnectionTable, type ConnectionList } from './table.ts'
import type { CallOptions } from '../calls/options.ts'
import { parseConnectionFilter, type ConnectionFilter, type ParsedConnectionFilter } from './filter.ts'
import { parseSignal } from '../values/signals.ts'
import { integer, readFields } from '../values/validate.ts'

/** Options of `watchConnections`. */
export interface WatchConnectionsOptions extends CallOptions {
  /**
   * Interval in milliseconds between the starts of two passes, 10 to 2147483647. A pass or loop body that takes longer delays
   * the next pass; passes never overlap.
   */
  readonly intervalMs: number
  /** Connections to watch. A connection that stops matching is reported as closed. Default: all. */
  readonly filter?: Omit<ConnectionFilter, 'signal'> | undefined
}

/** A connection whose state changed since the previous pass. */
export interface ConnectionChange {
  /** The connection in the current pass. */
  readonly connection: Connection
  /** State in the previous pass. */
  readonly previousState: ConnectionState
}

/** Differences between a pass and the previous one. Connections that opened and closed in between are not seen. */
export interface ConnectionChanges {
  /** All connections of this pass. */
  readonly table: ConnectionTable
  /** New connections; all of them in the first pass. */
  readonly opened: ConnectionList
  /** Connections whose state changed. */
  readonly changed: Iterable<ConnectionChange> & {
    /** Number of changed connections. */
    readonly length: number
  }
  /** Connections of the previous pass that are gone, with their last known values. */
  readonly closed: ConnectionList
  /** Duration of the pass in milliseconds. */
  readonly passMs: number
}

interface ParsedWatch {
  readonly intervalMs: number
  readonly filter: ParsedConnectionFilter
  readonly signal: AbortSignal | undefined
}

export function parseWatchOptions(value: unknown): ParsedWatch {
  const { intervalMs, filter = {}, signal } = readFields(value, 'options', ['intervalMs', 'filter', 'signal'])
  return {
    intervalMs: integer(intervalMs, 'options.intervalMs', 10, 0x7fffffff),
    filter: parseConnectionFilter(filter, 'options.filter'),
    signal: parseSignal(signal, 'options.signal'),
  }
}

// A selection of rows of a table.
class SelectedConnections implements ConnectionList {
  readonly length: number
  readonly #table: ConnectionTable
  readonly #numbers: Uint32Array

  constructor(table: ConnectionTable, numbers: Uint32Array) {
    this.length = numbers.length
    this.#table = table
    this.#numbers = numbers
  }

  at(index: number): Connection | undefined {
    const number = typeof index === 'number' ? this.#numbers.at(index) : undefined
    return number === undefined ? undefined : this.#table.at(number)
  }

  *[Symbol.iterator](): IterableIterator<Connection> {
    for (const number of this.#numbers) yield this.#table.at(number) as Connection
  }
}

class ChangedConnections implements Iterable<ConnectionChange> {
  readonly length: number
  readonly #before: ConnectionTable
  readonly #after: ConnectionTable
  readonly #pairs: Uint32Array

  constructor(before: ConnectionTable, after: ConnectionTable, pairs: Uint32Array) {
    this.length = pairs.length / 2
    this.#before = before
    this.#after = after
    this.#pairs = pairs
  }

  *[Symbol.iterator](): IterableIterator<ConnectionChange> {
    for (let pair = 0; pair < this.#pairs.length; pair += 2) {
      const before = this.#before.at(this.#pairs[pair] as number) as Connection
      const connection = this.#after.at(this.#pairs[pair + 1] as number) as Connection
      yield { connection, previousState: before.state }
    }
  }
}

/** Compares two tables on the thread of `worker`. */
export async function changesBetween(
  before: ConnectionTable,
  after: ConnectionTable,
  worker: Pick<ConnectionPass, 'compare'>,
  passMs: number,
): Promise<ConnectionChanges> {
  const { opened, changed, closed } = await worker.compare(before.blocks, after.blocks)
  return {
    table: after,
    opened: new SelectedConnections(after, new Uint32Array(opened)),
    changed: new ChangedConnections(before, after, new Uint32Array(changed)),
    closed: new SelectedConnections(before, new Uint32Array(closed)),
    passMs,
  }
}
