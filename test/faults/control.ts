// Commands for the preloaded shim, through the file that both map. The numbers are those of shim.c.
import { closeSync, openSync, readSync, writeSync } from 'node:fs'

export const calls = [
  'socket',
  'bind',
  'connect',
  'getsockname',
  'setsockopt',
  'getsockopt',
  'sendmsg',
  'recvmsg',
  'datagram',
  'poll',
  'eventfd',
  'open',
  'read',
  'write',
  'setns',
  'thread',
] as const
export type CallName = (typeof calls)[number]

export const kinds = [
  'nothing',
  'errno',
  'swallow',
  'short',
  'delay',
  'killBefore',
  'killAfter',
  'spurious',
  'drop',
  'overrun',
  'twice',
  'truncated',
  'cut',
  'torn',
  'badSequence',
  'badPort',
  'forged',
  'overrunMessage',
  'shortMessage',
  'lengthZero',
  'lengthHuge',
  'unaligned',
  'garbage',
  'empty',
  'late',
  'fork',
] as const
export type FaultKind = (typeof kinds)[number]

/** Numbers of Linux on all architectures. */
export const errnos = {
  EPERM: 1,
  ENOENT: 2,
  EINTR: 4,
  EIO: 5,
  EAGAIN: 11,
  ENOMEM: 12,
  EACCES: 13,
  EINVAL: 22,
  ENFILE: 23,
  EMFILE: 24,
  EMSGSIZE: 90,
  ENOPROTOOPT: 92,
  EAFNOSUPPORT: 97,
  EADDRINUSE: 98,
  ENOBUFS: 105,
  ECONNREFUSED: 111,
} as const
export type ErrnoName = keyof typeof errnos

/** What happens to which call. */
export interface Fault {
  readonly call: CallName
  /** The first occurrence that is hit, from 1. */
  readonly nth: number
  /** How many are hit; 0: all from there on. */
  readonly times: number
  readonly kind: FaultKind
  /** An errno, or milliseconds. */
  readonly argument: number
}

const COUNTED = 4
const FAULT = COUNTED + calls.length * 4
export const controlSize: number = FAULT + 6 * 4

export type Counts = Readonly<Record<CallName, number>>

export class Control {
  readonly #fd: number

  /** `path`: the file that the environment variable FAULTS_CONTROL names. */
  constructor(path: string) {
    this.#fd = openSync(path, 'r+')
  }

  /** From now on calls are counted, and the fault happens. */
  arm(fault?: Fault): void {
    const words = new Int32Array(controlSize / 4)
    if (fault !== undefined) {
      const { call, nth, times, kind, argument } = fault
      words.set([calls.indexOf(call), nth, times, kinds.indexOf(kind), argument, 0], FAULT / 4)
    }
    this.#write(words, 0)
    this.#write(Int32Array.of(1), 0)
  }

  /** Ends it. Returns how often each call was made, and how often the fault happened. */
  disarm(): { readonly counts: Counts; readonly injected: number } {
    this.#write(Int32Array.of(0), 0)
    const words = new Int32Array(controlSize / 4)
    readSync(this.#fd, new Uint8Array(words.buffer), 0, controlSize, 0)
    const counts = Object.fromEntries(calls.map((call, index) => [call, words[COUNTED / 4 + index]])) as Counts
    return { counts, injected: words[FAULT / 4 + 5] as number }
  }

  /** How often the fault has happened until now. */
  injected(): number {
    const word = new Int32Array(1)
    readSync(this.#fd, new Uint8Array(word.buffer), 0, 4, FAULT + 5 * 4)
    return word[0] as number
  }

  close(): void {
    closeSync(this.#fd)
  }

  #write(words: Int32Array, position: number): void {
    writeSync(this.#fd, new Uint8Array(words.buffer), 0, words.byteLength, position)
  }
}
