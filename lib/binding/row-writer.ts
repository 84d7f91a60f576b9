// Writes rows, the structs of native code, from objects. See row-reader.ts. native/netlink/field_codec.h makes the kernel's bytes
// of a row.
import type { FieldKind, FieldSchema, RecordSchema } from './addon.ts'
import { recordNamed, viewsOf, type Flags, type Views } from './row-layout.ts'
import { InvalidInput, show } from '../values/validate.ts'

// `row`: offset of the row in bytes.
type Write = (views: Views, row: number, value: unknown) => void

const MOST_U32 = 0xffffffff

function numberWriter(path: string, most: number, store: (views: Views, row: number, value: number) => void): Write {
  return (views, row, value) => {
    // Typed arrays wrap silently: port 65536 would become port 0.
    if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value > most) {
      throw new InvalidInput(path, `${show(value)} is not an integer from 0 to ${most}`)
    }
    store(views, row, value)
  }
}

function bigintWriter(path: string, offset: number): Write {
  return (views, row, value) => {
    if (typeof value !== 'bigint' || BigInt.asUintN(64, value) !== value) {
      throw new InvalidInput(path, `${show(value)} is not a bigint from 0 to 2^64-1`)
    }
    views.u64[(row + offset) >>> 3] = value
  }
}

/** Size of an address field; a number is an IPv4 address. */
export const IP_SIZE = 16

/** Writes an IPv4 address into four bytes, in network byte order. */
export function putIPv4({ bytes }: Views, at: number, value: number): void {
  bytes[at] = value >>> 24
  bytes[at + 1] = value >>> 16
  bytes[at + 2] = value >>> 8
  bytes[at + 3] = value
}

const encoder = new TextEncoder()

function refuseText(path: string, value: unknown): never {
  throw new InvalidInput(path, `${show(value)} is not text without NUL`)
}

// The row is all zeros before it is written.
function textWriter(path: string, offset: number, size: number): Write {
  const long = (value: string) => new InvalidInput(path, `${show(value)} is longer than ${size - 1} bytes`)
  const writeAny = (views: Views, row: number, value: string) => {
    if (/\p{Surrogate}/u.test(value)) refuseText(path, value)
    const place = views.bytes.subarray(row + offset, row + offset + size - 1) // native code needs the NUL
    if (encoder.encodeInto(value, place).read < value.length) throw long(value)
  }
  return (views, row, value) => {
    if (typeof value !== 'string') return refuseText(path, value)
    for (let index = 0; index < value.length; index++) {
      const unit = value.charCodeAt(index)
      if (unit === 0) refuseText(path, value)
      if (index === size - 1) throw long(value)
      if (unit > 0x7f) return writeAny(views, row, value)
      views.bytes[row + offset + index] = unit
    }
  }
}

function bytesWriter(path: string, offset: number, size: number): Write {
  const word = numberWriter(path, MOST_U32, (views, row, value) => putIPv4(views, row + offset, value))
  return (views, row, value) => {
    if (typeof value === 'number' && size === IP_SIZE) return word(views, row, value)
    if (!(value instanceof Uint8Array) || value.length > size) {
      throw new InvalidInput(path, `${show(value)} is not at most ${size} bytes`)
    }
    // Faster than set() for few bytes.
    for (let index = 0; index < value.length; index++) views.bytes[row + offset + index] = value[index] as number
  }
}

function flagsWriter(path: string, offset: number): Write {
  const value = numberWriter(`${path}.value`, MOST_U32, (views, row, bits) => {
    views.u32[(row + offset) >>> 2] = bits
  })
  const mask = numberWriter(`${path}.mask`, MOST_U32, (views, row, bits) => {
    views.u32[((row + offset) >>> 2) + 1] = bits
  })
  return (views, row, flags) => {
    value(views, row, (flags as Flags).value)
    mask(views, row, (flags as Flags).mask)
  }
}

const writers: Readonly<Record<Exclude<FieldKind, 'nested'>, (path: string, offset: number, size: number) => Write>> = {
  u8: (path, offset) => numberWriter(path, 0xff, (views, row, value) => (views.bytes[row + offset] = value)),
  u16: (path, offset) => numberWriter(path, 0xffff, (views, row, value) => (views.u16[(row + offset) >>> 1] = value)),
  be16: (path, offset) => numberWriter(path, 0xffff, (views, row, value) => (views.u16[(row + offset) >>> 1] = value)),
  u32: (path, offset) => numberWriter(path, MOST_U32, (views, row, value) => (views.u32[(row + offset) >>> 2] = value)),
  u64: bigintWriter,
  text: textWriter,
  bytes: bytesWriter,
  flags: flagsWriter,
}

