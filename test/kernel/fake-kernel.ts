// A scripted kernel on the far end of a socket pair: it reads real requests and answers as the test says, for faults that
// a real kernel does not produce on demand.
import { closeSync, readSync, writeSync } from 'node:fs'

import { testing } from './testing.ts'

const NLMSG_ERROR = 2
const GENL_ID_CTRL = 16
const NLMSG_DONE = 3
const NLM_F_ACK = 4
const NLM_F_DUMP = 0x300
const FAMILY = 30
const CAPPED = 0x100
const TLVS = 0x200

export interface Request {
  readonly type: number
  readonly sequence: number
  readonly command: number
  readonly header: Buffer
  /** Behind the header. */
  readonly body: Buffer
  readonly dump: boolean
  readonly acknowledged: boolean
}

/** The messages of a datagram. */
function requestsIn(datagram: Buffer): Request[] {
  const found: Request[] = []
  for (let at = 0; at < datagram.length;) {
    const length = datagram.readUInt32LE(at)
    const flags = datagram.readUInt16LE(at + 6)
    found.push({
      type: datagram.readUInt16LE(at + 4),
      sequence: datagram.readUInt32LE(at + 8),
      command: datagram[at + 16] as number,
      header: Buffer.from(datagram.subarray(at, at + 16)),
      body: Buffer.from(datagram.subarray(at + 16, at + length)),
      dump: (flags & NLM_F_DUMP) === NLM_F_DUMP,
      acknowledged: (flags & NLM_F_ACK) !== 0,
    })
    at += (length + 3) & ~3
  }
  return found
}

export function message(type: number, flags: number, sequence: number, ...parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts)
  const header = Buffer.alloc(16)
  header.writeUInt32LE(16 + body.length, 0)
  header.writeUInt16LE(type, 4)
  header.writeUInt16LE(flags, 6)
  header.writeUInt32LE(sequence, 8)
  return Buffer.concat([header, body])
}

export function attribute(type: number, payload: Buffer): Buffer {
  const padded = Buffer.alloc((payload.length + 7) & ~3)
  padded.writeUInt16LE(4 + payload.length, 0)
  padded.writeUInt16LE(type, 2)
  payload.copy(padded, 4)
  return padded
}

const u16 = (value: number): Buffer => Buffer.from(Uint16Array.of(value).buffer)
const u32 = (value: number): Buffer => Buffer.from(Uint32Array.of(value).buffer)

/** NLMSG_ERROR; errno 0 is an acknowledgement. */
export function answer(request: Request, errno = 0, ...tlvs: readonly Buffer[]): Buffer {
  const code = Buffer.alloc(4)
  code.writeInt32LE(-errno)
  const flags = tlvs.length > 0 ? CAPPED | TLVS : CAPPED
  return message(NLMSG_ERROR, flags, request.sequence, code, request.header, ...tlvs)
}

/** The end of a dump. */
export const doneDump = (request: Request): Buffer => message(NLMSG_DONE, 2, request.sequence, Buffer.alloc(4))

/** A message captured elsewhere, as an answer to this request. */
export function withSequence(captured: Buffer, request: Request): Buffer {
  const copy = Buffer.from(captured)
  copy.writeUInt32LE(request.sequence, 8)
  return copy
}

/** nf_tables: the generation of the ruleset. */
export function generation(request: Request, value: number): Buffer {
  const id = Buffer.alloc(4)
  id.writeUInt32BE(value)
  return message(0x0a0f, 0, request.sequence, Buffer.alloc(4), attribute(1, id))
}

/** Extended ACK: the kernel's words and the offset of the refused attribute. */
export const extended = (text: string, offset: number): Buffer[] => [
  attribute(1, Buffer.from(`${text}\0`)),
  attribute(2, u32(offset)),
]

/** The service of firewall mark 7, as GET_SERVICE gives it. */
export function markService(request: Request, scheduler: string): Buffer {
  const fields = [
    attribute(1, u16(2)),
    attribute(5, u32(7)),
    attribute(6, Buffer.from(`${scheduler}\0`)),
    attribute(7, Buffer.concat([u32(2), u32(0xffffffff)])),
    attribute(8, u32(0)),
    attribute(9, u32(0xffffffff)),
  ]
  const body = attribute(1, Buffer.concat(fields))
  return message(request.type, 2, request.sequence, Buffer.from([1, 1, 0, 0]), body)
}

/** The connection that a request came on. */
export interface Line {
  /** What our side sends on it from now on fails with EPIPE, before anybody sees it. */
  deafen(): void
  /** It ends when the answers were sent. */
  hangUp(): void
}

/** Says which datagrams answer a request datagram; family lookups are answered already. */
export type Script = (requests: readonly Request[], line: Line) => readonly Buffer[]

export interface FakeKernel {
  /** Our ends, for the native session. */
  readonly sockets: readonly number[]
  /** Takes what was sent so far: a real kernel has done so when sendmsg() returns. */
  serve(): void
  stop(): void
}

/** Plays the kernel on a number of sockets, one for each time that the session opens one. */
export function playKernel(script: Script, count: number): FakeKernel {
  const pairs = Array.from({ length: count }, () => testing.socketpair())
  const open = new Set(pairs.map(([, far]) => far)) // in the order in which they are used
  const serve = () => {
    for (const far of open) {
      if (serveOne(far, script)) continue
      closeSync(far)
      open.delete(far)
    }
  }
  // The far ends do not block: a read that waits in libuv's pool would hold one of its four threads.
  const timer = setInterval(serve, 1)
  return {
    sockets: pairs.map(([near]) => near),
    serve,
    stop() {
      clearInterval(timer)
      for (const far of open) closeSync(far)
    },
  }
}

const buffer = Buffer.alloc(1 << 17)

function receive(fd: number): Buffer | undefined {
  try {
    const length = readSync(fd, buffer)
    return length === 0 ? undefined : buffer.subarray(0, length) // 0: closed by our side
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EAGAIN' || code === 'ECONNRESET') return undefined // nothing more, or nobody there any more
    throw error
  }
}

// False: it hangs up.
function serveOne(fd: number, script: Script): boolean {
  let up = true
  for (let datagram = receive(fd); datagram !== undefined; datagram = up ? receive(fd) : undefined) {
    const requests = requestsIn(datagram)
    const [first] = requests
    if (first === undefined) break
    const family = Buffer.concat([Buffer.from([1, 2, 0, 0]), attribute(1, u16(FAMILY))])
    // A transaction of nf_tables begins with the same number, in a datagram of several messages.
    const lookup = first.type === GENL_ID_CTRL && requests.length === 1
    const line: Line = { deafen: () => testing.deafen(fd), hangUp: () => (up = false) }
    const answers = lookup ? [message(GENL_ID_CTRL, 0, first.sequence, family), answer(first)] : script(requests, line)
    for (const each of answers) send(fd, each)
  }
  return up
}

function send(fd: number, datagram: Buffer): void {
  try {
    writeSync(fd, datagram)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPIPE') throw error // our side waits for it no more
  }
}
