// Schemas that have exactly the fields of a type: a field that one of them lacks does not compile.
import type { z } from 'zod'

/** All fields, to any depth, none of them optional or readonly. Optional fields are assignable whether they are there or not. */
type Whole<Type> = Type extends object
  ? { -readonly [Key in keyof Type]-?: Whole<Exclude<Type[Key], undefined>> }
  : Type

type Agrees<One, Other> = [Whole<One>, Whole<Other>] extends [Whole<Other>, Whole<One>] ? unknown : never

/**
 * A schema for the fields of `Type`: `schemaOf<Type>()(schema)`. It compiles only if the schema has each field, optional ones too,
 * with each of its values, and no other field.
 */
export function schemaOf<Type>(): <Schema extends z.ZodType>(
  schema: Schema & Agrees<z.output<Schema>, Type>,
) => z.ZodType<Type> {
  return (schema) => schema as unknown as z.ZodType<Type>
}
