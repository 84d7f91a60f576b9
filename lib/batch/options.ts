// What a batch is given: items from somewhere, and options.
import type { CallOptions } from '../calls/options.ts'
import { parseSignal } from '../values/signals.ts'
import { InvalidInput, boolean, readFields, show } from '../values/validate.ts'

/** Where items come from: anything that `for ... of` or `for await ... of` can go through. Read as it is needed. */
export type Items<Item> = Iterable<Item> | AsyncIterable<Item>

/** How far a batch is. */
export interface BatchProgress {
  /** Items that were carried out or have failed, from the start of the batch. */
  readonly done: number
  /** How many there are; `undefined` when the source cannot say (neither `length` nor `size`). */
  readonly total?: number | undefined
}

/** Options of `batch` and its relatives. */
export interface BatchOptions extends CallOptions {
  /**
   * Ends the batch early: what was not sent yet is not. The call then rejects with `ERR_IPVS_ABORTED`, and the error's
   * `batch` says how far it got.
   */
  readonly signal?: AbortSignal | undefined
  /**
   * Default `false`: goes on after a failed item. `true`: carries out nothing behind the first failure. That takes a
   * datagram for each item, because the kernel would go on with the rest of a datagram: about a third slower for adding,
   * three times for removing.
   */
  readonly stopOnError?: boolean | undefined
  /** Called now and then, after at most 1024 items. What it throws ends the batch. */
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
  /** Of the parameter that it came with. */
  readonly name: string
  readonly items: Items<unknown>
  /** Makes an operation of an item; absent: it is one. */
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

/** Whether going through it runs no code of the user (but for a proxy, whose elements are read once all the same). */
export function isPlainArray(items: unknown): items is readonly unknown[] {
  return Array.isArray(items) && items[Symbol.iterator] === Array.prototype[Symbol.iterator]
}
