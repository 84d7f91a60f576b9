// What changed between two passes over the connection table.
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
   * Milliseconds from the start of one pass to that of the next, 10 to 2147483647. A pass that takes longer, or a loop that
   * does, delays the next one: there are never two at once.
   */
  readonly intervalMs: number
  /** What to watch. A connection that stops matching is closed, as far as the watcher is concerned. Default: everything. */
  readonly filter?: Omit<ConnectionFilter, 'signal'> | undefined
}

/** A connection whose state is another one than a pass ago. */
export interface ConnectionChange {
  /** As it is now. */
  readonly connection: Connection
  /** The state that it had. */
  readonly previousState: ConnectionState
}

/** What changed from one pass to the next. Connections that came and went in between were never seen. */
export interface ConnectionChanges {
  /** All connections as of now. */
  readonly table: ConnectionTable
  /** Connections that were not there. The first time, all. */
  readonly opened: ConnectionList
  /** Connections that were in another state. */
  readonly changed: Iterable<ConnectionChange> & {
    /** How many. */
    readonly length: number
  }
  /** Connections that are not there any more, as they were. */
  readonly closed: ConnectionList
  /** How long reading the table took. */
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

// Rows of a table by their numbers.
class SomeConnections implements ConnectionList {
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
    opened: new SomeConnections(after, new Uint32Array(opened)),
    changed: new ChangedConnections(before, after, new Uint32Array(changed)),
    closed: new SomeConnections(before, new Uint32Array(closed)),
    passMs,
  }
}
