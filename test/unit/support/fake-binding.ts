// The addon as tests of whole methods replace it: `vi.mock('../../../lib/binding/addon.ts', () => import('./fake-binding.ts'))`.
import type { NativeNamespace, SessionOptions } from '../../../lib/binding/addon.ts'
import { FakeConnectionReader, connectionSchema, connectionStates } from './fake-connections.ts'
import { MarksSession, elementSchema, foundMarkSchema, tracedPacketSchema, traceSchema } from './fake-marks.ts'
import { numbers } from './fake-numbers.ts'
import { FakeSession } from './fake-session.ts'
import { schema } from './schema.ts'

/** Operations by code. */
export const operationNames: readonly string[] =
  'addService updateService removeService addDestination updateDestination removeDestination flush zeroService zeroAll setTimeouts startSyncDaemon stopSyncDaemon getService listServices listDestinations info getTimeouts listSyncDaemons'.split(
    ' ',
  )

/** All sessions so far, and what each was made with. They answer with success and no rows until told otherwise. */
export const opened: { readonly sessions: FakeSession[]; readonly options: SessionOptions[] } = {
  sessions: [],
  options: [],
}

class IpvsSession extends FakeSession {
  constructor(options: SessionOptions) {
    super()
    this.reply = () => ({})
    opened.sessions.push(this)
    opened.options.push(options)
  }
}

export class FakeNamespace implements NativeNamespace {
  readonly path: string
  closed = 0

  constructor(path: string) {
    this.path = path
  }

  close(): void {
    this.closed++
  }
}

export const binding: object = {
  Namespace: FakeNamespace,
  IpvsSession,
  MarksSession,
  ConnectionReader: FakeConnectionReader,
  connectionStates,
  schema: [...schema, elementSchema, foundMarkSchema, tracedPacketSchema, traceSchema, connectionSchema],
  // Leaves all items to JavaScript, which these tests are about.
  packItems: (_: Uint8Array, triples: Uint32Array) => {
    triples.fill(numbers['items']?.['unusual'] as number)
    return [0, 0, triples.length / 3]
  },
  numbers,
  operations: Object.fromEntries(operationNames.map((name, code) => [name, code])),
}
