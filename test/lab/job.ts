// Types shared by tests and the lab: the context of a job, and the messages. Types only: the two sides share no code here.

import type * as Ipvs from 'ipvs'

/** The first parameter of a job. Its processes and namespaces are removed when the job ends. */
export interface LabContext {
  /** The product, imported by its package name. */
  readonly ipvs: typeof Ipvs
  /** Imports any other module: a package, a node: module, or a path relative to the root of the checkout. */
  readonly import: <Module = Record<string, unknown>>(specifier: string) => Promise<Module>
  /** Runs a command to its end; any exit status resolves. */
  readonly run: (command: string, args?: readonly string[], options?: RunOptions) => Promise<RunResult>
  /** Starts a command in the background. */
  readonly start: (command: string, args?: readonly string[], options?: RunOptions) => LabProcess
  /** Runs shell text; throws with its stderr unless the status is 0. Resolves with its stdout. */
  readonly sh: (text: string, options?: RunOptions) => Promise<string>
  /** Runs ESM code in a separate Node.js process, from the root of the checkout: `import 'ipvs'` works there. */
  readonly node: (code: string, options?: NodeOptions) => Promise<RunResult>
  /** Makes an empty network namespace with `lo` up. IPVS keeps a table per namespace. */
  readonly netns: () => Promise<Netns>
  readonly kernel: KernelVersion
  /** Root of the checkout. */
  readonly root: string
  /** Fires when the job's time is over. */
  readonly signal: AbortSignal
  readonly sleep: (ms: number) => Promise<void>
}

export interface KernelVersion {
  /** `uname -r`. */
  readonly release: string
  /** The first two numbers of `release`: "6.1". */
  readonly version: string
}

export interface Netns {
  /** For `ip netns`. */
  readonly name: string
  /** For setns(2) and the product's `netns` option. */
  readonly path: string
}

export interface RunOptions {
  readonly netns?: Netns | string
  readonly input?: string | Uint8Array
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
}

export interface NodeOptions extends RunOptions {
  /** Options of node itself. */
  readonly execArgv?: readonly string[]
  /** process.argv from index 1 on: code given by `-e` has no file name. */
  readonly args?: readonly string[]
}

export interface RunResult {
  /** Exit status as in a shell: 128 + n after a signal. */
  readonly status: number
  readonly signal: string | undefined
  readonly stdout: string
  readonly stderr: string
}

export interface LabProcess {
  readonly pid: number
  readonly exited: Promise<RunResult>
  /** Output so far. */
  readonly output: { readonly stdout: string; readonly stderr: string }
  /** Resolves when stdout contains the text; rejects if the process ends without it. */
  waitFor(text: string): Promise<void>
  stop(signal?: NodeJS.Signals): Promise<RunResult>
}

/** Only the source text of the function is sent, so it can use its two parameters and globals only. */
export type LabJob<Args, Result> = (context: LabContext, args: Args) => Result | Promise<Result>

export interface JobRequest {
  readonly id: number
  readonly source: string
  readonly args: unknown
  readonly timeoutMs: number
}

export interface JobReply {
  readonly id: number
  /** Encoded by `toWire`, like all fields. Either `result` or `error` is set. */
  readonly result?: unknown
  readonly error?: Error
}

export const defaultJobTimeoutMs = 60_000
