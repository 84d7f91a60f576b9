// Shares one agent among test processes: listens on a Unix socket, puts jobs into a queue and passes them on one at a time.

import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { once } from 'node:events'
import { AgentLink, type AgentOptions } from './agent-link.ts'
import type { JobRequest } from './job.ts'
import { LineReader } from '../../lab/lines.ts'
import { toWire } from './wire.ts'

/** The first line that a client gets. */
export interface BrokerGreeting {
  readonly mode: AgentOptions['mode']
  readonly release: string
}

export class LabBroker {
  readonly #options: AgentOptions
  readonly #folder = socketFolder()
  readonly #server: Server
  readonly #clients = new Set<Socket>()
  #agent: AgentLink
  #queue: Promise<void> = Promise.resolve()
  #jobs = 0
  #closed = false

  static async start(options: AgentOptions): Promise<LabBroker> {
    const broker = new LabBroker(options, await AgentLink.start(options))
    try {
      broker.#server.listen(broker.socketPath)
      await once(broker.#server, 'listening')
      return broker
    } catch (error) {
      await broker.close()
      throw error
    }
  }

  private constructor(options: AgentOptions, agent: AgentLink) {
    this.#options = options
    this.#agent = agent
    // For a run that is interrupted: vitest ends then without any teardown.
    process.once('exit', () => this.#removeFolder())
    this.#server = createServer((client) => this.#serve(client))
  }

  get socketPath(): string {
    return path.join(this.#folder, 'jobs')
  }

  get release(): string {
    return this.#agent.release
  }

  /** Starts the agent anew before the next job, so that it sees what has been compiled since. */
  restart(): void {
    this.#enqueue(async () => {
      await this.#agent.close()
      this.#agent = await AgentLink.start(this.#options)
    })
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    for (const client of this.#clients) client.destroy()
    this.#server.close()
    await this.#agent.close()
    this.#removeFolder()
  }

  #removeFolder(): void {
    rmSync(this.#folder, { recursive: true, force: true })
  }

  #serve(client: Socket): void {
    this.#clients.add(client)
    client.on('close', () => this.#clients.delete(client))
    // A test process may be killed at any time; its jobs end like others, for nobody.
    client.on('error', () => {})
    const greeting: BrokerGreeting = { mode: this.#options.mode, release: this.release }
    client.write(`${toWire(greeting)}\n`)
    const reader = new LineReader((line) => {
      const request = JSON.parse(line) as JobRequest
      this.#enqueue(async () => {
        if (!client.destroyed) client.write(`${await this.#run(request)}\n`)
      })
    })
    client.on('data', reader.listener)
  }

  /** Resolves with the line to reply. Values in it stay encoded: they concern the two ends only. */
  async #run(request: JobRequest): Promise<string> {
    const { id } = request
    try {
      // One job may take the agent down with it; that must not be the end of the others.
      if (this.#agent.lost) {
        await this.#agent.close()
        this.#agent = await AgentLink.start(this.#options)
      }
      this.#jobs += 1
      const reply = await this.#agent.run({ ...request, id: this.#jobs })
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

/** A folder for the socket that only this user can enter; ones of brokers that were killed are removed. */
function socketFolder(): string {
  const prefix = 'ipvs-lab-broker-'
  for (const entry of readdirSync(tmpdir())) {
    const owner = entry.startsWith(prefix) ? /^\d+/.exec(entry.slice(prefix.length))?.[0] : undefined
    const isStale = owner !== undefined && !existsSync(`/proc/${owner}`)
    if (isStale) rmSync(path.join(tmpdir(), entry), { recursive: true, force: true })
  }
  return mkdtempSync(path.join(tmpdir(), `${prefix}${process.pid}-`))
}
