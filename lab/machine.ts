// A virtual machine that runs one command: boot, streams, exit status, clean-up.

import { spawn, type ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import type { Socket } from 'node:net'
import type { Duplex, Readable, Writable } from 'node:stream'
import { deferred } from './deferred.ts'
import {
  consoleFd,
  controlFd,
  otherShares,
  rootShare,
  stderrFd,
  stdinFd,
  stdoutFd,
  type Engine,
  type GuestInput,
  type Share,
} from './engine.ts'
import { guestScript, type GuestCommand } from './guest-command.ts'
import { findProgram, LabUsageError } from './host.ts'
import type { LabKernel } from './kernels.ts'
import { LineReader, Tail } from './lines.ts'
import { MarkedStream } from './marked-stream.ts'

export interface LabMachineOptions {
  readonly kernel: LabKernel
  readonly command: GuestCommand
  readonly memoryMb?: number
  readonly cpus?: number
  /** Time limit from the start until the kernel is ready for the command. */
  readonly bootTimeoutMs?: number
  /** Ends the machine, during its boot too; `boot` and `exit` reject with the signal's reason. */
  readonly signal?: AbortSignal
}

/** The machine did not boot, or ended before the command. The message has the last lines of its console. */
export class LabMachineError extends Error {
  override readonly name = 'LabMachineError'
}

/** Generous: slow hosts are common, hanging kernels are rare. */
const defaultBootTimeoutMs = 180_000

export class LabMachine {
  /** Status of the command as in a shell (128 + n after signal n). Settles when all of its output has arrived. */
  readonly exit: Promise<number>
  /** The command's streams; `exit` settles only if they are read. With a terminal, `stdin` and `stdout` are its two directions. */
  readonly stdin: Writable
  readonly stdout: Readable
  readonly stderr: Readable
  readonly #engine: Engine
  readonly #input: GuestInput
  readonly #process: ChildProcess
  readonly #ended: Promise<void>
  readonly #ready: Promise<string>
  readonly #console = new Tail(16_384)
  readonly #complaints = new Tail(4096)
  readonly #marker = randomBytes(24).toString('base64')
  readonly #outputs: readonly MarkedStream[]
  #release = ''

  /** Starts a machine; resolves when the guest is about to run the command. */
  static async boot(options: LabMachineOptions): Promise<LabMachine> {
    options.signal?.throwIfAborted()
    const machine = new LabMachine(options)
    const limit = options.bootTimeoutMs ?? defaultBootTimeoutMs
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(machine.#failure(`the kernel did not come up within ${limit / 1000} s`)), limit)
    })
    try {
      machine.#release = await Promise.race([machine.#ready, late])
      return machine
    } catch (error) {
      await machine.close()
      throw error
    } finally {
      clearTimeout(timer)
    }
  }

  private constructor(options: LabMachineOptions) {
    const { command } = options
    this.#engine = options.kernel.engine
    this.#input = this.#engine.input()
    const shares = [...otherShares(options.kernel.modules, command.outputs), ...this.#input.shares]
    this.#process = startProcess(options, [rootShare, ...shares])
    const socket = (fd: number): Socket => this.#process.stdio[fd] as Socket
    socket(consoleFd).on('data', (chunk: Buffer) => this.#console.add(chunk))
    this.#process.stderr?.on('data', (chunk: Buffer) => this.#complaints.add(chunk))
    const terminal = command.terminal !== undefined
    this.stdin = terminal ? socket(stdinFd) : this.#input.connect(socket(stdinFd))
    this.#outputs = terminal ? [] : [stdoutFd, stderrFd].map((fd) => new MarkedStream(socket(fd), this.#marker))
    const [stdout, stderr] = this.#outputs
    this.stdout = stdout ?? (this.stdin as Duplex)
    this.stderr = stderr ?? this.#process.stderr!
    // The guest sends no data on this port, but it must be read to notice its end.
    if (!terminal) socket(stdinFd).resume()
    // When the machine ends, `exit` rejects; broken pipes to it need no report.
    for (const fd of [consoleFd, controlFd, stdinFd]) socket(fd).on('error', () => {})

    this.#ended = this.#watchEnd([socket(consoleFd), socket(controlFd), this.#process.stderr!])
    const { ready, exit } = this.#converse(
      socket(controlFd),
      guestScript(command, this.#engine, shares, this.#marker),
      options.signal,
    )
    this.#ready = ready
    this.exit = exit
    // Either may fail while the other is awaited.
    ready.catch(() => {})
    exit.catch(() => {})
  }

  /** `uname -r` of the guest. */
  get release(): string {
    return this.#release
  }

  /** The last lines that the kernel wrote to its console. */
  get consoleTail(): string {
    return this.#console.toString().trim()
  }

  /** Ends the machine immediately. Resolves when its process and its streams are gone. */
  async close(): Promise<void> {
    this.#process.kill('SIGKILL')
    await this.#ended
    this.#input.close()
    // An unread stream would stay open.
    for (const stream of this.#process.stdio) stream?.destroy()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  /** Resolves when the process has ended and its messages have been read. The command's streams may still wait for their reader. */
  async #watchEnd(always: readonly Readable[]): Promise<void> {
    const closed = always.map((stream) => new Promise((resolve) => stream.once('close', resolve)))
    await new Promise((resolve) => this.#process.once('exit', resolve).once('error', resolve))
    await Promise.all(closed)
  }

  #converse(
    control: Socket,
    script: string,
    signal: AbortSignal | undefined,
  ): { ready: Promise<string>; exit: Promise<number> } {
    const ready = deferred<string>()
    const exit = deferred<number>()
    const fail = (error: unknown): void => {
      ready.reject(error)
      exit.reject(error)
    }
    const onAbort = (): void => {
      fail(signal?.reason)
      this.#process.kill('SIGKILL')
    }
    signal?.addEventListener('abort', onAbort, { once: true })
    control.on(
      'data',
      new LineReader((line) => {
        const [word, ...fields] = line.split(' ')
        if (word === 'script') control.write(`${Buffer.byteLength(script)}\n${script}`)
        else if (word === 'ready') ready.resolve(fields[0] ?? '')
        else if (word === 'exit') this.#finish(fields).then(exit.resolve, fail)
      }).listener,
    )
    this.#process.once('error', (error) =>
      fail(new LabUsageError(`cannot start ${this.#engine.title}: ${error.message}`)),
    )
    const onEnd = (): void => {
      signal?.removeEventListener('abort', onAbort)
      fail(this.#failure('the machine ended unexpectedly'))
    }
    void this.#ended.then(onEnd)
    return { ready: ready.promise, exit: exit.promise }
  }

  /** The guest reported the end of the command; some of its output may still be in transit. */
  async #finish(fields: readonly string[]): Promise<number> {
    const [status] = fields.map(Number)
    if (status === undefined || Number.isNaN(status)) throw this.#failure('the guest could not send all output')
    await Promise.all(this.#outputs.map((output) => output.complete))
    return status
  }

  #failure(what: string): LabMachineError {
    const complaints = this.#complaints.toString().trim()
    const parts = [what, ...(complaints === '' ? [] : [`${this.#engine.title} says: ${complaints}`])]
    const lines = this.consoleTail.split('\n').slice(-80).join('\n')
    parts.push(lines === '' ? 'its console is empty' : `the end of its console:\n${lines}`)
    return new LabMachineError(parts.join('\n'))
  }
}

function startProcess(options: LabMachineOptions, shares: readonly Share[]): ChildProcess {
  const { command, kernel } = options
  const { engine } = kernel
  const program = engine.program === undefined ? kernel.image : findProgram(engine.program)
  if (program === undefined) throw new LabUsageError(`${engine.program} is not installed`)
  const memoryMb = options.memoryMb ?? 2048
  const args = engine.command(program, {
    kernel,
    memoryMb,
    cpus: options.cpus ?? 2,
    shares,
    terminal: command.terminal !== undefined,
  })
  const streams = command.terminal === undefined ? 3 : 1
  const pipes = Array.from({ length: 2 + streams }, () => 'pipe' as const)
  return spawn(findProgram('setpriv') ?? 'setpriv', args, {
    stdio: ['ignore', 'ignore', 'pipe', ...pipes],
    env: { ...process.env, ...engine.environment(memoryMb) },
    // In its own process group, so that Ctrl+C on the terminal does not end it; the lab does.
    detached: true,
  })
}