function fieldWriter(schema: readonly RecordSchema[], record: string, field: FieldSchema): Write {
  if (field.kind !== 'nested') return writers[field.kind](`${record}.${field.name}`, field.offset, field.size)
  const write = recordWriter(schema, field.record)
  return (views, row, value) => write(views, row + field.offset, value)
}

// Writes all fields with a value, and the presence bits.
function recordWriter(schema: readonly RecordSchema[], name: string | undefined): Write {
  const record = recordNamed(schema, name)
  const fields = new Map(
    record.fields.map((field, bit) => [field.name, { bit: 1 << bit, write: fieldWriter(schema, record.name, field) }]),
  )
  return (views, row, value) => {
    let present = 0
    // Rows are literals of lib/: a loop over their keys is faster than a lookup of all fields.
    for (const key in value as Record<string, unknown>) {
      const given = (value as Record<string, unknown>)[key]
      if (given === undefined) continue
      const field = fields.get(key)
      if (field === undefined) throw new Error(`ipvs: the native build knows no "${name}.${key}"; build it again`)
      field.write(views, row, given)
      present |= field.bit
    }
    views.u32[row >>> 2] = present
  }
}

/**
 * Writes a row at an offset in bytes, which must be all zeros, and returns its presence bits; -1 if a value is unusual or
 * invalid.
 */
export type RowWrite<Row> = (views: Views, row: number, value: Row) => number

/** A growing block of rows. */
export interface RowBlock<Row> {
  readonly length: number
  /** Appends a row and returns its index. Throws `InvalidInput`, without appending, if a value does not fit its field. */
  append(row: Row): number
  /** Memory of an empty block, for native code to write rows into; then call `adopt` with their number. */
  room(): Uint8Array
  adopt(length: number): void
  /** A view of the rows, valid until the next change. */
  bytes(): Uint8Array
  /** A copy of the rows. */
  toBuffer(): ArrayBuffer
  /** Removes all rows and keeps the memory. */
  clear(): void
}

/** Writes rows of one record. Construction is expensive: construct once. */
export class RowWriter<Row extends object> {
  readonly #size: number
  readonly #write: Write

  /** `fast`: a faster writer for this record, with the generic writer as fallback. */
  constructor(schema: readonly RecordSchema[], name: string, fast?: RowWrite<Row>) {
    const { size } = recordNamed(schema, name)
    this.#size = size
    const write = recordWriter(schema, name)
    this.#write = fast === undefined ? write : withFallback(fast, write, size)
  }

  /** An empty block with memory for `capacity` rows; it grows on demand. */
  block(capacity = 4): RowBlock<Row> {
    return new Block(this.#size, this.#write, capacity)
  }

  /** Encodes one row. */
  encode(row: Row): ArrayBuffer {
    const block = this.block(1)
    block.append(row)
    return block.toBuffer()
  }
}

function withFallback<Row>(fast: RowWrite<Row>, slow: Write, size: number): Write {
  return (views, row, value) => {
    const present = fast(views, row, value as Row)
    if (present >= 0) {
      views.u32[row >>> 2] = present
      return
    }
    views.bytes.fill(0, row, row + size)
    slow(views, row, value)
  }
}

class Block<Row> implements RowBlock<Row> {
  readonly #size: number
  readonly #write: Write
  #views: Views
  #length = 0
  #used = 0 // rows that were written before, and may not be zeros

  constructor(size: number, write: Write, capacity: number) {
    this.#size = size
    this.#write = write
    this.#views = viewsOf(new ArrayBuffer(size * capacity))
  }

  get length(): number {
    return this.#length
  }

  append(row: Row): number {
    const start = this.#length * this.#size
    if (start + this.#size > this.#views.bytes.length) this.#grow()
    if (this.#length < this.#used) this.#views.bytes.fill(0, start, start + this.#size)
    else this.#used = this.#length + 1
    this.#write(this.#views, start, row)
    return this.#length++
  }

  room(): Uint8Array {
    return this.#views.bytes
  }

  adopt(length: number): void {
    this.#length = length
    this.#used = Math.max(this.#used, length)
  }

  bytes(): Uint8Array {
    return this.#views.bytes.subarray(0, this.#length * this.#size)
  }

  toBuffer(): ArrayBuffer {
    return this.bytes().slice().buffer
  }

  clear(): void {
    this.#length = 0
  }

  #grow(): void {
    const larger = viewsOf(new ArrayBuffer(this.#views.bytes.length * 2))
    larger.bytes.set(this.#views.bytes)
    this.#views = larger
  }
}
