// The native boundary: finds and loads the addon, and declares its interface. Only this file loads native code.
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { loadProblem } from './load-failure.ts'
import type {
  AppliedChange,
  FoundChanges,
  FoundConnections,
  FoundElements,
  FoundGroups,
  FoundRows,
  FoundStatistics,
  FoundTable,
  FoundText,
  Reply,
} from './replies.ts'

/** How a field of a row is stored (host byte order, natural alignment). */
export type FieldKind = 'u8' | 'u16' | 'u32' | 'u64' | 'be16' | 'text' | 'bytes' | 'flags' | 'nested'

export interface FieldSchema {
  readonly name: string
  readonly kind: FieldKind
  /** Bytes from the start of the row. */
  readonly offset: number
  /** Bytes in the row. */
  readonly size: number
  /** The kernel's constant, e.g. `IPVS_SVC_ATTR_FWMARK`. */
  readonly constant: string
  readonly doc: string
  /** Name of the record of a nested field. */
  readonly record?: string
}

/** A row: `u32 present` (bit i: field i has a value), then the fields. */
export interface RecordSchema {
  readonly name: string
  readonly size: number
  readonly fields: readonly FieldSchema[]
}

/** Settings of one native call. */
export interface Call {
  /** Number of the call, unique in its session, for {@link NativeSession.abort}. */
  readonly id: number
  /** Limit from the call, including waiting for other calls. Reading back outcomes of writes may take one second more. */
  readonly timeoutMs: number
  /** True: waiting does not count while the preceding calls end in time. */
  readonly patient?: boolean
}

/** A call of `execute` for a block of a batch. Several may be pending; if one ends early, later ones send nothing. */
export interface BatchCall extends Call {
  /** One byte shared by all calls of the batch. Not 0: send no more. Both sides may set it. */
  readonly ended: Uint8Array
  /** True: ends at the first failure, and sends one item per datagram. False: ends at a failure that affects all items. */
  readonly stopOnError: boolean
}

interface NativeSession {
  /** Ends a queued or running call: it fails with kind `aborted`, and `unknown` is true if it was sent. */
  abort(id: number): void
  /** Fails with errno ESTALE or ENOENT if the path no longer leads to the namespace. */
  followPath(call: Call): Promise<Reply>
  /** Waits for the running call, fails queued calls (kind `closed`), stops the thread. Idempotent. */
  close(): Promise<void>
}

/**
 * `operations`: see `OperationTriple` in calls/. Another thread reads the rows in place: they must not change until the
 * promise settles.
 */
export interface NativeIpvsSession extends NativeSession {
  /** Opens the sockets in the session's namespace. Later calls open them on demand. */
  open(call: Call): Promise<Reply>
  execute(
    call: Call | BatchCall,
    operations: Uint32Array,
    services: Uint8Array,
    destinations: Uint8Array,
    timeouts?: Uint8Array,
    daemons?: Uint8Array,
  ): Promise<Reply>
  read(call: Call, operation: number, key: ArrayBuffer | undefined, consistent: boolean): Promise<Reply<FoundRows>>
  snapshot(call: Call, consistent: boolean): Promise<Reply<FoundTable>>
}

export interface NativeMarksSession extends NativeSession {
  /** Opens the socket. `tidy`: removes temporary rules of an interrupted change. */
  open(call: Call, tidy: boolean): Promise<Reply>
  /** All elements of the table as rows of the record `element`, with their generation. */
  list(call: Call): Promise<Reply<FoundElements>>
  /**
   * One transaction based on `generation`: creates missing table, chains, maps and lookup rules, removes the first `removed`
   * rows of `elements` (rule elements by `handle`) and adds the rest. `index` of a failure is the row. Errno ERESTART (85):
   * the ruleset changed since `generation`, nothing was applied.
   */
  apply(call: Call, generation: number, elements: ArrayBuffer, removed: number): Promise<Reply<AppliedChange>>
  /** Rows of the record `foundMark`: marks that other tables set. */
  find(call: Call): Promise<Reply<FoundRows>>
  /** Traces packets (rows of the record `tracedPacket`). Returns one row of the record `trace` per packet. */
  trace(call: Call, packets: ArrayBuffer): Promise<Reply<FoundRows>>
  /** The table in the syntax of nft. */
  exportTable(call: Call): Promise<Reply<FoundText>>
  /** One line of words per problem, see native/nftables/status.h. */
  status(call: Call): Promise<Reply<FoundText>>
  /** Removes the table with its content. Succeeds also without a table. */
  drop(call: Call): Promise<Reply>
}

/** Addresses from `from` to `to` of a family, and a port. Absent: all. */
export interface NativeEndpointFilter {
  readonly family?: number
  /** 16 bytes, like `to`. */
  readonly from?: Uint8Array
  readonly to?: Uint8Array
  readonly port?: number
}

/** One pass over the connection table: its file, and the filter for lines. */
export interface ConnectionPassOptions {
  /** For tests: a file instead of the namespace's. */
  readonly file?: string
  /** Reads ip_vs_conn_sync. */
  readonly origin?: boolean
  readonly limit?: number
  /** Reads on a second thread while this one parses: faster for a whole large table. */
  readonly ahead?: boolean
  readonly protocols?: readonly number[]
  /** Indices of {@link Binding.connectionStates}. */
  readonly states?: readonly number[]
  readonly client?: NativeEndpointFilter
  readonly virtual?: NativeEndpointFilter
  readonly destination?: NativeEndpointFilter
  readonly fwmark?: number
  /** A number of the group `connectionTemplates`. */
  readonly templates?: number
  readonly leastExpires?: number
}

