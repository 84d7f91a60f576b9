// vitest takes any two ArrayBuffers for equal: they have no properties of their own. Here they are equal when their bytes
// are.
import { expect } from 'vitest'

const isBuffer = (value: unknown) => value instanceof ArrayBuffer || value instanceof SharedArrayBuffer

expect.addEqualityTesters([
  (left: unknown, right: unknown) => {
    if (!isBuffer(left) && !isBuffer(right)) return undefined
    if (!isBuffer(left) || !isBuffer(right)) return false
    return Buffer.from(left as ArrayBuffer).equals(Buffer.from(right as ArrayBuffer))
  },
])
