// The connection table: listings, watching and totals.
import { setTimeout } from 'node:timers/promises'
import type { ConnectionPassOptions } from '../binding/addon.ts'
import { changesBetween, parseWatchOptions, type ConnectionChanges, type WatchConnectionsOptions } from './changes.ts'
import { parseConnectionFilter, type ConnectionFilter } from './filter.ts'
import { ConnectionPass } from './pass.ts'
import { BLOCK_ROWS, ConnectionTable } from './table.ts'
import { ConnectionRows, type Connection } from './connection.ts'
import { IpvsError, about, abortedError, closedError } from '../values/errors.ts'
import { checked, type FailureContext } from '../calls/context.ts'
import type { Namespace } from '../calls/namespace.ts'
import { parseCallOptions, type CallOptions } from '../calls/options.ts'
import { parsePerCpu, parseTotals, type TotalStatistics } from './total-statistics.ts'

/** Rows read ahead of a loop: 64 KiB. */
const STREAM_ROWS = 1024

/**
 * The connections of a network namespace. The kernel prints its table as text; the listing is not atomic, and slow on kernels
 * up to 6.12. See docs/connections.md.
 */
export interface Connections {
  /**
   * Iterates over connections as plain objects, in no particular order, each once. Native code evaluates the filter, so
   * connections that do not match cost little. At most 1024 rows are read ahead; leaving the loop ends the pass. Like
   * `ipvsadm -Lnc`.
   *
   * The table changes during the pass: existing connections can be missing, more of them in a slow loop; `connectionTable`
   * reads without pauses. Rejects, at the first step, with `ERR_IPVS_INVALID_ARGUMENT`; with `ERR_IPVS_UNAVAILABLE` without
   * IPVS; with `ERR_IPVS_KERNEL` if a line has an unknown format (the message quotes the line).
   */
  connections(filter?: ConnectionFilter): AsyncGenerator<Connection, void, undefined>

  /**
   * Returns all matching connections as a table, 64 bytes each. A separate thread reads at about the speed at which the kernel
   * prints; for a large table, a second thread parses. Rejects like `connections`.
   */
  connectionTable(filter?: ConnectionFilter): Promise<ConnectionTable>

  /**
   * Iterates over the changes between passes: connections that opened, changed or closed. The first pass starts at once and
   * reports all connections as opened. Each pass reads the whole table; see docs/connections.md for the cost. Rejects like
   * `connections`.
   */
  watchConnections(options: WatchConnectionsOptions): AsyncGenerator<ConnectionChanges, void, undefined>

  /** Total counters and rates of all services, and counters per processor. Like `/proc/net/ip_vs_stats`. */
  statistics(options?: CallOptions): Promise<TotalStatistics>
}

/** Reads connections, independently of the handle's queue: each pass over the table has a separate reader. */
export class ConnectionPasses implements Connections {
  readonly #netns: Namespace | undefined
  // Weak, so that an abandoned loop is collected with its thread and descriptor.
  readonly #passes = new Set<WeakRef<ConnectionPass>>()
  #closed = false

  constructor(netns: Namespace | undefined) {
    this.#netns = netns
  }

  async *connections(filter: ConnectionFilter = {}): AsyncGenerator<Connection, void, undefined> {
    const context = this.#context('connections')
    const { options, signal } = checked(context, () => parseConnectionFilter(filter))
    const pass = this.#pass(context, options, signal)
    try {
      for (let done = false; !done;) {
        const block = await pass.block(STREAM_ROWS, 1)
        const rows = new ConnectionRows(block)
        for (let index = 0; index < rows.length; index++) {
          pass.assertGoing()
          yield rows.at(index).toJSON()
        }
        done = block.done
      }
    } finally {
      await this.#end(pass)
    }
  }

  async connectionTable(filter: ConnectionFilter = {}): Promise<ConnectionTable> {
    const context = this.#context('connectionTable')
    const { options, signal } = checked(context, () => parseConnectionFilter(filter))
    const pass = this.#pass(context, forTable(options), signal)
    try {
      return await readTable(pass)
    } finally {
      await this.#end(pass)
    }
  }

  async *watchConnections(options: WatchConnectionsOptions): AsyncGenerator<ConnectionChanges, void, undefined> {
    const context = this.#context('watchConnections')
    const { intervalMs, filter, signal } = checked(context, () => parseWatchOptions(options))
    let table = new ConnectionTable([])
    for (;;) {
      const start = performance.now()
      const pass = this.#pass(context, forTable(filter.options), signal)
      let changes: ConnectionChanges
      try {
        const next = await readTable(pass)
        changes = await changesBetween(table, next, pass, performance.now() - start)
        table = next
      } finally {
        await this.#end(pass)
      }
      yield changes
      await pause(start + intervalMs - performance.now(), context, signal)
    }
  }

  async statistics(options: CallOptions = {}): Promise<TotalStatistics> {
    const context = this.#context('statistics', 'all services')
    const signal = checked(context, () => parseCallOptions(options))
    const pass = this.#pass(context, {}, signal)
    try {
      const found = await pass.statistics()
      const [totals, cpus] = [parseTotals(text(found.totals)), parsePerCpu(text(found.perCpu))]
      if (totals !== undefined && cpus !== undefined) return { ...totals, cpus }
      const file = totals === undefined ? 'ip_vs_stats' : 'ip_vs_stats_percpu'
      throw new IpvsError('ERR_IPVS_KERNEL', `/proc/net/${file} has an unknown format.`, about(context))
    } finally {
      await this.#end(pass)
    }
  }

  /** Ends all passes and refuses new ones. */
  async close(): Promise<void> {
    this.#closed = true
    const passes = Array.from(this.#passes, (reference) => reference.deref())
    this.#passes.clear()
    await Promise.all(passes.map(async (pass) => pass?.close()))
  }

  #context(operation: string, target = 'connections'): FailureContext {
    return { operation, target, netns: this.#netns?.path, reads: true }
  }

  #pass(context: FailureContext, options: ConnectionPassOptions, signal: AbortSignal | undefined): ConnectionPass {
    if (this.#closed) throw closedError(context)
    for (const reference of this.#passes) {
      if (reference.deref() === undefined) this.#passes.delete(reference)
    }
    const pass = new ConnectionPass(context, options, signal, this.#netns)
    this.#passes.add(new WeakRef(pass))
    return pass
  }

  async #end(pass: ConnectionPass): Promise<void> {
    for (const reference of this.#passes) {
      if (reference.deref() === pass) this.#passes.delete(reference)
    }
    return pass.close()
  }
}

function text(bytes: ArrayBuffer): string {
  return Buffer.from(bytes).toString('latin1')
}

// No reading ahead with a limit: the rows may not be needed, and old kernels are slow to print them.
function forTable(options: ConnectionPassOptions): ConnectionPassOptions {
  return { ...options, ahead: options.limit === undefined }
}

async function readTable(pass: ConnectionPass): Promise<ConnectionTable> {
  const blocks = []
  for (let done = false; !done;) {
    const block = await pass.block(BLOCK_ROWS, BLOCK_ROWS)
    done = block.done
    if (block.length > 0) blocks.push(block)
  }
  return new ConnectionTable(blocks)
}

async function pause(milliseconds: number, context: FailureContext, signal: AbortSignal | undefined): Promise<void> {
  try {
    await setTimeout(Math.max(0, milliseconds), undefined, { signal })
  } catch {
    throw abortedError(context, signal?.reason, 'not-applied') // only the signal ends a timer early
  }
}
