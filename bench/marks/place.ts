// A network namespace with rules, and a sender of packets to it. It exists as long as its sender.
import { execFile, spawn, type ChildProcessWithoutNullStreams } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

import type { Cell, Stream } from './plan.ts'

/** Compiled by main.ts; this file runs as out/bench/marks/place.js. */
export const flood: string = fileURLToPath(new URL('../bin/flood', import.meta.url))
export const load: string = fileURLToPath(new URL('load.js', import.meta.url))

const execute = promisify(execFile)

/** Time limit for loading. */
export const mostLoadMs = 90_000

const wires = `
ip link add out address 02:00:00:00:00:01 type veth peer name in address 02:00:00:00:00:02
ip link set out up
ip link set in up
`

/** The end of all packets, after the rules. Counts their marks before the measurement (IPv4 only: IPv6 sends packets by itself). */
const end = (lastMark: number): string => `table inet end {
  counter unmarked { }
  counter last { }
  chain prerouting {
    type filter hook prerouting priority -140; policy drop;
    meta protocol ip meta mark 0 counter name unmarked
    meta mark ${lastMark} counter name last
  }
}
`

const checkedPackets = 100

export class Place {
  readonly #sender: ChildProcessWithoutNullStreams
  readonly #lines: AsyncIterator<string>
  readonly #n: number
  #problem = ''

  private constructor(n: number) {
    this.#n = n
    this.#sender = spawn('unshare', ['--net', flood])
    this.#lines = createInterface({ input: this.#sender.stdout })[Symbol.asyncIterator]()
    this.#sender.stdin.on('error', () => {}) // a missing reply reports the failure
    this.#sender.stderr.on('data', (text: Buffer) => (this.#problem += text.toString()))
  }

  /** Loads the rules of a cell and checks that packets get their marks. */
  static async open({ driver, n }: Cell): Promise<Place> {
    const place = new Place(n)
    try {
      await place.#command('send', 'miss', 0) // waits until the sender is in its namespace
      await place.#run('sh', '-ec', wires)
      await place.#run(process.execPath, load, driver, String(n))
      await place.#run('sh', '-ec', `printf '%s' "$0" | nft -f -`, end(n))
      if (driver !== 'none') await place.#check()
      await place.#run('nft', 'flush chain inet end prerouting')
      return place
    } catch (error) {
      place.close()
      throw error
    }
  }

  /** Returns the nanoseconds per packet. */
  async measure(stream: Stream, ms: number): Promise<number> {
    const { ns } = await this.#command('run', stream, ms)
    if (ns === undefined) throw new Error('the sender reported no time')
    return ns
  }

  close(): void {
    this.#sender.stdin.end()
  }

  // Packets of `last` have the last mark, packets of `spread` have a mark, and packets of `miss` have none.
  async #check(): Promise<void> {
    await this.#command('send', 'spread', checkedPackets)
    const spread = await this.#counters()
    await this.#command('send', 'last', checkedPackets)
    const last = await this.#counters()
    await this.#command('send', 'miss', checkedPackets)
    const miss = await this.#counters()
    const found = [spread.unmarked, last.last - spread.last, last.unmarked, miss.unmarked]
    const wanted = [0, checkedPackets, 0, checkedPackets]
    if (found.join() !== wanted.join()) throw new Error(`wrong marks of packets: ${found.join()}`)
  }

  async #counters(): Promise<{ unmarked: number; last: number }> {
    const text = await this.#run('nft', 'list', 'counters', 'table', 'inet', 'end')
    const of = (name: string): number => Number(new RegExp(`counter ${name} \\{\\s+packets (\\d+)`).exec(text)?.[1])
    return { unmarked: of('unmarked'), last: of('last') }
  }

  async #run(command: string, ...args: string[]): Promise<string> {
    const inside = [`--net=/proc/${this.#sender.pid}/ns/net`, command, ...args]
    const { stdout } = await execute('nsenter', inside, { timeout: mostLoadMs })
    return stdout
  }

  async #command(command: 'run' | 'send', stream: Stream, amount: number): Promise<{ ns?: number }> {
    this.#sender.stdin.write(`${command} ${stream} ${this.#n} ${amount}\n`)
    const { done, value } = await this.#lines.next()
    if (done === true) throw new Error(this.#problem.trim() || 'the sender ended')
    return JSON.parse(value) as { ns?: number }
  }
}
