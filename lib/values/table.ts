// Listings that keep what the kernel told as it came: rows become objects when they are looked at.
import { Slices } from './time-slices.ts'

/** Names of a row's properties, also of those that only some rows have. */
export type ColumnName<Row> = Row extends unknown ? Extract<keyof Row, string> : never

/** Values of a property: `undefined` in rows that do not have it. */
export type ColumnValue<Row, Name> = Row extends unknown ? (Name extends keyof Row ? Row[Name] : undefined) : never

/**
 * A long listing. It holds each row in some 200 bytes and makes an object of it whenever it is looked at, so that keeping
 * 100,000 of them costs little and getting them does not hold up the event loop. It does not change when the kernel does.
 */
export interface Table<Row> extends Iterable<Row> {
  /** Number of rows. */
  readonly length: number
  /** The row at `index`, negative from the end; `undefined` when there is none. A new object each time. */
  at(index: number): Row | undefined
  /** Goes through all rows. */
  [Symbol.iterator](): Iterator<Row>
  /** One property of all rows. Takes slices of a few milliseconds and lets everything else happen in between. */
  column<Name extends ColumnName<Row>>(name: Name): Promise<ColumnValue<Row, Name>[]>
  /** All rows as objects. Takes slices of a few milliseconds and lets everything else happen in between. */
  toArray(): Promise<Row[]>
}

/** A table of `length` rows, each made by `convert` out of as many records as `records` says. */
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
    const slices = new Slices()
    for (let index = 0; index < this.length; index++) {
      values.push(pick(this.#convert(index)))
      if (slices.due(this.#records(index))) await slices.next()
    }
    return values
  }
}
