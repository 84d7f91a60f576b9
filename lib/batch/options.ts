// Arguments of a batch: its source of items, and options.
import type { CallOptions } from '../calls/options.ts'
import { parseSignal } from '../values/signals.ts'
import { InvalidInput, boolean, readFields, show } from '../values/validate.ts'

/** A source of items: any iterable or async iterable. Read on demand. */
export type Items<Item> = Iterable<Item> | AsyncIterable<Item>

/** Progress of a batch. */
export interface BatchProgress {
  /** Number of settled items (applied or failed), from the start of the batch. */
  readonly done: number
  /** Total number of items; `undefined` if the source is neither an array, a Set nor a Map. */
  readonly total?: number | undefined
}

/** Options of `batch`, `addServices` and the other batches. */
export interface BatchOptions extends CallOptions {
  /**
   * Ends the batch early: no further item is sent. The call rejects with `ERR_IPVS_ABORTED`, and the error's `batch` has the
   * progress.
   */
  readonly signal?: AbortSignal | undefined
  /**
   * Default `false`: continues after a failed item. `true`: ends the batch at the first failure. This needs one datagram per
   * item, because the kernel continues with the rest of a datagram: a third slower for adding, three times for removing.
   */
  readonly stopOnError?: boolean | undefined
  /** Called after each block of at most 1024 items. An exception ends the batch. */
  readonly onProgress?: ((progress: BatchProgress) => void) | undefined
}

export interface ParsedBatchOptions {
  readonly signal: AbortSignal | undefined
  readonly stopOnError: boolean
  readonly onProgress: ((progress: BatchProgress) => void) | undefined
}

export function parseBatchOptions(value: unknown): ParsedBatchOptions {
  const names = ['signal', 'stopOnError', 'onProgress'] as const
  const { signal, stopOnError = false, onProgress } = readFields(value, 'options', names)
  if (onProgress !== undefined && typeof onProgress !== 'function') {
    throw new InvalidInput('options.onProgress', `${show(onProgress)} is not a function`)
  }
  return {
    signal: parseSignal(signal, 'options.signal'),
    stopOnError: boolean(stopOnError, 'options.stopOnError'),
    onProgress: onProgress as ParsedBatchOptions['onProgress'],
  }
}

export interface Source {
  /** Name of the parameter, for errors. */
  readonly name: string
  readonly items: Items<unknown>
  /** Converts an item to an operation. Absent: items are operations. */
  readonly convert?: ((item: unknown) => unknown) | undefined
  readonly asynchronous: boolean
  readonly total: number | undefined
}

export function parseSource(value: unknown, name: string): Source {
  try {
    const items = value as Partial<AsyncIterable<unknown> & Iterable<unknown>>
    if (typeof value === 'object' && value !== null) {
      const asynchronous = typeof items[Symbol.asyncIterator] === 'function'
      if (asynchronous || typeof items[Symbol.iterator] === 'function') {
        return { name, items: items as Items<unknown>, asynchronous, total: sizeOf(value) }
      }
    }
  } catch (cause) {
    throw new InvalidInput(name, 'reading a property failed', { cause })
  }
  throw new InvalidInput(name, `${show(value)} is not an array or another iterable of objects`)
}

function sizeOf(value: object): number | undefined {
  if (Array.isArray(value)) return value.length
  return value instanceof Set || value instanceof Map ? value.size : undefined
}

/** True if iteration runs no user code (except a proxy's, whose elements are still read only once). */
export function isPlainArray(items: unknown): items is readonly unknown[] {
  return Array.isArray(items) && items[Symbol.iterator] === Array.prototype[Symbol.iterator]
}
