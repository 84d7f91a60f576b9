// Reads rows, the structs of native code, through typed arrays. Offsets come from the addon's schema; one closure per field
// reads it. Like the structs, rows are in host byte order and naturally aligned.
import type { FieldKind, FieldSchema, RecordSchema } from './addon.ts'
import { recordNamed, viewsOf, type Views } from './row-layout.ts'

// `row`: offset of the row in bytes.
type Read = (views: Views, row: number) => unknown

function readText(text: Buffer, start: number, size: number): string {
  const end = text.indexOf(0, start)
  return text.toString('utf8', start, end < 0 || end > start + size ? start + size : end)
}

const readers: Readonly<Record<Exclude<FieldKind, 'nested'>, (offset: number, size: number) => Read>> = {
  u8: (offset) => (views, row) => views.bytes[row + offset],
  u16: (offset) => (views, row) => views.u16[(row + offset) >>> 1],
  be16: (offset) => (views, row) => views.u16[(row + offset) >>> 1], // host byte order; only messages use network byte order
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

// A class whose getters read the fields: a row is one small object, and fields are decoded on access.
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

/** Rows of one record. An absent field reads as `undefined`. */
export interface Rows<Row> {
  readonly length: number
  at(index: number): Row
}

/** Reads rows of one record. Construction is expensive: construct once. */
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
