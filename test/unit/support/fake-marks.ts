// A native marks session on a table of its own. It has the kernel's rule: a change that is based on another generation is
// refused.
import type { Call, NativeMarksSession, RecordSchema } from '../../../lib/binding/addon.ts'
import type { AppliedChange, FoundElements, FoundRows, FoundText, Reply } from '../../../lib/binding/replies.ts'
import { foundNothing, type AnyReply } from './any-reply.ts'
import type { MarkElement } from '../../../lib/marks/mark-element.ts'
import { Pauses } from '../../../lib/values/pauses.ts'
import { failed } from './fake-session.ts'

export const restart: AnyReply = failed('rejected', 85)

/** All sessions so far, and what each was made with. */
export const opened: { readonly sessions: TableSession[]; readonly options: unknown[] } = { sessions: [], options: [] }

type Answer = AnyReply | Promise<AnyReply> | undefined

export class TableSession implements NativeMarksSession {
  log: string[] = []
  readonly aborted: number[] = []
  generation = 1
  readonly elements: Map<string, MarkElement> = new Map()
  /** Answers instead, one entry for each call; `undefined` does not. */
  next: Answer[] = []
  /** Happens before each change. */
  meanwhile: (() => void) | undefined
  closed = 0

  async open(_call: Call, tidy: boolean): Promise<Reply> {
    return this.#answer(tidy ? 'open' : 'open untidy', () => ({}))
  }

  async list(_call: Call): Promise<Reply<FoundElements>> {
    const { writeElements } = await import('../../../lib/marks/element-rows.ts') // which needs the binding, which is this file
    const elements = [...this.elements.values()].toSorted((left, right) => (left.key < right.key ? -1 : 1))
    const rows = await writeElements(elements, new Pauses())
    return this.#answer('list', () => ({ rows, generation: this.generation }))
  }

  async apply(_call: Call, generation: number, rows: ArrayBuffer, removed: number): Promise<Reply<AppliedChange>> {
    const { readElements } = await import('../../../lib/marks/element-rows.ts')
    this.meanwhile?.()
    const elements = await readElements(rows, new Pauses())
    return this.#answer(`apply -${removed} +${elements.length - removed}`, () => {
      if (generation !== this.generation) return restart
      for (const { key } of elements.slice(0, removed)) this.elements.delete(key)
      for (const element of elements.slice(removed)) this.elements.set(element.key, element)
      if (elements.length > 0) this.generation++
      return { generation: this.generation }
    })
  }

  /** Answers to `find` and `exportTable`. */
  found: ArrayBuffer = new ArrayBuffer(0)
  text = ''
  /** What `trace` got, and its answer. */
  packets: ArrayBuffer = new ArrayBuffer(0)
  traces: ArrayBuffer = new ArrayBuffer(0)

  async find(_call: Call): Promise<Reply<FoundRows>> {
    return this.#answer('find', () => ({ rows: this.found }))
  }

  async trace(_call: Call, packets: ArrayBuffer): Promise<Reply<FoundRows>> {
    this.packets = packets
    return this.#answer('trace', () => ({ rows: this.traces }))
  }

  async exportTable(_call: Call): Promise<Reply<FoundText>> {
    return this.#answer('exportTable', () => ({ text: new Uint8Array(Buffer.from(this.text)).buffer }))
  }

  /** Lines of `status`. */
  problems = ''

  async status(_call: Call): Promise<Reply<FoundText>> {
    return this.#answer('status', () => ({ text: new Uint8Array(Buffer.from(this.problems)).buffer }))
  }

  async drop(_call: Call): Promise<Reply> {
    return this.#answer('drop', () => {
      this.elements.clear()
      this.generation++
      return {}
    })
  }

  async followPath(_call: Call): Promise<Reply> {
    return this.#answer('followPath', () => ({}))
  }

  abort(id: number): void {
    this.aborted.push(id)
  }

  async close(): Promise<void> {
    this.closed++
  }

  async #answer(what: string, reply: () => AnyReply): Promise<typeof foundNothing & AnyReply> {
    this.log.push(what)
    const instead = await this.next.shift()
    return { ...foundNothing, ...(instead ?? reply()) }
  }
}

export class MarksSession extends TableSession {
  constructor(options: unknown) {
    super()
    opened.sessions.push(this)
    opened.options.push(options)
  }
}

const field = (name: string, kind: RecordSchema['fields'][number]['kind'], offset: number, size: number) => {
  return { name, kind, offset, size, constant: `TEST_${name}`, doc: '' }
}

export const elementSchema: RecordSchema = {
  name: 'element',
  size: 272,
  fields: [
    field('mark', 'u32', 4, 4),
    field('rule', 'u64', 8, 8),
    field('handle', 'u64', 16, 8),
    field('packets', 'u64', 24, 8),
    field('bytes', 'u64', 32, 8),
    field('addressFrom', 'bytes', 40, 16),
    field('addressTo', 'bytes', 56, 16),
    field('sourceFrom', 'bytes', 72, 16),
    field('sourceTo', 'bytes', 88, 16),
    field('mask', 'u32', 104, 4),
    field('family', 'u16', 108, 2),
    field('protocol', 'u16', 110, 2),
    field('portFrom', 'u16', 112, 2),
    field('portTo', 'u16', 114, 2),
    field('sourcePortFrom', 'u16', 116, 2),
    field('sourcePortTo', 'u16', 118, 2),
    field('targetPort', 'u16', 120, 2),
    field('place', 'u8', 122, 1),
    field('counter', 'u8', 123, 1),
    field('interface', 'text', 124, 16),
    field('comment', 'text', 140, 129),
  ],
}

export const foundMarkSchema: RecordSchema = {
  name: 'foundMark',
  size: 792,
  fields: [
    field('mark', 'u32', 4, 4),
    field('handle', 'u64', 8, 8),
    field('mask', 'u32', 16, 4),
    field('known', 'u8', 20, 1),
    field('family', 'u8', 21, 1),
    field('table', 'text', 22, 256),
    field('chain', 'text', 278, 256),
    field('map', 'text', 534, 256),
  ],
}

export const tracedPacketSchema: RecordSchema = {
  name: 'tracedPacket',
  size: 48,
  fields: [
    field('mark', 'u32', 4, 4),
    field('source', 'bytes', 8, 16),
    field('destination', 'bytes', 24, 16),
    field('sourcePort', 'u16', 40, 2),
    field('destinationPort', 'u16', 42, 2),
    field('family', 'u8', 44, 1),
    field('protocol', 'u8', 45, 1),
    field('path', 'u8', 46, 1),
    field('state', 'u8', 47, 1),
  ],
}

const names = (count: number, first: number, fields: readonly string[]) =>
  fields.map((name, index) => field(name, 'text', first + index * count, count))

export const traceSchema: RecordSchema = {
  name: 'trace',
  size: 1848,
  fields: [
    field('mark', 'u32', 4, 4),
    field('formerMark', 'u32', 8, 4),
    field('position', 'u32', 12, 4),
    field('markPosition', 'u32', 16, 4),
    field('tableFlags', 'u32', 20, 4),
    field('handle', 'u64', 24, 8),
    field('markHandle', 'u64', 32, 8),
    field('askedHandle', 'u64', 40, 8),
    ...['outcome', 'hook', 'route', 'markKnown', 'formerKnown', 'family', 'markFamily', 'askedFamily'].map(
      (name, index) => field(name, 'u8', 48 + index, 1),
    ),
    ...names(256, 56, ['table', 'base', 'chain', 'markTable', 'markChain', 'askedTable', 'askedChain']),
  ],
}
