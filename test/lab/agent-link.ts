// The host side of one agent: starts it, in a machine or directly, and sends jobs to it.

import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { release } from 'node:os'
import path from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { deferred, type Deferred } from '../../lab/deferred.ts'
import { guestEnvironment } from '../../lab/guest-command.ts'
import { LabUsageError } from '../../lab/host.ts'
import type { JobReply, JobRequest } from './job.ts'
import { LineReader, Tail } from '../../lab/lines.ts'
import { LabMachine } from '../../lab/machine.ts'
import type { LabMode } from './mode.ts'
import { say } from '../../lab/progress.ts'
import { chooseKernel } from '../../lab/run.ts'

export interface AgentOptions {
  readonly mode: LabMode
  /** Root of the compiled checkout. */
  readonly root: string
  /** Kernel series to boot; absent: the default series. */
  readonly kernel?: string | undefined
  /** CPUs of a machine. */
  readonly cpus: number
}

/** Time without a reply after the time limit of a job; then the agent counts as dead. */
const graceMs = 30_000
/** Time limit of the clean-up at the end. */
const closeLimitMs = 10_000

/** The streams of a running agent. */
interface AgentStreams {
  readonly jobs: Writable
  readonly replies: Readable
  readonly messages: Readable
  readonly release: string
  /** Settles when the agent has ended. */
  readonly exit: Promise<number>
  readonly close: () => Promise<void>
}

export class AgentLink {
  readonly release: string
  readonly #streams: AgentStreams
  readonly #waiting = new Map<number, Deferred<JobReply>>()
  readonly #messages = new Tail(8192)
  #lost: Error | undefined

  static async start(options: AgentOptions): Promise<AgentLink> {
    const program = path.join(options.root, 'out/test/lab/agent.js')
    if (!existsSync(program)) throw new LabUsageError(`${program} does not exist: run npm run build:ts`)
    // Descriptors as the agent expects them.
    const argv = ['sh', '-c', 'exec "$0" "$1" 3>&1 1>&2 4<&0 </dev/null', process.execPath, program]
    return new AgentLink(options.mode === 'direct' ? startDirect(argv, options) : await startMachine(argv, options))
  }

  private constructor(streams: AgentStreams) {
    this.#streams = streams
    this.release = streams.release
    streams.replies.on('data', new LineReader((line) => this.#receive(line)).listener)
    streams.messages.on('data', (chunk: Buffer) => this.#messages.add(chunk))
    if (process.env['IPVS_LAB_VERBOSE'] !== undefined) {
      streams.messages.on('data', new LineReader((line) => process.stderr.write(`lab| ${line}\n`)).listener)
    }
    // A broken pipe means the end of the agent; "exit" reports it with the status.
    streams.jobs.on('error', () => {})
    streams.exit.then(
      (status) => this.#fail(new Error(`the lab's agent ended with status ${status}. ${this.#lastWords()}`)),
      (error: unknown) => this.#fail(error instanceof Error ? error : new Error(String(error))),
    )
  }

  get lost(): boolean {
    return this.#lost !== undefined
  }

  /** Runs a job. Job and reply stay encoded. Rejects if the agent is lost. */
  async run(job: JobRequest): Promise<JobReply> {
    if (this.#lost !== undefined) throw this.#lost
    const reply = deferred<JobReply>()
    this.#waiting.set(job.id, reply)
    this.#streams.jobs.write(`${JSON.stringify(job)}\n`)
    const timer = setTimeout(() => {
      this.#fail(new Error(`the lab's agent is stuck in a job of ${job.timeoutMs} ms. ${this.#lastWords()}`))
    }, job.timeoutMs + graceMs)
    try {
      return await reply.promise
    } finally {
      clearTimeout(timer)
      this.#waiting.delete(job.id)
    }
  }

  async close(): Promise<void> {
    this.#fail(new Error('the lab has been closed'))
    await this.#streams.close()
  }

  #receive(line: string): void {
    const reply = JSON.parse(line) as JobReply
    this.#waiting.get(reply.id)?.resolve(reply)
  }

  #fail(error: Error): void {
    this.#lost ??= error
    for (const reply of this.#waiting.values()) reply.reject(this.#lost)
  }

  #lastWords(): string {
    const words = this.#messages.toString().trim()
    return words === '' ? 'It wrote no messages.' : `Its last messages:\n${words}`
  }
}

function startDirect(argv: readonly string[], options: AgentOptions): AgentStreams {
  const [program = 'sh', ...args] = argv
  const child = spawn(program, args, { cwd: options.root, stdio: 'pipe', detached: true })
  const exit = new Promise<number>((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code) => resolve(code ?? 128))
  })
  const close = async (): Promise<void> => {
    // The agent removes namespaces and processes of its job before it ends, unless it is stuck.
    child.stdin.end()
    const timer = setTimeout(() => child.kill('SIGKILL'), closeLimitMs)
    await exit
    clearTimeout(timer)
  }
  return { jobs: child.stdin, replies: child.stdout, messages: child.stderr, release: release(), exit, close }
}

async function startMachine(argv: readonly string[], options: AgentOptions): Promise<AgentStreams> {
  const kernel = await chooseKernel(options.mode === 'uml' ? 'uml' : options.kernel)
  say(`booting Linux ${kernel.release} ${options.mode === 'uml' ? 'as a program (User-Mode Linux)' : 'in qemu'}`)
  const command = { argv, folder: options.root, environment: guestEnvironment(), outputs: [] }
  const machine = await LabMachine.boot({ kernel, command, cpus: options.cpus })
  const close = (): Promise<void> => machine.close()
  const { stdin, stdout, stderr, exit } = machine
  return { jobs: stdin, replies: stdout, messages: stderr, release: machine.release, exit, close }
}
