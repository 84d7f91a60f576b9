// A stream whose end is a marker: virtio ports have no end-of-file in the direction of the host.

import type { Socket } from 'node:net'
import { Readable } from 'node:stream'
import { deferred } from './deferred.ts'

/** Passes on what a socket brings, up to a marker that nobody but the guest's last script knows. */
export class MarkedStream extends Readable {
  /** Resolves when the marker has come, for which somebody has to read; rejects when it cannot come any more. */
  readonly complete: Promise<void>
  readonly #socket: Socket
  readonly #marker: Buffer
  readonly #completion = deferred<void>()
  /** What looks like the beginning of the marker. */
  #held: Buffer = Buffer.alloc(0)
  #done = false

  constructor(socket: Socket, marker: string) {
    super()
    this.#socket = socket
    this.#marker = Buffer.from(marker)
    this.complete = this.#completion.promise
    // Whoever reads is told as well; nobody has to.
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

  /** Without the marker there is no clean end: a reader must not take what it got for all. */
  #lost(error: Error): void {
    if (this.#done) return
    this.#completion.reject(error)
    this.destroy(error)
  }
}

/** How many bytes at the end of `bytes` are the beginning of the marker. */
export function markerOverlap(bytes: Buffer, marker: Buffer): number {
  for (let length = Math.min(bytes.length, marker.length); length > 0; length--) {
    if (bytes.subarray(-length).equals(marker.subarray(0, length))) return length
  }
  return 0
}
