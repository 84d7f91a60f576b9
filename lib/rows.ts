// Rows: the structs of native/ as JavaScript sees them. Their layout comes from the schema that the addon reports, so no
// offset is written here; one closure per field knows how to read it and one how to write it. Typed arrays are in host
// byte order and rows are naturally aligned, as the structs are.
import type { FieldKind, FieldSchema, RecordSchema } from './binding.ts'
import { InvalidInput, show } from './validate.ts'

/** Value of a field of kind `flags`: only the bits in `mask` count. */
export interface Flags {
  readonly value: number
  readonly mask: number
}

interface Views {
  readonly bytes: Uint8Array
  readonly text: Buffer
  readonly u16: Uint16Array
  readonly u32: Uint32Array
  readonly u64: BigUint64Array
}

function viewsOf(buffer: ArrayBuffer): Views {
  return {
    bytes: new Uint8Array(buffer),
    text: Buffer.from(buffer),
    u16: new Uint16Array(buffer),
    u32: new Uint32Array(buffer),
    u64: new BigUint64Array(buffer),
  }
}

function recordNamed(schema: readonly RecordSchema[], name: string | undefined): RecordSchema {
  const record = schema.find((candidate) => candidate.name === name)
  if (record === undefined) throw new Error(`ipvs: the native build knows no record "${name}"; build it again`)
  return record
}

// Both take the position of the row, in bytes.
type Read = (views: Views, row: number) => unknown
type Write = (views: Views, row: number, value: unknown) => void

function readText(text: Buffer, start: number, size: number): string {
  const end = text.indexOf(0, start)
  return text.toString('utf8', start, end < 0 || end > start + size ? start + size : end)
}

const readers: Readonly<Record<Exclude<FieldKind, 'nested'>, (offset: number, size: number) => Read>> = {
  u8: (offset) => (views, row) => views.bytes[row + offset],
  u16: (offset) => (views, row) => views.u16[(row + offset) >>> 1],
  be16: (offset) => (views, row) => views.u16[(row + offset) >>> 1], // network order is for the wire only
  u32: (offset) => (views, row) => views.u32[(row + offset) >>> 2],
  u64: (offset) => (views, row) => views.u64[(row + offset) >>> 3],
  text: (offset, size) => (views, row) => readText(views.text, row + offset, size),
  bytes: (offset, size) => (views, row) => views.bytes.subarray(row + offset, row + offset + size),
  flags: (offset) => (views, row) => {
    const word = (row + offset) >>> 2
    return { value: views.u32[word], mask: views.u32[word + 1] }
  },
}

function fieldReader(schema: readonly RecordSchema[], field: FieldSchema): Read {
  if (field.kind !== 'nested') return readers[field.kind](field.offset, field.size)
  const Nested = lazyRowClass(schema, field.record)
  return (views, row) => new Nested(views, row + field.offset)
}

type LazyRowClass = new (views: Views, row: number) => object

