// Long listings that keep the kernel's rows as bytes and convert a row to an object on access.
import { Pauses } from './pauses.ts'

/** Names of a row's properties, including properties that only some rows have. */
export type ColumnName<Row> = Row extends unknown ? Extract<keyof Row, string> : never

/** Type of a property's values; `undefined` for rows without the property. */
export type ColumnValue<Row, Name> = Row extends unknown ? (Name extends keyof Row ? Row[Name] : undefined) : never

/**
 * A long listing, as of the time of the call. It stores a row in about 200 bytes and creates an object on access: 100,000
 * rows take little memory, and reading them does not block the event loop.
 */
export interface Table<Row> extends Iterable<Row> {
  /** Number of rows. */
  readonly length: number
  /** The row at `index`; negative values count from the end. `undefined` if out of range. Returns a new object each time. */
  at(index: number): Row | undefined
  /** Iterates over all rows, without pauses. */
  [Symbol.iterator](): Iterator<Row>
  /** One property of all rows. Pauses about every 4 ms, so that the event loop runs. */
  column<Name extends ColumnName<Row>>(name: Name): Promise<ColumnValue<Row, Name>[]>
  /** All rows as objects. Pauses about every 4 ms, so that the event loop runs. */
  toArray(): Promise<Row[]>
}

/** A table of `length` rows. `convert` creates a row; `records` returns how many records it decodes for that. */
export class LazyTable<Row extends object> implements Table<Row> {
  readonly length: number
  readonly #convert: (index: number) => Row
  readonly #records: (index: number) => number

  constructor(length: number, convert: (index: number) => Row, records: (index: number) => number = () => 1) {
    this.length = length
    this.#convert = convert
    this.#records = records
  }

  at(index: number): Row | undefined {
    if (!Number.isInteger(index)) return undefined
    const place = index < 0 ? this.length + index : index
    return place >= 0 && place < this.length ? this.#convert(place) : undefined
  }

  *[Symbol.iterator](): Iterator<Row> {
    for (let index = 0; index < this.length; index++) yield this.#convert(index)
  }

  column<Name extends ColumnName<Row>>(name: Name): Promise<ColumnValue<Row, Name>[]> {
    return this.#all((row) => row[name as unknown as keyof Row] as ColumnValue<Row, Name>)
  }

  toArray(): Promise<Row[]> {
    return this.#all((row) => row)
  }

  async #all<Value>(pick: (row: Row) => Value): Promise<Value[]> {
    const values: Value[] = []
    const pauses = new Pauses()
    for (let index = 0; index < this.length; index++) {
      values.push(pick(this.#convert(index)))
      if (pauses.isDue(this.#records(index))) await pauses.take()
    }
    return values
  }
}