/** Rows of the record `connection`, without presence bits. */
export interface ConnectionBlock {
  readonly rows: ArrayBuffer
  /** Number of used rows. */
  readonly length: number
  /** Per row with a persistence engine: u32 row, u32 length, "name data", padding to four bytes. */
  readonly engines?: ArrayBuffer
}

/** Works on buffers of JavaScript on its own thread: they must not change until the promise settles. */
export interface NativeConnectionReader {
  /**
   * The next rows, at most `most`. Fewer at the end, and, but at least `least`, if reading takes more than 100 ms.
   */
  pull(call: Call, most: number, least: number): Promise<Reply<FoundConnections>>
  /** Groups connections by `fields`, bits of `connectionGroupFields`. Returns the `most` largest groups. */
  group(call: Call, blocks: readonly ConnectionBlock[], fields: number, most: number): Promise<Reply<FoundGroups>>
  /** Compares two tables. */
  compare(
    call: Call,
    earlier: readonly ConnectionBlock[],
    later: readonly ConnectionBlock[],
  ): Promise<Reply<FoundChanges>>
  /** Counters of the whole namespace. */
  statistics(call: Call): Promise<Reply<FoundStatistics>>
  abort(id: number): void
  close(): Promise<void>
}

/** A network namespace shared by sessions: the first session opens the path, and all enter the opened namespace. */
export interface NativeNamespace {
  /** Later sessions cannot enter it; existing sessions stay. Idempotent. */
  close(): void
}

export interface SessionOptions {
  /** Absent: the namespace of the process. */
  readonly netns?: NativeNamespace
  /** For tests: descriptors of datagram sockets connected to a fake kernel, one per (re)opening. */
  readonly sockets?: readonly number[]
}

/** A failed system call. */
export interface FailedCall {
  /** Its name, or the name of the socket option. */
  readonly call: 'socket' | 'sendto' | 'SO_MARK' | 'SO_BINDTODEVICE'
  readonly errno: number
}

export interface Binding {
  readonly Namespace: new (path: string) => NativeNamespace
  readonly IpvsSession: new (options: SessionOptions) => NativeIpvsSession
  readonly MarksSession: new (options: SessionOptions & { readonly table: string }) => NativeMarksSession
  readonly ConnectionReader: new (options: SessionOptions, pass: ConnectionPassOptions) => NativeConnectionReader
  /** The kernel's state names, by their number in rows. */
  readonly connectionStates: readonly string[]
  /** All records: service, destination, statistics, info, timeouts, daemon, element, foundMark, tracedPacket, trace, connection. */
  readonly schema: readonly RecordSchema[]
  /** Codes for {@link NativeIpvsSession.execute} and `read`, by name, e.g. `addService`, `listServices`. */
  readonly operations: Readonly<Record<string, number>>
  /** By group and name, see binding/numbers.ts: `connectionGroupFields`, `markPlaces`, `settings` and more. */
  readonly numbers: Readonly<Record<string, Readonly<Record<string, number>>>>
  /**
   * Packs plain items of a batch into rows. `serialized`: the array of items, serialized by node:v8; it is overwritten. Writes
   * one triple per item for `execute`, with code `items.unusual` for an item that it does not pack, and rows from the start of
   * the arrays. Returns the numbers of service rows, destination rows and unpacked items.
   */
  packItems(
    serialized: Uint8Array,
    triples: Uint32Array,
    services: Uint8Array,
    destinations: Uint8Array,
  ): readonly [number, number, number]
  /** Makes a socket. Returns its descriptor, which belongs to the caller. `device`: not empty, at most 15 bytes. */
  openSocket(ipv6: boolean, type: 'tcp' | 'udp' | 'ping', mark?: number, device?: string): number | FailedCall
  /** Sends one datagram to a Unix socket. A path that begins with `@` is abstract. */
  sendToPath(path: string, data: Uint8Array): undefined | FailedCall
  /** Debug dump: annotated hex of the attributes of an IPVS message. */
  describe(attributes: Uint8Array): string
}

const require = createRequire(import.meta.url)

// The folder of package.json, above lib/binding/, dist/binding/ and, for the command line, dist/. A user's bundle may have no
// package.json: then the folder above its own.
function packageRoot(): string {
  const above = ['..', '../..'].map((path) => fileURLToPath(new URL(path, import.meta.url)))
  return above.find((folder) => existsSync(join(folder, 'package.json'))) ?? (above[0] as string)
}

// node-gyp-build detects musl only by /etc/alpine-release; the mapped dynamic loader identifies it on any system.
function isMusl(): boolean {
  try {
    return /\/ld-musl-[^/\n]*\.so/.test(readFileSync('/proc/self/maps', 'latin1'))
  } catch {
    return false
  }
}

/** Loading the addon failed. The message has the reason and a fix; `cause` is the error of Node.js or node-gyp-build. */
export class LoadError extends Error {
  override readonly name = 'LoadError'
}

function load(): Binding {
  if (process.platform !== 'linux') throw new LoadError(`ipvs: Linux only (this is ${process.platform})`)
  const libc = isMusl() ? 'musl' : 'glibc'
  const before = process.env['LIBC']
  process.env['LIBC'] ??= libc // node-gyp-build reads it once, when it is loaded
  let file: string | undefined
  try {
    const { path } = require('node-gyp-build') as { path: (dir: string) => string }
    file = path(packageRoot())
    return require(file) as Binding
  } catch (cause) {
    throw new LoadError(`ipvs: ${loadProblem({ file, arch: process.arch, libc }, cause)}`, { cause })
  } finally {
    if (before === undefined) delete process.env['LIBC']
    else process.env['LIBC'] = before
  }
}

export const binding: Binding = load()
