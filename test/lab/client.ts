// The lab client of integration tests:
//
//   const lab = await connectLab()
//   const services = await lab.run(async ({ ipvs, netns }, fwmark) => {
//     const { path } = await netns()
//     const session = await ipvs.Ipvs.open({ netns: path })
//     await session.addService({ fwmark })
//     const listed = await session.listServices()
//     await session.close()
//     return listed
//   }, 7)
//
// The source text of the function is sent to the lab. It can use its two parameters and globals, but no imports, constants or
// helpers of its file (`await using` does not work: it compiles to a helper). Pass values as `args`. Errors come back with all
// their fields.

import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { inject } from 'vitest'
import type { BrokerGreeting } from './broker.ts'
import { deferred, type Deferred } from '../../lab/deferred.ts'
import { defaultJobTimeoutMs, type JobReply, type JobRequest, type KernelVersion, type LabJob } from './job.ts'
import { LineReader } from '../../lab/lines.ts'
import { fromWire, LabError, toWire } from './wire.ts'

export interface JobOptions {
  /** Counted from the start of the job, without the time in the queue. Default: 60 s. */
  readonly timeoutMs?: number
}

/** Connects to this worker's lab. */
export async function connectLab(): Promise<Lab> {
  const sockets = inject('labSockets')
  const worker = Number(process.env['VITEST_POOL_ID'])
  const socket = sockets[worker - 1]
  if (socket === undefined) throw new Error(`worker ${worker} has no lab: there are ${sockets.length}`)
  return Lab.connect(socket)
}

export class Lab {
  readonly mode: BrokerGreeting['mode']
  readonly kernel: KernelVersion
  readonly #socket: Socket
  readonly #waiting: Map<number, Deferred<unknown>>
  #jobs = 0

  static async connect(socketPath: string): Promise<Lab> {
    const socket = connect(socketPath)
    const waiting = new Map<number, Deferred<unknown>>()
    const greeting = deferred<BrokerGreeting>()
    let greeted = false
    const reader = new LineReader((line) => {
      if (greeted) receive(waiting, fromWire(line) as JobReply)
      else greeting.resolve(fromWire(line) as BrokerGreeting)
      greeted = true
    })
    socket.on('data', reader.listener)
    socket.on('error', (error) => greeting.reject(error))
    socket.on('close', () => {
      const error = new Error('the lab has closed the connection')
      greeting.reject(error)
      for (const reply of waiting.values()) reply.reject(error)
    })
    const lab = new Lab(socket, waiting, await greeting.promise)
    // An idle connection does not keep a test process alive.
    socket.unref()
    return lab
  }

  private constructor(socket: Socket, waiting: Map<number, Deferred<unknown>>, greeting: BrokerGreeting) {
    this.#socket = socket
    this.#waiting = waiting
    this.mode = greeting.mode
    this.kernel = { release: greeting.release, version: /^\d+\.\d+/.exec(greeting.release)?.[0] ?? greeting.release }
  }

  /** Runs a function in the lab. Jobs of all test processes run one after the other. */
  run<Result>(job: LabJob<undefined, Result>, args?: undefined, options?: JobOptions): Promise<Result>
  run<Result, Args>(job: LabJob<Args, Result>, args: Args, options?: JobOptions): Promise<Result>
  async run<Result, Args>(job: LabJob<Args, Result>, args: Args, options: JobOptions = {}): Promise<Result> {
    const reply = deferred<unknown>()
    this.#jobs += 1
    const timeoutMs = options.timeoutMs ?? defaultJobTimeoutMs
    const request: JobRequest = { id: this.#jobs, source: job.toString(), args, timeoutMs }
    const called = new Error('called here')
    const line = toWire(request)
    this.#waiting.set(request.id, reply)
    this.#socket.ref()
    try {
      this.#socket.write(`${line}\n`)
      return (await reply.promise) as Result
    } catch (error) {
      if (error instanceof LabError) error.stack = joinStacks(error, called)
      throw error
    } finally {
      this.#waiting.delete(request.id)
      if (this.#waiting.size === 0) this.#socket.unref()
    }
  }

  async close(): Promise<void> {
    if (this.#socket.destroyed) return
    this.#socket.ref()
    const closed = once(this.#socket, 'close')
    this.#socket.end()
    await closed
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }
}

function receive(waiting: Map<number, Deferred<unknown>>, reply: JobReply): void {
  const target = waiting.get(reply.id)
  if (reply.error === undefined) target?.resolve(reply.result)
  else target?.reject(reply.error)
}

/** The stack in the lab, then the stack of the test. */
function joinStacks(error: LabError, called: Error): string {
  const frames = (called.stack ?? '').split('\n').slice(2)
  return [error.remoteStack, '    --- in the lab; called from:', ...frames].join('\n')
}