// A class whose getters read the fields: a row is one small object, and only what is looked at gets decoded.
function lazyRowClass(schema: readonly RecordSchema[], name: string | undefined): LazyRowClass {
  return class Row {
    readonly #views: Views
    readonly #row: number

    constructor(views: Views, row: number) {
      this.#views = views
      this.#row = row
    }

    static {
      for (const [bit, field] of recordNamed(schema, name).fields.entries()) {
        const read = fieldReader(schema, field)
        Object.defineProperty(Row.prototype, field.name, {
          enumerable: true,
          get(this: Row): unknown {
            const present = this.#views.u32[this.#row >>> 2] as number
            return (present >>> bit) & 1 ? read(this.#views, this.#row) : undefined
          },
        })
      }
    }
  }
}

/** Rows of one record, one after the other. A field that is absent reads as `undefined`. */
export interface Rows<Row> {
  readonly length: number
  at(index: number): Row
}

/** Reads rows of one record. Build it once: that is the costly part. */
export class RowReader<Row extends object> {
  readonly #size: number
  readonly #Row: LazyRowClass

  constructor(schema: readonly RecordSchema[], name: string) {
    this.#size = recordNamed(schema, name).size
    this.#Row = lazyRowClass(schema, name)
  }

  rows(buffer: ArrayBuffer): Rows<Row> {
    const views = viewsOf(buffer)
    const size = this.#size
    const LazyRow = this.#Row
    return {
      length: Math.floor(buffer.byteLength / size),
      at: (index) => new LazyRow(views, index * size) as Row,
    }
  }
}

const MOST_U32 = 0xffffffff

function numberWriter(path: string, most: number, store: (views: Views, row: number, value: number) => void): Write {
  return (views, row, value) => {
    // Typed arrays would wrap silently: port 65536 would be port 0.
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

const encoder = new TextEncoder()

function refuseText(path: string, value: unknown): never {
  throw new InvalidInput(path, `${show(value)} is not text without NUL`)
}

// Writers may rely on a row that is all zeros, but for what they write into it.
function textWriter(path: string, offset: number, size: number): Write {
  const long = (value: string) => new InvalidInput(path, `${show(value)} is longer than ${size - 1} bytes`)
  const writeAny = (views: Views, row: number, value: string) => {
    if (/\p{Surrogate}/u.test(value)) refuseText(path, value)
    const place = views.bytes.subarray(row + offset, row + offset + size - 1) // native wants the NUL
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
  return (views, row, value) => {
    if (!(value instanceof Uint8Array) || value.length > size) {
      throw new InvalidInput(path, `${show(value)} is not at most ${size} bytes`)
    }
    // Faster than set() for so few.
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

// Writes the fields that have a value and the presence bits that say so.
function recordWriter(schema: readonly RecordSchema[], name: string | undefined): Write {
  const record = recordNamed(schema, name)
  const names = record.fields.map((field) => field.name)
  const write = record.fields.map((field) => fieldWriter(schema, record.name, field))
  return (views, row, value) => {
    let present = 0
    for (let bit = 0; bit < names.length; bit++) {
      const given = (value as Record<string, unknown>)[names[bit] as string]
      if (given === undefined) continue
      ;(write[bit] as Write)(views, row, given)
      present |= 1 << bit
    }
    views.u32[row >>> 2] = present
  }
}

/** A growing block of rows. */
export interface RowBlock<Row> {
  readonly length: number
  /** Index of the new row. Throws `InvalidInput`, and adds nothing, when a value does not fit its field. */
  append(row: Row): number
  /** The rows so far, in a buffer of their own. */
  toBuffer(): ArrayBuffer
  /** Removes all rows and keeps the room. */
  clear(): void
}

/** Writes rows of one record. Build it once: that is the costly part. */
export class RowWriter<Row extends object> {
  readonly #size: number
  readonly #write: Write

  constructor(schema: readonly RecordSchema[], name: string) {
    this.#size = recordNamed(schema, name).size
    this.#write = recordWriter(schema, name)
  }

  /** An empty block with room for `capacity` rows before it has to grow. */
  block(capacity = 4): RowBlock<Row> {
    return new Block(this.#size, this.#write, capacity)
  }

  /** A block of one. */
  encode(row: Row): ArrayBuffer {
    const block = this.block(1)
    block.append(row)
    return block.toBuffer()
  }
}

class Block<Row> implements RowBlock<Row> {
  readonly #size: number
  readonly #write: Write
  #views: Views
  #length = 0
  #failed = false // an append that failed may have left something behind the last row

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
    if (this.#failed) this.#views.bytes.fill(0, start, start + this.#size)
    this.#failed = true
    this.#write(this.#views, start, row)
    this.#failed = false
    return this.#length++
  }

  toBuffer(): ArrayBuffer {
    return this.#views.bytes.buffer.slice(0, this.#length * this.#size) as ArrayBuffer
  }

  clear(): void {
    this.#views.bytes.fill(0, 0, (this.#length + 1) * this.#size)
    this.#length = 0
    this.#failed = false
  }

  #grow(): void {
    const larger = viewsOf(new ArrayBuffer(this.#views.bytes.length * 2))
    larger.bytes.set(this.#views.bytes)
    this.#views = larger
  }
}
