// A schema and a type agree, or the file does not compile: each `@ts-expect-error` fails if its line compiles.
import { expect, test } from 'vitest'
import { z } from 'zod'
import { schemaOf } from '../../src/control/agreement.ts'

interface Order {
  readonly kind: 'drain' | 'disable'
  readonly until: number | undefined
  readonly drain?: { readonly waitMs?: number }
  readonly names: readonly string[]
}

const kind = z.enum(['drain', 'disable'])
const until = z.number().optional()
const drain = z.object({ waitMs: z.number().optional() }).optional()
const names = z.array(z.string())

test('a schema with all fields reads the type', () => {
  const order: Order = schemaOf<Order>()(z.object({ kind, until, drain, names })).parse({
    kind: 'drain',
    drain: { waitMs: 5 },
    names: ['a'],
    more: true,
  })
  expect(order).toEqual({ kind: 'drain', drain: { waitMs: 5 }, names: ['a'] })
})

test('what does not compile', () => {
  const of = schemaOf<Order>()
  expect([
    // @ts-expect-error -- `drain` is forgotten, an optional field
    of(z.object({ kind, until, names })),
    // @ts-expect-error -- a field of `drain` is forgotten
    of(z.object({ kind, until, drain: z.object({}).optional(), names })),
    // @ts-expect-error -- `until` is forgotten
    of(z.object({ kind, drain, names })),
    // @ts-expect-error -- `disable` is forgotten
    of(z.object({ kind: z.enum(['drain']), until, drain, names })),
    // @ts-expect-error -- the type has no `force`
    of(z.object({ kind: z.enum(['drain', 'disable', 'force']), until, drain, names })),
    // @ts-expect-error -- another type
    of(z.object({ kind, until: z.string().optional(), drain, names })),
    // @ts-expect-error -- the type has no such field
    of(z.object({ kind, until, drain, names, more: z.string() })),
    // @ts-expect-error -- another type of elements
    of(z.object({ kind, until, drain, names: z.array(z.number()) })),
  ]).toHaveLength(8)
})
