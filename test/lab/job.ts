// What a job in the lab has to work with, and the messages that carry jobs. Types only: the two sides share nothing else.

import type * as Ipvs from 'ipvs'

/** What a job gets as its first parameter. Everything made through it is gone when the job ends. */
export interface LabContext {
  /** The product, as users import it. */
  readonly ipvs: typeof Ipvs
  /** Imports any other module: a package, a node: module, or a path relative to the root of the checkout. */
  readonly import: <Module = Record<string, unknown>>(specifier: string) => Promise<Module>
  /** Runs a command to its end, whatever its status. */
  readonly run: (command: string, args?: readonly string[], options?: RunOptions) => Promise<RunResult>
  /** Starts a command that goes on while the job does other things. */
  readonly start: (command: string, args?: readonly string[], options?: RunOptions) => LabProcess
  /** Runs shell text; throws with its stderr unless the status is 0. Resolves with its stdout. */
  readonly sh: (text: string, options?: RunOptions) => Promise<string>
  /** Runs ESM code in a Node.js process of its own, from the root of the checkout: `import 'ipvs'` works there. */
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
  /** Its first two numbers: "6.1". */
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
  /** process.argv from index 1 on: such a program has no file name there. */
  readonly args?: readonly string[]
}

export interface RunResult {
  /** As a shell has it: 128 + n after a signal. */
  readonly status: number
  readonly signal: string | undefined
  readonly stdout: string
  readonly stderr: string
}

export interface LabProcess {
  readonly pid: number
  readonly exited: Promise<RunResult>
  /** What it has written so far. */
  readonly output: { readonly stdout: string; readonly stderr: string }
  /** Resolves when its stdout contains the text; rejects if it ends without. */
  waitFor(text: string): Promise<void>
  stop(signal?: NodeJS.Signals): Promise<RunResult>
}

/** The text of a function runs on the other side, so it can use its two parameters and globals only. */
export type LabJob<Args, Result> = (context: LabContext, args: Args) => Result | Promise<Result>

export interface JobRequest {
  readonly id: number
  readonly source: string
  readonly args: unknown
  readonly timeoutMs: number
}

export interface JobReply {
  readonly id: number
  /** Encoded by `toWire`'s rules, as everything here. One of the two. */
  readonly result?: unknown
  readonly error?: Error
}

export const defaultJobTimeoutMs = 60_000
