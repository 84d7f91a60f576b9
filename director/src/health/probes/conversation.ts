// Talking over a connection: send, wait for what comes back, TLS in between.
import type { Socket } from 'node:net'
import type { CheckCommon, TlsSettings } from '../../site/site.ts'
import type { Attempt } from './attempt.ts'
import { connect, startTls } from './connect.ts'
import { ProbeFailure } from './errors.ts'
import type { ProbeTarget, Sockets } from './probe.ts'

const maximumBytes = 65_536

/** How many bytes of `received` the answer has; 0: more must come. */
export type Measure = (received: Buffer) => number

type TalkingCheck = CheckCommon & { readonly port: number; readonly tls: TlsSettings | undefined }

export class Conversation {
  readonly #attempt: Attempt
  readonly #target: ProbeTarget
  #socket: Socket
  #received: Buffer = Buffer.alloc(0)
  #closed = false
  #wake: (() => void) | undefined

  private constructor(attempt: Attempt, target: ProbeTarget, socket: Socket) {
    this.#attempt = attempt
    this.#target = target
    this.#socket = socket
    this.#listen()
  }

  /** Connects, and starts TLS unless the protocol does so later. */
  static async open(
    attempt: Attempt,
    check: TalkingCheck,
    target: ProbeTarget,
    sockets: Sockets | undefined,
    tlsAtOnce = true,
  ): Promise<Conversation> {
    const plain = await connect(attempt, check, target, sockets)
    const { tls } = check
    const socket = tls === undefined || !tlsAtOnce ? plain : await startTls(attempt, plain, tls, target.address)
    attempt.enter('firstByte')
    return new Conversation(attempt, target, socket)
  }

  send(data: string | Uint8Array): void {
    this.#attempt.log('>', data)
    this.#socket.write(data)
  }

  /** Takes the next answer from what was received, waiting for it. */
  async take(measure: Measure): Promise<Buffer> {
    for (;;) {
      const length = measure(this.#received)
      if (length > 0) {
        const answer = this.#received.subarray(0, length)
        this.#received = this.#received.subarray(length)
        return answer
      }
      if (this.#closed) throw new ProbeFailure(this.#closedWords(), false)
      if (this.#received.length > maximumBytes) throw new ProbeFailure('the answer is longer than 64 KiB')
      await new Promise<void>((resolve) => (this.#wake = resolve))
    }
  }

  /** The next line, without its end. */
  async line(): Promise<string> {
    const bytes = await this.take((received) => received.indexOf(0x0a) + 1)
    return bytes.toString('utf8').replace(/\r?\n$/, '')
  }

  /** The next line, which the end of the connection ends too. */
  async lineOrEnd(): Promise<string> {
    const bytes = await this.take((received) => received.indexOf(0x0a) + 1 || (this.#closed ? received.length : 0))
    return bytes.toString('utf8').trimEnd()
  }

  /** The next line must match. */
  async expectLine(pattern: RegExp, what: string): Promise<string> {
    const line = await this.line()
    if (!pattern.test(line)) throw new ProbeFailure(`${what}: "${line.slice(0, 150)}"`)
    return line
  }

  /** Waits until everything received so far matches. */
  async expectMatch(pattern: RegExp): Promise<void> {
    await this.take((received) => (pattern.test(received.toString('utf8')) ? received.length : 0))
  }

  /** TLS from here on. Bytes that came before it are refused: they would count as encrypted. */
  async startTls(settings: TlsSettings): Promise<void> {
    if (this.#received.length > 0) throw new ProbeFailure('bytes after the answer to STARTTLS')
    this.#socket.removeAllListeners('data').removeAllListeners('end')
    this.#socket = await startTls(this.#attempt, this.#socket, settings, this.#target.address)
    this.#attempt.enter('firstByte')
    this.#listen()
  }

  #listen(): void {
    this.#socket.on('data', (chunk: Buffer) => {
      this.#attempt.log('<', chunk)
      this.#attempt.enter('body')
      this.#received = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk])
      this.#wake?.()
    })
    this.#socket.on('end', () => {
      this.#closed = true
      this.#wake?.()
    })
  }

  #closedWords(): string {
    if (this.#received.length === 0) return 'closed the connection without an answer'
    return `closed the connection after "${this.#received.toString('utf8', 0, 100)}"`
  }
}
