// A stream that ends with a marker: virtio ports have no end-of-file towards the host.

import type { Socket } from 'node:net'
import { Readable } from 'node:stream'
import { deferred } from './deferred.ts'

/** Forwards the data of a socket up to a random marker, which the guest's script writes after the output. */
export class MarkedStream extends Readable {
  /** Resolves when the marker has arrived, which requires reading the stream; rejects if the socket ends without it. */
  readonly complete: Promise<void>
  readonly #socket: Socket
  readonly #marker: Buffer
  readonly #completion = deferred<void>()
  /** Bytes that may be the beginning of the marker. */
  #held: Buffer = Buffer.alloc(0)
  #done = false

  constructor(socket: Socket, marker: string) {
    super()
    this.#socket = socket
    this.#marker = Buffer.from(marker)
    this.complete = this.#completion.promise
    // Readers of the stream get the error as well; handling it here is optional.
    this.complete.catch(() => {})
    this.on('error', () => {})
    socket.on('data', (chunk: Buffer) => this.#receive(chunk))
    socket.on('error', (error) => this.#lost(error))
    socket.on('close', () => this.#lost(new Error('the machine ended before all output had arrived')))
  }

  override _read(): void {
    this.#socket.resume()
  }

  #receive(chunk: Buffer): void {
    const bytes = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk])
    const held = markerOverlap(bytes, this.#marker)
    const content = bytes.subarray(0, bytes.length - held)
    this.#held = bytes.subarray(bytes.length - held)
    if (content.length > 0 && !this.push(content)) this.#socket.pause()
    if (held < this.#marker.length) return
    this.#done = true
    this.push(null)
    this.#completion.resolve()
  }

  /** Without the marker the output is incomplete: readers get an error instead of an end. */
  #lost(error: Error): void {
    if (this.#done) return
    this.#completion.reject(error)
    this.destroy(error)
  }
}

/** Length of the longest suffix of `bytes` that is a prefix of the marker. */
export function markerOverlap(bytes: Buffer, marker: Buffer): number {
  for (let length = Math.min(bytes.length, marker.length); length > 0; length--) {
    if (bytes.subarray(-length).equals(marker.subarray(0, length))) return length
  }
  return 0
}
