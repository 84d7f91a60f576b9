// The native boundary: finds and loads the addon, and says what it offers. Nothing else in lib/ calls native code.
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
  /** From now on, waiting for other calls of the session included. Finding out what became of writes may take a second more. */
  readonly timeoutMs: number
  /** Waiting does not count while the calls before it end in time. */
  readonly patient?: boolean
}

/** A call of `execute` that is a part of a batch: several may be under way, and when one ends early, nothing of the later ones is sent. */
export interface BatchCall extends Call {
  /** One byte for all calls of the batch, 0. Anything else, which either side may write: send no more. */
  readonly ended: Uint8Array
  /** Ends with the first failure of any kind. Else with one that would befall all items. Slower: one by one. */
  readonly stopOnError: boolean
}

interface NativeSession {
  /** Ends a call early, queued or running: it fails with cause `aborted`, `unknown` saying whether it was sent. */
  abort(id: number): void
  /** Fails with errno ESTALE or ENOENT when the path of the namespace does not lead there any more. */
  followPath(call: Call): Promise<Reply>
  /** Finishes what is running, fails what is queued (cause `closed`), stops the thread. Idempotent. */
  close(): Promise<void>
}

/**
 * `operations`: see `OperationTriple` of calls/; unused rows
 * are 0. Rows are read where they are, on another thread: they must not be touched until the promise settles.
 */
export interface NativeIpvsSession extends NativeSession {
  /** Opens the sockets in the session's namespace. Later calls do it by themselves when needed. */
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
  /** Opens the socket. `tidy`: removes temporary rules that a change which was cut off has left. */
  open(call: Call, tidy: boolean): Promise<Reply>
  /** All elements of our table as rows of the record `element`, with the generation they belong to. */
  list(call: Call): Promise<Reply<FoundElements>>
  /**
   * One transaction on top of `generation`: creates table, chains, maps and lookup rules as far as needed, removes the
   * first `removed` rows of `elements` (rules of their own by `handle`) and adds the rest. Failure `index` is the row; errno ERESTART (85): the ruleset
   * changed since `generation`, nothing was applied.
   */
  apply(call: Call, generation: number, elements: ArrayBuffer, removed: number): Promise<Reply<AppliedChange>>
  /** Rows of the record `foundMark`: what other tables do to marks. */
  find(call: Call): Promise<Reply<FoundRows>>
  /** Takes rows of the record `tracedPacket`; `rows` of the record `trace`, one for each of them. */
  trace(call: Call, packets: ArrayBuffer): Promise<Reply<FoundRows>>
  /** The table in the language of nft. */
  exportTable(call: Call): Promise<Reply<FoundText>>
  /** Lines of words, one for each problem, as native/nftables/status.h has them. */
  status(call: Call): Promise<Reply<FoundText>>
  /** Removes the table with everything in it; done as well when there is none. */
  drop(call: Call): Promise<Reply>
}

/** Addresses from `from` to `to` of a family, all when absent; one port, all when absent. */
export interface NativeEndpointFilter {
  readonly family?: number
  /** 16 bytes, like `to`. */
  readonly from?: Uint8Array
  readonly to?: Uint8Array
  readonly port?: number
}

/** One pass over the connection table: which file, and which of its lines. */
export interface ConnectionPassOptions {
  /** For tests: another file than that of the namespace. */
  readonly file?: string
  /** Reads ip_vs_conn_sync. */
  readonly origin?: boolean
  readonly limit?: number
  /** Another thread reads while this one parses: for those who want all of a large table. */
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

/** Rows of the record `connection`, which have no presence bits. */
export interface ConnectionBlock {
  readonly rows: ArrayBuffer
  /** Number of rows in use. */
  readonly length: number
  /** For each row with a persistence engine: u32 row, u32 length, "name data", padding to four bytes. */
  readonly engines?: ArrayBuffer
}

/** Works on buffers of JavaScript on its own thread: they must not be touched until the promise settles. */
export interface NativeConnectionReader {
  /**
   * The next rows, at most `most`. Fewer than `most`, and at least `least`, when that takes more than 100 ms, and at the end.
   */
  pull(call: Call, most: number, least: number): Promise<Reply<FoundConnections>>
  /** Counts connections by `fields`, bits of the group `connectionGroupFields`: the `most` largest groups. */
  group(call: Call, blocks: readonly ConnectionBlock[], fields: number, most: number): Promise<Reply<FoundGroups>>
  /** What changed from the earlier table to the later one. */
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

/** A network namespace for several sessions: the first opens its path, and all enter what that led to. */
export interface NativeNamespace {
  /** Nobody can enter it any more; sessions that are there stay. Idempotent. */
  close(): void
}

export interface SessionOptions {
  /** Absent: the process's own. */
  readonly netns?: NativeNamespace
  /** For tests: descriptors of connected datagram sockets whose peers play the kernel, one for each (re)opening. */
  readonly sockets?: readonly number[]
}

export interface Binding {
  readonly Namespace: new (path: string) => NativeNamespace
  readonly IpvsSession: new (options: SessionOptions) => NativeIpvsSession
  readonly MarksSession: new (options: SessionOptions & { readonly table: string }) => NativeMarksSession
  readonly ConnectionReader: new (options: SessionOptions, pass: ConnectionPassOptions) => NativeConnectionReader
  /** The kernel's names of the states, by the numbers that rows have. */
  readonly connectionStates: readonly string[]
  /** service, destination, statistics, info, timeouts, daemon, element, foundMark, tracedPacket, trace; connection, without presence bits. */
  readonly schema: readonly RecordSchema[]
  /** Codes for {@link NativeIpvsSession.execute} and `read`, by name, e.g. `addService`, `listServices`. */
  readonly operations: Readonly<Record<string, number>>
  /** By group and name, see binding/numbers.ts: `connectionGroupFields`, `markPlaces`, `settings` and more. */
  readonly numbers: Readonly<Record<string, Readonly<Record<string, number>>>>
  /**
   * Makes rows of plain items of a batch. `serialized`: an array of them as `serialize` of node:v8 writes it, which is gone
   * afterwards. For each item it writes a triple as `execute` takes them, or the number `items.unusual` for one that it leaves alone; rows it
   * writes from the first one on. Answers the numbers of rows of services, of destinations, and of items left alone.
   */
  packItems(
    serialized: Uint8Array,
    triples: Uint32Array,
    services: Uint8Array,
    destinations: Uint8Array,
  ): readonly [number, number, number]
  /** Annotated hex of the attributes of an IPVS message: the debug dump. */
  describe(attributes: Uint8Array): string
}

const require = createRequire(import.meta.url)

// The folder of package.json, above lib/binding/, dist/binding/ and, for the command line, dist/. A bundle of somebody else
// may have none: then the folder above its own.
function packageRoot(): string {
  const above = ['..', '../..'].map((path) => fileURLToPath(new URL(path, import.meta.url)))
  return above.find((folder) => existsSync(join(folder, 'package.json'))) ?? (above[0] as string)
}

// node-gyp-build knows musl only by /etc/alpine-release; the loader mapped into this process says it on any system.
function isMusl(): boolean {
  try {
    return /\/ld-musl-[^/\n]*\.so/.test(readFileSync('/proc/self/maps', 'latin1'))
  } catch {
    return false
  }
}

/** The addon could not be loaded. The message says why and what to do; `cause` is the error of Node.js or node-gyp-build. */
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
