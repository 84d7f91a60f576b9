// All scenarios with all faults: several processes share them, since most of the time is spent waiting for time-outs. One
// that dies or hangs is a finding, and another takes over behind the fault that it died of.
import { spawn, spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { controlSize } from './control.ts'
import type { Finding, PartResult, ShardLine, Totals } from './results.ts'

export interface Tools {
  readonly shim: string
  readonly reader: string
  /** Where files for a run can be put. */
  readonly work: string
}

export interface SweepOptions {
  readonly tools: Tools
  readonly shards: number
  /** Takes each so manieth fault. */
  readonly every: number
  /** From this one on. */
  readonly first: number
  readonly scenario?: string | undefined
}

/** A fresh file for the commands to one process, and the environment that preloads the shim into it. */
export function shimEnvironment({ shim, work }: Tools, name: string): NodeJS.ProcessEnv {
  const control = join(work, `${name}.control`)
  writeFileSync(control, Buffer.alloc(controlSize))
  return { ...process.env, LD_PRELOAD: shim, FAULTS_CONTROL: control }
}

class Sweep {
  readonly #options: SweepOptions
  readonly findings: Finding[] = []
  readonly totals: Totals = { injected: { 'system calls': 0, datagrams: 0 }, outcomes: {}, overtimeMs: -Infinity }
  tried = 0

  constructor(options: SweepOptions) {
    this.#options = options
  }

  async shard(shard: number): Promise<void> {
    let skip = 0
    for (let life = 0; ; life++) {
      const { status, last } = await this.#live(shard, life, skip)
      if (status === 'status 0') return
      const { scenario, fault } = last ?? { scenario: 'none', fault: 'none' }
      const trouble = status === 'status 3' ? 'hang' : status === 'status 1' ? 'broken' : 'crash'
      this.findings.push({ trouble, scenario, fault, text: status })
      if (last === undefined || life > 20) return
      skip = last.position + 1
    }
  }

  async #live(shard: number, life: number, skip: number): Promise<{ status: string; last?: ShardLine }> {
    const { tools, shards, every, first, scenario } = this.#options
    const name = `faults-${process.pid}-${shard}-${life}`
    const words = [tools.reader, name, shard, shards, every, first, skip, ...(scenario === undefined ? [] : [scenario])]
    const program = join(import.meta.dirname, 'shard.js')
    const child = spawn(process.execPath, [program, ...words.map(String)], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: shimEnvironment(tools, name),
    })
    const seen: { last?: ShardLine } = {}
    const lines = createInterface(child.stdout)
    lines.on('line', (line) => {
      seen.last = JSON.parse(line) as ShardLine
      this.#take(seen.last)
    })
    const status = await new Promise<string>((resolve) => {
      let ended: string
      child.on('exit', (code, signal) => (ended = signal ?? `status ${code}`))
      child.on('close', () => resolve(ended))
    })
    if (status !== 'status 0') spawnSync('ip', ['netns', 'delete', name])
    return { status, ...seen }
  }

  #take(line: ShardLine): void {
    if (line.state === 'begun') return
    const { scenario, fault, troubles, injected, outcome, overtimeMs } = line
    this.tried++
    // A fault that never came to pass proves nothing.
    if (injected > 0) this.totals.injected[line.class]++
    if (injected > 0) this.totals.outcomes[outcome] = (this.totals.outcomes[outcome] ?? 0) + 1
    this.totals.overtimeMs = Math.max(this.totals.overtimeMs, overtimeMs)
    for (const { trouble, text } of troubles) {
      this.findings.push({ trouble, scenario, fault, text })
      console.log(`${trouble}: ${scenario}, ${fault}: ${text}`)
    }
  }
}

export async function sweep(options: SweepOptions): Promise<PartResult> {
  const run = new Sweep(options)
  await Promise.all(Array.from({ length: options.shards }, (_, shard) => run.shard(shard)))
  const { injected, outcomes, overtimeMs } = run.totals
  return {
    name: 'faults',
    figures: {
      'one of': options.every,
      tried: run.tried,
      'system calls': injected['system calls'],
      datagrams: injected.datagrams,
      resolved: outcomes['resolved'] ?? 0,
      'not applied': outcomes['not-applied'] ?? 0,
      partial: outcomes['partial'] ?? 0,
      unknown: outcomes['unknown'] ?? 0,
      overtimeMs: Math.round(overtimeMs),
    },
    findings: run.findings,
  }
}
