// Processes of a job.

import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { constants } from 'node:os'
import type { LabProcess, RunOptions, RunResult } from './job.ts'

/** One child in a separate process group, so that its own children end with it. */
export class AgentProcess implements LabProcess {
  readonly exited: Promise<RunResult>
  readonly output = { stdout: '', stderr: '' }
  readonly #child: ChildProcess

  constructor(command: string, args: readonly string[], options: RunOptions, defaultFolder: string) {
    const { netns } = options
    const inside = netns === undefined ? [] : ['ip', 'netns', 'exec', typeof netns === 'string' ? netns : netns.name]
    const [program = command, ...rest] = [...inside, command, ...args]
    this.#child = spawn(program, rest, {
      cwd: options.cwd ?? defaultFolder,
      env: { ...process.env, ...options.env },
      stdio: 'pipe',
      detached: true,
    })
    for (const name of ['stdout', 'stderr'] as const) {
      this.#child[name]?.setEncoding('utf8').on('data', (text: string) => (this.output[name] += text))
    }
    // Programs may leave their input unread.
    this.#child.stdin?.on('error', () => {})
    this.#child.stdin?.end(options.input ?? '')
    this.exited = this.#watch()
    this.exited.catch(() => {})
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null && this.pid !== 0
  }

  async waitFor(text: string): Promise<void> {
    while (!this.output.stdout.includes(text)) {
      const ended = await Promise.race([this.exited, once(this.#child.stdout!, 'data').then(() => undefined)])
      if (ended === undefined || this.output.stdout.includes(text)) continue
      throw new Error(`the program ended (status ${ended.status}) without writing "${text}": ${ended.stderr.trim()}`)
    }
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<RunResult> {
    this.kill(signal)
    return this.exited
  }

  /** Signals the whole group, also after the end of the child: its own children may still run. */
  kill(signal: NodeJS.Signals): void {
    if (this.pid === 0) return
    try {
      process.kill(-this.pid, signal)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
    }
  }

  #watch(): Promise<RunResult> {
    return new Promise((resolve, reject) => {
      this.#child.once('error', reject)
      this.#child.once('close', (code, signal) => {
        const status = code ?? 128 + constants.signals[signal ?? 'SIGKILL']
        resolve({ status, signal: signal ?? undefined, ...this.output })
      })
    })
  }
}
