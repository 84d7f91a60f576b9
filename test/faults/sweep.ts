// All scenarios with all faults. Scenarios with services are tried by one process, one after the other, because the kernel
// lists services by their position among the services of all namespaces (before 7.0), so that a second one would disturb what is
// read. Marks are a namespace's own: several processes share their scenarios, since much of the time is spent waiting for
// time-outs. A process that dies or hangs is a finding, and another takes over behind the fault that it died of.
import { spawn, spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { controlSize } from './control.ts'
import type { Finding, PartResult, ShardLine, ShardOrder, Totals } from './results.ts'
import type { Scenario } from './scenario.ts'
import { scenarios } from './scenarios/all.ts'

export interface Tools {
  readonly shim: string
  readonly reader: string
  /** Where files for a run can be put. */
  readonly work: string
}

export interface SweepOptions {
  readonly tools: Tools
  /** Whether there is IPVS; without it scenarios with services are left out. */
  readonly services: boolean
  /** Processes that try marks. */
  readonly markShards: number
  /** In a pass over all scenarios one of so many faults of each is tried. */
  readonly every: number
  /** With which of them the first pass begins, from 0. */
  readonly first: number
  /** How many passes are made, each with other faults; after `every` of them all have been tried. */
  readonly passes: number
  /** No pass but the first goes on after it. */
  readonly minutes: number
  /** Only scenarios with this in their name. */
  readonly scenario?: string | undefined
}

/** A fresh file for the commands to one process, and the environment that preloads the shim into it. */
export function shimEnvironment({ shim, work }: Tools, name: string): NodeJS.ProcessEnv {
  const control = join(work, `${name}.control`)
  writeFileSync(control, Buffer.alloc(controlSize))
  return { ...process.env, LD_PRELOAD: shim, FAULTS_CONTROL: control }
}

const LIVES = 20

class Sweep {
  readonly #options: SweepOptions
  readonly #end: number
  readonly #counts = new Map<string, number>()
  readonly findings: Finding[] = []
  readonly totals: Totals = { injected: { 'system calls': 0, datagrams: 0 }, outcomes: {}, overtimeMs: -Infinity }
  tried = 0

  constructor(options: SweepOptions) {
    this.#options = options
    this.#end = performance.now() + options.minutes * 60_000
  }

  /** How many there are, tried or not. */
  get faults(): number {
    return [...this.#counts.values()].reduce((sum, count) => sum + count, 0)
  }

  /** Takes scenarios from the queue until it is empty. */
  async shard(label: string, queue: ShardOrder[]): Promise<void> {
    for (let life = 0; this.#goesOn(queue); life++) {
      const { status, order, last } = await this.#live(`faults-${process.pid}-${label}-${life}`, queue)
      if (status === 'status 0') continue
      const fault = last === undefined ? 'none' : last.fault
      const trouble = status === 'status 3' ? 'hang' : status === 'status 1' ? 'broken' : 'crash'
      this.findings.push({ trouble, scenario: order?.scenario ?? 'none', fault, text: status })
      if (life === LIVES) throw new Error(`${LIVES} processes died`)
      if (order !== undefined && last !== undefined) queue.unshift({ ...order, skip: last.index + 1 })
    }
  }

  // Of the first pass all is tried, so that no scenario is left out; of the others what there is time for.
  #goesOn(queue: readonly ShardOrder[]): boolean {
    const [order] = queue
    return order !== undefined && (order.first === this.#options.first || performance.now() < this.#end)
  }

  // A process, and how it ended: in which scenario, and behind which of its faults.
  async #live(name: string, queue: ShardOrder[]) {
    const { tools } = this.#options
    const program = join(import.meta.dirname, 'shard.js')
    const child = spawn(process.execPath, [program, tools.reader, name], {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: shimEnvironment(tools, name),
    })
    child.stdin.on('error', () => {}) // it has died, which is seen below
    const seen: { order?: ShardOrder | undefined; last?: Extract<ShardLine, { index: number }> | undefined } = {}
    const next = () => {
      seen.order = this.#goesOn(queue) ? queue.shift() : undefined
      seen.last = undefined
      if (seen.order === undefined) child.stdin.end()
      else child.stdin.write(`${JSON.stringify(seen.order)}\n`)
    }
    createInterface(child.stdout).on('line', (text) => {
      const line = JSON.parse(text) as ShardLine
      if (line.state === 'done') next()
      else if (line.state === 'counted') this.#count(line)
      else this.#take((seen.last = line))
    })
    next()
    const status = await new Promise<string>((resolve) => {
      let ended: string
      child.on('exit', (code, signal) => (ended = signal ?? `status ${code}`))
      child.on('close', () => resolve(ended))
    })
    if (status !== 'status 0') spawnSync('ip', ['netns', 'delete', name])
    return { status, ...seen }
  }

  #count({ scenario, faults }: Extract<ShardLine, { state: 'counted' }>): void {
    if (!this.#counts.has(scenario)) console.log(`${scenario}: ${faults} faults`)
    this.#counts.set(scenario, faults)
  }

  #take(line: Extract<ShardLine, { index: number }>): void {
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
  const { every, first, passes } = options
  const run = new Sweep(options)
  const chosen = scenarios.filter(({ name }) => name.includes(options.scenario ?? ''))
  const withServices = chosen.filter(({ handles }) => handles.includes('ipvs'))
  const withoutServices = chosen.filter(({ handles }) => !handles.includes('ipvs'))
  const ordersOf = (some: readonly Scenario[]) =>
    Array.from({ length: passes }, (_, pass) => (first + pass) % every).flatMap((one) =>
      some.map(({ name }): ShardOrder => ({ scenario: name, every, first: one, skip: 0 })),
    )
  const marks = ordersOf(withoutServices)
  await Promise.all([
    ...(options.services ? [run.shard('services', ordersOf(withServices))] : []),
    ...Array.from({ length: options.markShards }, (_, index) => run.shard(`marks-${index}`, marks)),
  ])
  const { injected, outcomes, overtimeMs } = run.totals
  return {
    name: 'faults',
    figures: {
      faults: run.faults,
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
