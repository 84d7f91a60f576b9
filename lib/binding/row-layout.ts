// Layout of rows: offsets and presence bits of fields.
import type { FieldKind, RecordSchema } from './addon.ts'

/** Value of a field of kind `flags`: only the bits of `mask` are valid. */
export interface Flags {
  readonly value: number
  readonly mask: number
}

export interface Views {
  readonly bytes: Uint8Array
  readonly text: Buffer
  readonly u16: Uint16Array
  readonly u32: Uint32Array
  readonly u64: BigUint64Array
}

/** Typed views of a buffer of rows. */
export function viewsOf(buffer: ArrayBuffer): Views {
  return {
    bytes: new Uint8Array(buffer),
    text: Buffer.from(buffer),
    u16: new Uint16Array(buffer),
    u32: new Uint32Array(buffer),
    u64: new BigUint64Array(buffer),
  }
}

/** The schema of a record. Throws if the native build lacks it. */
export function recordNamed(schema: readonly RecordSchema[], name: string | undefined): RecordSchema {
  const record = schema.find((candidate) => candidate.name === name)
  if (record === undefined) throw new Error(`ipvs: the native build knows no record "${name}"; build it again`)
  return record
}

/** Offset and size of a field in bytes, and its presence bit. */
export interface Place {
  readonly offset: number
  readonly size: number
  readonly bit: number
}

/** Layout of a record. */
export interface RowLayout<Name extends string> {
  /** Bytes of a row. */
  readonly size: number
  /** Presence bits of a row with all fields. */
  readonly all: number
  readonly at: Readonly<Record<Name, Place>>
}

interface FieldValues {
  readonly u8: number
  readonly u16: number
  readonly be16: number
  readonly u32: number
  readonly u64: bigint
  readonly text: string
  readonly bytes: Uint8Array
  readonly flags: Flags
  readonly nested: object
}

/** Row type derived from the kinds of its fields. */
export type RowOf<Kinds extends Readonly<Record<string, FieldKind>>> = {
  readonly [Name in keyof Kinds]: FieldValues[Kinds[Name]]
}

/** The layout of all fields of a record. */
export function layoutOf<Name extends string>(schema: readonly RecordSchema[], name: string): RowLayout<Name> {
  const { size, fields } = recordNamed(schema, name)
  const places = fields.map((field, index) => {
    return [field.name, { offset: field.offset, size: field.size, bit: 1 << index }] as const
  })
  return { size, all: 2 ** fields.length - 1, at: Object.fromEntries(places) as Record<Name, Place> }
}

/** Like `layoutOf`, for code that depends on kinds: throws if a field is missing or has another kind. */
export function layoutOfKinds<Name extends string>(
  schema: readonly RecordSchema[],
  name: string,
  kinds: Readonly<Record<Name, FieldKind>>,
): RowLayout<Name> {
  const { fields } = recordNamed(schema, name)
  for (const [field, kind] of Object.entries<FieldKind>(kinds)) {
    if (fields.some((candidate) => candidate.name === field && candidate.kind === kind)) continue
    throw new Error(`ipvs: the native build knows no "${name}.${field}" of kind ${kind}; build it again`)
  }
  return layoutOf(schema, name)
}
