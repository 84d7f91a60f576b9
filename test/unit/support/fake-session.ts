// A native session that a test plays: it records calls, and the test answers them.
import type { Call, NativeIpvsSession } from '../../../lib/binding/addon.ts'
import type { Failure, FoundRows, FoundTable, Reply } from '../../../lib/binding/replies.ts'
import { foundNothing, type AnyReply } from './any-reply.ts'
import type { DaemonRow, DestinationRow, ServiceRow, TimeoutsRow } from '../../../lib/binding/record-types.ts'
import { RowReader } from '../../../lib/binding/row-reader.ts'
import { schema } from './schema.ts'

const services = new RowReader<ServiceRow>(schema, 'service')
const destinations = new RowReader<DestinationRow>(schema, 'destination')
const timeouts = new RowReader<TimeoutsRow>(schema, 'timeouts')
const daemons = new RowReader<DaemonRow>(schema, 'daemon')

export interface Received {
  readonly method: 'open' | 'execute' | 'read' | 'snapshot' | 'followPath'
  readonly call: Call
  /** Codes of the operations, in order. */
  readonly codes: readonly number[]
  readonly services: readonly (ServiceRow | undefined)[]
  readonly destinations: readonly (DestinationRow | undefined)[]
  /** For operations on settings; those of other operations mean nothing. */
  readonly timeouts?: readonly (TimeoutsRow | undefined)[]
  readonly daemons?: readonly (DaemonRow | undefined)[]
  readonly consistent?: boolean
  answer(reply?: AnyReply): void
  crash(error: unknown): void
}

export class FakeSession implements NativeIpvsSession {
  readonly calls: Received[] = []
  readonly aborted: number[] = []
  closed = 0
  /** Answers calls by itself when set. */
  reply: ((received: Received) => AnyReply | undefined) | undefined

  open(call: Call): Promise<Reply> {
    return this.#receive({ method: 'open', call, codes: [], services: [], destinations: [] })
  }

  execute(
    call: Call,
    operations: Uint32Array,
    serviceRows: Uint8Array,
    destinationRows: Uint8Array,
    timeoutsRows: Uint8Array = new Uint8Array(),
    daemonRows: Uint8Array = new Uint8Array(),
  ): Promise<Reply> {
    const triples = Array.from({ length: operations.length / 3 }, (_, index) =>
      operations.subarray(index * 3, index * 3 + 3),
    )
    const rows = <Row>(reader: RowReader<Row & object>, bytes: Uint8Array, column: 1 | 2) => {
      const all = reader.rows(bytes.slice().buffer) // the sender uses them again
      return triples.map((triple) => (all.length === 0 ? undefined : all.at(triple[column] as number)))
    }
    return this.#receive({
      method: 'execute',
      call,
      codes: triples.map((triple) => triple[0] as number),
      services: rows(services, serviceRows, 1),
      destinations: rows(destinations, destinationRows, 2),
      timeouts: rows(timeouts, timeoutsRows, 1),
      daemons: rows(daemons, daemonRows, 1),
    })
  }

  read(call: Call, operation: number, key: ArrayBuffer | undefined, consistent: boolean): Promise<Reply<FoundRows>> {
    const row = key === undefined ? undefined : services.rows(key).at(0)
    return this.#receive({ method: 'read', call, codes: [operation], services: [row], destinations: [], consistent })
  }

  snapshot(call: Call, consistent: boolean): Promise<Reply<FoundTable>> {
    return this.#receive({ method: 'snapshot', call, codes: [], services: [], destinations: [], consistent })
  }

  followPath(call: Call): Promise<Reply> {
    return this.#receive({ method: 'followPath', call, codes: [], services: [], destinations: [] })
  }

  abort(id: number): void {
    this.aborted.push(id)
  }

  async close(): Promise<void> {
    this.closed++
  }

  /** The newest call. */
  get last(): Received {
    const received = this.calls.at(-1)
    if (received === undefined) throw new Error('no call')
    return received
  }

  #receive(received: Omit<Received, 'answer' | 'crash'>): Promise<Reply<FoundRows & FoundTable>> {
    return new Promise((resolve, reject) => {
      const answer = (reply: AnyReply = {}) => resolve({ ...foundNothing, ...reply })
      const whole: Received = { ...received, answer, crash: reject }
      this.calls.push(whole)
      const reply = this.reply?.(whole)
      if (reply !== undefined) answer(reply)
    })
  }
}

export function failed(kind: Failure['kind'], errno = 0, more: Partial<Failure> = {}): AnyReply {
  return { failures: [{ index: 0, kind, errno, unknown: false, ...more }] }
}
