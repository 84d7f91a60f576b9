// What scenarios are tried in: a network namespace, handles without faults to prepare it, and a look at it that has
// nothing to do with the product.
import { spawn, spawnSync, type ChildProcessByStdio } from 'node:child_process'
import { readdirSync, readlinkSync } from 'node:fs'
import { createInterface, type Interface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { FirewallMarks, Ipvs, IpvsError } from 'ipvs'

/** What the kernel holds, a line for each thing. */
export type Lines = ReadonlySet<string>

export function sameLines(left: Lines, right: Lines): boolean {
  return left.size === right.size && [...left].every((line) => right.has(line))
}

// Children are not to be preloaded.
const { LD_PRELOAD: _shim, ...environment } = process.env

export function command(name: string, ...words: readonly string[]): string {
  const done = spawnSync(name, words, { encoding: 'utf8', env: environment })
  if (done.status !== 0) throw new Error(`${name} ${words.join(' ')}: ${done.stderr}`)
  return done.stdout
}

class Reader {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>
  readonly #lines: Interface

  constructor(program: string, netns: string) {
    this.#child = spawn(program, [netns], { stdio: ['pipe', 'pipe', 'inherit'], env: environment })
    this.#lines = createInterface(this.#child.stdout)
  }

  ask(request: string): Promise<Lines> {
    const answer = new Set<string>()
    return new Promise((resolve, reject) => {
      const gone = () => reject(new Error('the reader has gone'))
      const take = (line: string) => {
        if (line !== '.') {
          answer.add(line)
          return
        }
        this.#lines.off('line', take)
        this.#child.off('exit', gone)
        resolve(answer)
      }
      this.#child.once('exit', gone)
      this.#lines.on('line', take)
      this.#child.stdin.write(`${request}\n`)
    })
  }

  end(): void {
    this.#child.stdin.end()
  }
}

/** Descriptors, sockets among them, and threads of this process. */
export interface Resources {
  readonly descriptors: number
  readonly threads: number
}

export function resources(): Resources {
  return { descriptors: readdirSync('/proc/self/fd').length, threads: readdirSync('/proc/self/task').length }
}

/** What the descriptors of this process lead to. */
export function descriptorLinks(): string[] {
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      return [readlinkSync(`/proc/self/fd/${fd}`)]
    } catch {
      return [] // the one that the folder was read with
    }
  })
}

function onlyUnavailable(error: unknown): undefined {
  if (!(error instanceof IpvsError) || error.code !== 'ERR_IPVS_UNAVAILABLE') throw error
}

export class World {
  readonly name: string
  readonly path: string
  readonly #reader: Reader
  readonly #ipvs: Ipvs | undefined
  readonly marks: FirewallMarks

  private constructor(name: string, reader: Reader, ipvs: Ipvs | undefined, marks: FirewallMarks) {
    this.name = name
    this.path = `/run/netns/${name}`
    this.#reader = reader
    this.#ipvs = ipvs
    this.marks = marks
  }

  static async create(name: string, reader: string): Promise<World> {
    command('ip', 'netns', 'add', name)
    command('ip', '-n', name, 'link', 'set', 'lo', 'up')
    command('ip', '-n', name, 'address', 'add', '172.16.0.100/32', 'dev', 'lo')
    const netns = `/run/netns/${name}`
    const options = { netns, timeoutMs: 60_000 }
    const ipvs = await Ipvs.open(options).catch(onlyUnavailable)
    return new World(name, new Reader(reader, netns), ipvs, await FirewallMarks.open(options))
  }

  /** A handle that no fault ever happens to, like `marks`. */
  get ipvs(): Ipvs {
    if (this.#ipvs === undefined) throw new Error('this kernel has no IPVS')
    return this.#ipvs
  }

  get hasIpvs(): boolean {
    return this.#ipvs !== undefined
  }

  /** Reads everything there is. Nobody may change services meanwhile, not in other namespaces either: see sweep.ts. */
  look(): Promise<Lines> {
    return this.#reader.ask('look')
  }

  /** Makes connections, one for each of `count` clients. */
  connect(count: number, address: string, port: number): Promise<Lines> {
    return this.#reader.ask(`send ${count} ${address} ${port}`)
  }

  async clear(): Promise<void> {
    await this.#ipvs?.flush()
    await this.marks.flush()
  }

  /** What is left when the handles of a scenario are closed; threads need a moment to be gone for good. */
  async left(before: Resources): Promise<Resources> {
    let now = resources()
    for (
      let tries = 0;
      tries < 100 && (now.threads > before.threads || now.descriptors > before.descriptors);
      tries++
    ) {
      await sleep(10)
      now = resources()
    }
    return now
  }

  async close(): Promise<void> {
    await this.#ipvs?.close()
    await this.marks.close()
    this.#reader.end()
    command('ip', 'netns', 'delete', this.name)
  }
}
