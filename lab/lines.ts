// Small readers of byte streams.

import { StringDecoder } from 'node:string_decoder'

/** Splits a stream into lines. */
export class LineReader {
  readonly #decoder = new StringDecoder('utf8')
  readonly #onLine: (line: string) => void
  /** The parts of an incomplete line, joined at its end: a line may have many megabytes. */
  #parts: string[] = []

  constructor(onLine: (line: string) => void) {
    this.#onLine = onLine
  }

  /** Listener for 'data'. */
  readonly listener = (chunk: Buffer): void => {
    const lines = this.#decoder.write(chunk).split('\n')
    const rest = lines.pop() ?? ''
    for (const line of lines) {
      this.#parts.push(line)
      const complete = this.#parts.join('')
      this.#parts = []
      this.#onLine(complete)
    }
    if (rest !== '') this.#parts.push(rest)
  }
}

/** Remembers the end of a stream. */
export class Tail {
  readonly #limitBytes: number
  #bytes: Buffer = Buffer.alloc(0)

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes
  }

  add(chunk: Uint8Array): void {
    this.#bytes = Buffer.concat([this.#bytes, chunk]).subarray(-this.#limitBytes)
  }

  toString(): string {
    return this.#bytes.toString('utf8').replaceAll('\r', '')
  }
}
