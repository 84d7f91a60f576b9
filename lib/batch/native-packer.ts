// Many items of a batch in one go: V8 serializes them, and native code checks them and makes rows of them. That costs a
// fraction of looking at each property from JavaScript, and as little in a process that has just started.
import { serialize } from 'node:v8'

import { binding } from '../binding/addon.ts'
import { numbersOf } from '../binding/numbers.ts'
import { isPlain } from '../values/validate.ts'

/** In place of the code of an operation: native code left the item alone, since it is unusual or wrong. */
export const UNUSUAL: number = numbersOf('items', ['unusual']).unusual

/** What became of the items. */
export interface Packed {
  /** Rows that were written. */
  readonly services: number
  readonly destinations: number
  /** Items that are to be looked at one by one. */
  readonly unusual: number
}

// V8 writes instances of classes as if they were plain objects.
function isPlainIfObject(value: unknown): boolean {
  return typeof value !== 'object' || value === null || isPlain(value)
}

interface Item {
  readonly service?: { readonly persistence?: unknown } | null
  readonly destination?: unknown
  readonly patch?: unknown
}

// Whether all objects that native code looks into are plain.
function arePlain(items: readonly unknown[]): boolean {
  for (const given of items) {
    if (typeof given !== 'object' || given === null) continue
    const { service, destination, patch } = given as Item
    const plain =
      isPlain(given) &&
      isPlainIfObject(service) &&
      isPlainIfObject(service?.persistence) &&
      isPlainIfObject(destination) &&
      isPlainIfObject(patch)
    if (!plain) return false
  }
  return true
}

/** Writes the triple of each item, and rows from the first one on: there must be room for as many as there are items. */
export function packItems(
  items: readonly unknown[],
  triples: Uint32Array,
  services: Uint8Array,
  destinations: Uint8Array,
): Packed {
  let serialized: Buffer | undefined
  try {
    if (arePlain(items)) serialized = serialize(Array.of(...items)) // V8 writes an array that could have holes in another way
  } catch {
    // a function, a getter that throws
  }
  if (serialized === undefined) {
    triples.fill(UNUSUAL) // whose fault it is shows one by one
    return { services: 0, destinations: 0, unusual: items.length }
  }
  const [serviceCount, destinationCount, unusual] = binding.packItems(serialized, triples, services, destinations)
  return { services: serviceCount, destinations: destinationCount, unusual }
}
