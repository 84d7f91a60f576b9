// Connections without a kernel: rows in a layout of their own, and a reader that answers what a test gives it.
import type {
  Call,
  ConnectionBlock,
  ConnectionPassOptions,
  RecordSchema,
  SessionOptions,
} from '../../../lib/binding/addon.ts'
import type {
  FoundChanges,
  FoundConnections,
  FoundGroups,
  FoundStatistics,
  Reply,
} from '../../../lib/binding/replies.ts'
import { foundNothing, type AnyReply } from './any-reply.ts'
import { connectionKinds, type ConnectionField } from '../../../lib/connections/row.ts'

const widths: Readonly<Record<string, number>> = { bytes: 16, u32: 4, u16: 2, u8: 1 }

// Fields by falling width, but not in the order of the native side: nobody may count on that one.
function layout(): RecordSchema {
  const names = (Object.keys(connectionKinds) as ConnectionField[]).toReversed()
  const sorted = names.toSorted((a, b) => (widths[connectionKinds[b]] ?? 0) - (widths[connectionKinds[a]] ?? 0))
  let offset = 0
  const fields = sorted.map((name) => {
    const kind = connectionKinds[name]
    const size = widths[kind] ?? 0
    const field = { name, kind, offset, size, constant: '', doc: '' }
    offset += size
    return field
  })
  return { name: 'connection', size: 64, fields }
}

export const connectionSchema: RecordSchema = layout()

export const connectionStates: readonly string[] =
  'NONE ESTABLISHED SYN_SENT SYN_RECV FIN_WAIT TIME_WAIT CLOSE CLOSE_WAIT LAST_ACK LISTEN SYNACK UDP INIT1 INIT C-SENT C-REPLIED C-WAIT COOKIE C-ECHOED S-SENT S-RECEIVED S-ACK-SENT REJECTED CLOSED ASSURED ERR! ? BUG!'.split(
    ' ',
  )

export type FakeRow = Partial<Record<ConnectionField, number | readonly number[]>>

/** Rows of these values, one after the other. What is left out is 0, families 2. */
export function connectionRows(rows: readonly FakeRow[]): ArrayBuffer {
  const buffer = new ArrayBuffer(rows.length * 64)
  const view = new DataView(buffer)
  const little = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1
  for (const [index, row] of rows.entries()) {
    for (const [name, value] of Object.entries({ family: 2, destinationFamily: 2, ...row })) {
      const field = connectionSchema.fields.find((candidate) => candidate.name === name)
      const at = index * 64 + (field?.offset ?? 0)
      if (typeof value !== 'number') for (const [byte, octet] of value.entries()) view.setUint8(at + byte, octet)
      else if (field?.kind === 'u32') view.setUint32(at, value, little)
      else if (field?.kind === 'u16') view.setUint16(at, value, little)
      else view.setUint8(at, value)
    }
  }
  return buffer
}

const words = (numbers: readonly number[]): ArrayBuffer => Uint32Array.from(numbers).buffer

export function engineBytes(entries: readonly (readonly [number, string])[]): ArrayBuffer {
  const parts = entries.flatMap(([row, text]) => {
    const bytes = Buffer.from(text)
    const padding = Buffer.alloc((4 - (bytes.length % 4)) % 4)
    return [Buffer.from(words([row, bytes.length])), bytes, padding]
  })
  return new Uint8Array(Buffer.concat(parts)).buffer
}

/** What the next calls answer; tests fill it. */
export interface FakeAnswers {
  /** Each call takes the next: rows and engines, or a failure. */
  pulls: (AnyReply & { readonly fill?: readonly FakeRow[] })[]
  group: AnyReply
  compare: AnyReply
  statistics: AnyReply
  /** Called with every call of a method. */
  seen: ((method: string, reader: FakeConnectionReader, ...given: readonly unknown[]) => void) | undefined
}
export const answers: FakeAnswers = { pulls: [], group: {}, compare: {}, statistics: {}, seen: undefined }

export class FakeConnectionReader {
  static readonly all: FakeConnectionReader[] = []
  readonly session: SessionOptions
  readonly options: ConnectionPassOptions
  readonly aborted: number[] = []
  closed = 0

  constructor(session: SessionOptions, options: ConnectionPassOptions) {
    this.session = session
    this.options = options
    FakeConnectionReader.all.push(this)
  }

  async pull(call: Call, most: number, least: number): Promise<Reply<FoundConnections>> {
    answers.seen?.('pull', this, call, most, least)
    const { fill = [], done = answers.pulls.length < 2, ...reply } = answers.pulls.shift() ?? {}
    return { failures: [], rows: connectionRows(fill), done, ...reply }
  }

  async group(
    call: Call,
    blocks: readonly ConnectionBlock[],
    fields: number,
    most: number,
  ): Promise<Reply<FoundGroups>> {
    answers.seen?.('group', this, call, blocks, fields, most)
    return { ...foundNothing, ...answers.group }
  }

  async compare(
    call: Call,
    earlier: readonly ConnectionBlock[],
    later: readonly ConnectionBlock[],
  ): Promise<Reply<FoundChanges>> {
    answers.seen?.('compare', this, call, earlier, later)
    return { ...foundNothing, ...answers.compare }
  }

  async statistics(call: Call): Promise<Reply<FoundStatistics>> {
    answers.seen?.('statistics', this, call)
    return { ...foundNothing, ...answers.statistics }
  }

  abort(id: number): void {
    this.aborted.push(id)
  }

  async close(): Promise<void> {
    this.closed++
  }
}
