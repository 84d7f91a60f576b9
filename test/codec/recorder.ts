// What a batch sends, row by row.
import type { BatchCall } from '../../lib/binding/addon.ts'
import type { Failure } from '../../lib/binding/replies.ts'
import { operationCode, rowWriters } from '../../lib/binding/records.ts'
import type { ServiceRow } from '../../lib/binding/record-types.ts'
import type { Channel } from '../../lib/calls/requests.ts'
import { explainServiceErrno } from '../../lib/services/service-errno.ts'

function hexRow(rows: Uint8Array, size: number, index: number): string {
  return Buffer.from(rows.subarray(index * size, (index + 1) * size)).toString('hex')
}

/** Plays the native session: what is sent is recorded, and every so many-th operation refused. */
export class Recorder implements Channel {
  readonly writers: Channel['writers'] = rowWriters
  readonly explain: Channel['explain'] = explainServiceErrno
  readonly closed = false
  readonly progress = 0
  /** Of each item that was sent: code, row of the service, row of the destination. */
  readonly rows: string[] = []
  readonly #refuses: number
  #calls = 0

  /** `refuses`: each operation whose number, among all that were sent, is divisible by it; 0: none. */
  constructor(refuses = 0) {
    this.#refuses = refuses
  }

  readonly session: Channel['session'] = {
    execute: async (_, triples, services, destinations) => {
      const failures: Failure[] = []
      for (let at = 0; at < triples.length; at += 3) {
        const [code = 0, service = 0, destination = 0] = triples.subarray(at, at + 3)
        const second = ofDestinations.has(code) ? hexRow(destinations, destinationSize, destination) : ''
        if (this.#refuses > 0 && this.rows.length % this.#refuses === 0) {
          failures.push({ index: at / 3, kind: 'rejected', errno: 17, unknown: false })
        }
        this.rows.push(`${code} ${hexRow(services, serviceSize, service)} ${second}`)
      }
      return { failures }
    },
    read: async () => ({ failures: [], rows: rowWriters.services.encode(listedRow) }),
    snapshot: unexpected,
    abort: unexpected,
  }
  nextCall: Channel['nextCall'] = () => ({ id: ++this.#calls, timeoutMs: 1 })
  batchCall(): BatchCall {
    return { ...this.nextCall(), ended: new Uint8Array(1), stopOnError: false }
  }
}

export const serviceSize: number = rowWriters.services.encode({}).byteLength
const destinationSize = rowWriters.destinations.encode({}).byteLength
const ofDestinations = new Set(['addDestination', 'updateDestination', 'removeDestination'].map(operationCode))
function unexpected(): never {
  throw new Error('only execute and read are expected')
}

// Of any service that is asked for.
const listedRow: ServiceRow = {
  family: 2,
  fwmark: 1,
  scheduler: 'wlc',
  flags: { value: 1, mask: 0xffffffff },
  timeout: 30,
  netmask: Uint8Array.of(255, 255, 255, 255),
}
