// state.json: what was decided and cannot be seen in the kernel. Overrides, allocated marks, and what in the kernel is ours.
import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import type { Memory, Override } from '../desired/inputs.ts'
import { schemaOf } from './agreement.ts'
import { replaceFile } from './files.ts'

/** The content of state.json. */
export interface Kept {
  readonly overrides: readonly Override[]
  readonly memory: Memory
  /** Keys of services. */
  readonly owned: readonly string[]
}

const time = z.number().int()
const overrideSchema = z.object({
  kind: z.enum(['drain', 'disable', 'forceUp']),
  target: z.string(),
  who: z.string(),
  why: z.string(),
  since: time,
  until: time.optional(),
  drain: z
    .object({
      stickiness: z.enum(['keep', 'move']).optional(),
      waitMs: z.number().optional(),
      // oxlint-disable-next-line unicorn/no-thenable -- a text, as in the site file
      then: z.enum(['keep', 'remove']).optional(),
    })
    .optional(),
})
const noteSchema = z.object({
  zero: z.string().optional(),
  slowStartSince: z.number().optional(),
  agentWeight: z.number().min(0).optional(),
  drained: z.number().optional(),
  moved: z.object({ drain: z.number(), at: z.number() }).optional(),
})
const keptSchema = schemaOf<Kept & { readonly version: 1 }>()(
  z.object({
    version: z.literal(1),
    overrides: z.array(overrideSchema),
    memory: z.object({
      marks: z.record(z.string(), z.number().int().min(1).max(0xffffffff)),
      low: z.array(z.string()).optional(),
      notes: z.record(z.string(), noteSchema).optional(),
    }),
    owned: z.array(z.string()),
  }),
)

/** state.json cannot be used. */
export class StoreError extends Error {
  override readonly name = 'StoreError'
}

const empty: Kept = { overrides: [], memory: { marks: {} }, owned: [] }

/** Keeps the state in memory and in the file. Writes follow each other; each resolves when its content is on the disk. */
export class Store {
  readonly #file: string
  #kept: Kept
  #written: Promise<void> = Promise.resolve()

  private constructor(file: string, kept: Kept) {
    this.#file = file
    this.#kept = kept
  }

  /** Reads the file. An absent file is an empty state; a damaged one is an error, since it says what is ours. */
  static async open(file: string): Promise<Store> {
    let text: string
    try {
      text = await readFile(file, 'utf8')
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return new Store(file, empty)
      throw error
    }
    try {
      const { overrides, memory, owned } = keptSchema.parse(JSON.parse(text))
      return new Store(file, { overrides, memory, owned })
    } catch (cause) {
      const fix =
        'restore it from a backup, or remove it: drains end then, and services that no site names any more stay'
      throw new StoreError(`${file} is damaged; ${fix}`, { cause })
    }
  }

  get kept(): Kept {
    return this.#kept
  }

  /**
   * Changes parts of the state, from what it is then. Resolves when they are on the disk. If that fails, the state stays as it
   * was: what was refused is not in effect either.
   */
  update(change: (kept: Kept) => Partial<Kept>): Promise<void> {
    const write = this.#write(this.#written, change)
    this.#written = write.catch(() => {})
    return write
  }

  async #write(before: Promise<void>, change: (kept: Kept) => Partial<Kept>): Promise<void> {
    await before
    const next = { ...this.#kept, ...change(this.#kept) }
    await replaceFile(this.#file, JSON.stringify({ version: 1, ...next }))
    this.#kept = next
  }
}
