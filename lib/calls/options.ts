// Options of methods.
import { parseSignal } from '../values/signals.ts'
import { InvalidInput, boolean, integer, readFields, show } from '../values/validate.ts'

/** Last parameter of every method. */
export interface CallOptions {
  /**
   * Aborts the call: it rejects with `ERR_IPVS_ABORTED`, with the signal's reason as `cause`. The `outcome` of a write is
   * `unknown` if it was already sent.
   */
  readonly signal?: AbortSignal | undefined
}

export function parseCallOptions(value: unknown): AbortSignal | undefined {
  return parseSignal(readFields(value, 'options', ['signal']).signal, 'options.signal')
}

/** Options of `open`. */
export interface OpenOptions extends CallOptions {
  /**
   * Path of a network namespace, e.g. `/run/netns/blue` or `/proc/1234/ns/net`. Default: the namespace of the process. The
   * path is opened once, and the handle keeps that namespace; `namespaceStatus` tells whether the path still leads to it.
   * Needs CAP_SYS_ADMIN.
   */
  readonly netns?: string | undefined
  /**
   * Limit of a call in milliseconds, 1 to 2147483647. Default 5000. It starts with the call and includes waiting for earlier
   * calls of the handle; a call that was not sent in time rejects with `ERR_IPVS_TIMEOUT`, outcome `not-applied`. If replies
   * to writes are missing after this time, their outcomes are read back, which takes at most one more second in total. So
   * every call settles within `timeoutMs` and one second, and `close()` within `timeoutMs`. An abort or `close()` ends the
   * reading at once, with outcome `unknown`. In a batch, the limit applies to each 1024 items, from the end of the preceding
   * calls, while the kernel replies to these. A single request inside the kernel (loading a module, for example) cannot be
   * interrupted and may take longer.
   */
  readonly timeoutMs?: number | undefined
}

/** Options of listings. */
export interface ListOptions extends CallOptions {
  /**
   * The kernel does not report changes during a long listing. Default `true`: repeat the listing until two passes agree, or
   * reject with `ERR_IPVS_CONFLICT`. `false`: one pass, which may miss existing entries. No entry is ever listed twice.
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
