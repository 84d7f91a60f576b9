// kill -9 before and behind every send: another run ends with exactly what is wished, and with nothing temporary.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { Control } from './control.ts'
import { killJobs, type KillJob } from './kill-jobs.ts'
import type { Finding, PartResult } from './results.ts'
import { differenceText } from './scenario.ts'
import { shimEnvironment, type Tools } from './sweep.ts'
import { sameLines, World, type Lines } from './world.ts'

interface Kill {
  readonly kind: 'killBefore' | 'killAfter'
  readonly nth: number
}

class Kills {
  readonly #tools: Tools
  readonly #world: World
  readonly findings: Finding[] = []
  killed = 0
  sends = 0

  constructor(tools: Tools, world: World) {
    this.#tools = tools
    this.#world = world
  }

  // How the process ended in which the job was run, and how many sends it made.
  async #child(name: string, kill?: Kill): Promise<{ signal: string | null; sends: number }> {
    const environment = shimEnvironment(this.#tools, this.#world.name)
    const control = new Control(environment['FAULTS_CONTROL'] as string)
    control.arm(kill && { call: 'sendmsg', times: 1, argument: 0, ...kill })
    const child = spawn(process.execPath, [join(import.meta.dirname, 'kill-child.js'), name, this.#world.path], {
      stdio: 'inherit',
      env: environment,
    })
    const [, signal] = (await once(child, 'exit')) as [number | null, string | null]
    const { counts } = control.disarm()
    control.close()
    return { signal, sends: counts.sendmsg }
  }

  async #prepare(job: KillJob): Promise<void> {
    await this.#world.clear()
    await job.prepare(this.#world)
  }

  async run(name: string, job: KillJob, points: number, end: number): Promise<void> {
    await this.#prepare(job)
    const { sends } = await this.#child(name)
    const wished = await this.#world.look()
    const step = Math.max(1, sends / points)
    this.sends += sends
    for (let at = sends; at > 0 && performance.now() < end; at -= step) {
      const nth = Math.ceil(at)
      for (const kind of ['killBefore', 'killAfter'] as const) await this.#once(name, job, wished, { kind, nth })
    }
  }

  async #once(name: string, job: KillJob, wished: Lines, kill: Kill): Promise<void> {
    await this.#prepare(job)
    const { signal } = await this.#child(name, kill)
    const fault = `${kill.kind} send #${kill.nth}`
    const add = (trouble: Finding['trouble'], text: string) =>
      this.findings.push({ trouble, scenario: name, fault, text })
    if (signal !== 'SIGKILL') {
      add('broken', `the process was not killed (${signal})`)
      return
    }
    this.killed++
    console.log(`${name}: ${fault}`)
    await job.run(this.#world.path)
    const now = await this.#world.look()
    if (!sameLines(now, wished)) add('lie', `after the second run: ${differenceText(now, wished)}`)
  }
}

// Marks in a namespace without services, so that both can be tried at the same time: see sweep.ts.
const lanes: readonly (readonly string[])[] = [
  ['marks.replace'],
  Object.keys(killJobs).filter((name) => name !== 'marks.replace'),
]

/** `points`: how many sends of each job are interrupted, at most; `minutes`: for how long. */
export async function kills(tools: Tools, points: number, minutes: number): Promise<PartResult> {
  const end = performance.now() + minutes * 60_000
  const runs = await Promise.all(
    lanes.map(async (names, lane) => {
      const world = await World.create(`kills-${process.pid}-${lane}`, tools.reader)
      const run = new Kills(tools, world)
      for (const name of names) await run.run(name, killJobs[name] as KillJob, points, end)
      await world.close()
      return run
    }),
  )
  const killed = runs.reduce((sum, run) => sum + run.killed, 0)
  const sends = runs.reduce((sum, run) => sum + run.sends, 0)
  return {
    name: 'kills',
    figures: { killed, 'kills there are': 2 * sends },
    findings: runs.flatMap(({ findings }) => findings),
  }
}
