// Shares one agent among test processes: takes jobs on a Unix socket, queues them, and sends them to the agent one at a time.
// The agent starts with the first client, unless boot() was called.

import { createServer, type Server, type Socket } from 'node:net'
import path from 'node:path'
import { once } from 'node:events'
import { AgentLink, type AgentOptions } from './agent-link.ts'
import type { JobRequest } from './job.ts'
import { LineReader } from '../../lab/lines.ts'
import { removeFolder, temporaryFolder } from '../../lab/temporary-folder.ts'
import { toWire } from './wire.ts'

/** The first line sent to a client. */
export interface BrokerGreeting {
  readonly mode: AgentOptions['mode']
  readonly release: string
}

export class LabBroker {
  readonly #options: AgentOptions
  readonly #folder = temporaryFolder('ipvs-lab-broker-')
  readonly #server: Server
  readonly #clients = new Set<Socket>()
  #agent: AgentLink | undefined
  #queue: Promise<void> = Promise.resolve()
  #jobs = 0
  #closed = false

  static async start(options: AgentOptions): Promise<LabBroker> {
    const broker = new LabBroker(options)
    try {
      broker.#server.listen(broker.socketPath)
      await once(broker.#server, 'listening')
      return broker
    } catch (error) {
      await broker.close()
      throw error
    }
  }

  private constructor(options: AgentOptions) {
    this.#options = options
    // For interrupted runs: vitest then ends without teardown.
    process.once('exit', () => this.#removeFolder())
    this.#server = createServer((client) => this.#serve(client))
  }

  get socketPath(): string {
    return path.join(this.#folder, 'jobs')
  }

  /** Restarts the agent before the next job, so that it loads newly compiled files. */
  restart(): void {
    this.#enqueue(() => this.#stopAgent())
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    for (const client of this.#clients) client.destroy()
    this.#server.close()
    await this.#stopAgent()
    this.#removeFolder()
  }

  /** Starts the agent now. */
  async boot(): Promise<void> {
    await this.#liveAgent()
  }

  /** The running agent. A job may crash it; later jobs get a new one. */
  async #liveAgent(): Promise<AgentLink> {
    if (this.#closed) throw new Error('the lab has been closed')
    if (this.#agent?.lost === true) await this.#stopAgent()
    if (this.#agent !== undefined) return this.#agent
    const agent = await AgentLink.start(this.#options)
    if (this.#closed) {
      await agent.close()
      throw new Error('the lab was closed while it was booting')
    }
    this.#agent = agent
    return agent
  }

  async #stopAgent(): Promise<void> {
    const agent = this.#agent
    this.#agent = undefined
    await agent?.close()
  }

  #removeFolder(): void {
    removeFolder(this.#folder)
  }

  #serve(client: Socket): void {
    this.#clients.add(client)
    client.on('close', () => this.#clients.delete(client))
    // A test process may be killed at any time; its jobs still run to their end.
    client.on('error', () => {})
    this.#enqueue(() => this.#greet(client))
    const reader = new LineReader((line) => {
      const request = JSON.parse(line) as JobRequest
      this.#enqueue(async () => {
        if (!client.destroyed) client.write(`${await this.#run(request)}\n`)
      })
    })
    client.on('data', reader.listener)
  }

  async #greet(client: Socket): Promise<void> {
    try {
      const { release } = await this.#liveAgent()
      const greeting: BrokerGreeting = { mode: this.#options.mode, release }
      if (!client.destroyed) client.write(`${toWire(greeting)}\n`)
    } catch (error) {
      client.destroy()
      throw error
    }
  }

  /** Resolves with the reply line. Values stay encoded: only the two ends need them. */
  async #run(request: JobRequest): Promise<string> {
    const { id } = request
    try {
      const agent = await this.#liveAgent()
      this.#jobs += 1
      const reply = await agent.run({ ...request, id: this.#jobs })
      return JSON.stringify({ ...reply, id })
    } catch (error) {
      return toWire({ id, error })
    }
  }

  #enqueue(work: () => Promise<void>): void {
    this.#queue = this.#queue.then(work).catch((error: unknown) => {
      if (!this.#closed) console.error('lab:', error)
    })
  }
}
