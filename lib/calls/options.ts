// Options of methods.
import { parseSignal } from '../values/signals.ts'
import { InvalidInput, boolean, integer, readFields, show } from '../values/validate.ts'

/** Last parameter of every method. */
export interface CallOptions {
  /**
   * Gives up waiting: the call rejects with `ERR_IPVS_ABORTED`, its `cause` being the signal's reason. Its `outcome` is
   * `unknown` when the kernel had been asked already.
   */
  readonly signal?: AbortSignal | undefined
}

export function parseCallOptions(value: unknown): AbortSignal | undefined {
  return parseSignal(readFields(value, 'options', ['signal']).signal, 'options.signal')
}

/** Options of `open`. */
export interface OpenOptions extends CallOptions {
  /**
   * Path of the network namespace to work in, e.g. `/run/netns/blue` or `/proc/1234/ns/net`. Default: the process's own.
   * The path is followed once: the handle stays in what it led to, and `namespaceStatus` tells when it leads elsewhere.
   * Needs CAP_SYS_ADMIN.
   */
  readonly netns?: string | undefined
  /**
   * Milliseconds that a call may take, 1 to 2147483647. Default 5000. They count from the call, so what it waits for other
   * calls of the handle is part of them; a call whose time is over before it was sent rejects with `ERR_IPVS_TIMEOUT`,
   * outcome `not-applied`. When the answers to writes are missing then, what became of them is read back, for one second at
   * most, however many they are: so every call settles within `timeoutMs` and one second, and `close()` within `timeoutMs`.
   * An abort or `close()` ends reading back at once, outcome `unknown`. Of a batch, each 1024 items have the time for
   * themselves, from when the calls before them are done, as long as the kernel answers those. Not counted is what the
   * kernel itself takes for one request (loading a module, say): nothing can interrupt that.
   */
  readonly timeoutMs?: number | undefined
}

/** Options of listings. */
export interface ListOptions extends CallOptions {
  /**
   * The kernel never says when a long listing was changed while it was read. Default `true`: read again until two passes
   * agree, else reject with `ERR_IPVS_CONFLICT`. `false`: one pass, which may miss entries that were there all the time.
   * Either way, no entry is ever there twice.
   */
  readonly consistent?: boolean | undefined
}

interface ParsedOpenOptions {
  readonly netns: string | undefined
  readonly timeoutMs: number
  readonly signal: AbortSignal | undefined
}

export function parseOpenOptions(value: unknown): ParsedOpenOptions {
  const { netns, timeoutMs = 5000, signal } = readFields(value, 'options', ['netns', 'timeoutMs', 'signal'])
  return {
    netns: netns === undefined ? undefined : parsePath(netns, 'options.netns'),
    timeoutMs: integer(timeoutMs, 'options.timeoutMs', 1, 0x7fffffff),
    signal: parseSignal(signal, 'options.signal'),
  }
}

const LONGEST_PATH = 4095 // PATH_MAX without the NUL

export function parsePath(value: unknown, path: string): string {
  if (typeof value !== 'string' || value === '' || /[\0\p{Surrogate}]/u.test(value)) {
    throw new InvalidInput(path, `${show(value)} is not the path of a network namespace, such as "/run/netns/NAME"`)
  }
  if (Buffer.byteLength(value) > LONGEST_PATH) {
    throw new InvalidInput(path, `${show(value)} is longer than a path can be (${LONGEST_PATH} bytes)`)
  }
  return value
}

interface ParsedListOptions {
  readonly consistent: boolean
  readonly signal: AbortSignal | undefined
}

export function parseListOptions(value: unknown): ParsedListOptions {
  const { consistent = true, signal } = readFields(value, 'options', ['consistent', 'signal'])
  return { consistent: boolean(consistent, 'options.consistent'), signal: parseSignal(signal, 'options.signal') }
}
