// The context of one job: makes its processes and namespaces, and removes them afterwards.

import path from 'node:path'
import { release } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { AgentProcess } from './agent-process.ts'
import type { KernelVersion, LabContext, LabProcess, Netns, NodeOptions, RunOptions, RunResult } from './job.ts'

type IpvsModule = LabContext['ipvs']

/** The checkout: this file is compiled to out/test/lab/. */
export const checkoutRoot: string = path.resolve(import.meta.dirname, '../../..')

let namespaces = 0

export class AgentContext implements LabContext {
  readonly root: string = checkoutRoot
  readonly kernel: KernelVersion = kernelVersion()
  readonly signal: AbortSignal
  readonly #processes: AgentProcess[] = []
  readonly #namespaces: Netns[] = []
  #ipvs: { readonly module: IpvsModule } | { readonly error: unknown } | undefined

  constructor(signal: AbortSignal) {
    this.signal = signal
    // Jobs destructure their parameter: `({ sh, netns }) => ...`.
    for (const name of ['import', 'run', 'start', 'sh', 'node', 'netns', 'sleep'] as const) {
      Object.defineProperty(this, name, { value: this[name].bind(this) })
    }
  }

  /** Loads the product before a job that mentions it. A failure is thrown when the job reads `ipvs`. */
  async loadIpvs(): Promise<void> {
    try {
      this.#ipvs = { module: await import('ipvs') }
    } catch (error) {
      this.#ipvs = { error }
    }
  }

  get ipvs(): IpvsModule {
    if (this.#ipvs === undefined) throw new Error('a job that uses "ipvs" must contain the word "ipvs"')
    if ('error' in this.#ipvs) throw this.#ipvs.error
    return this.#ipvs.module
  }

  async import<Module = Record<string, unknown>>(specifier: string): Promise<Module> {
    const isPath = specifier.startsWith('.') || specifier.startsWith('/')
    const target = isPath ? pathToFileURL(path.resolve(this.root, specifier)).href : specifier
    return (await import(target)) as Module
  }

  start(command: string, args: readonly string[] = [], options: RunOptions = {}): LabProcess {
    this.signal.throwIfAborted()
    const started = new AgentProcess(command, args, options, this.root)
    this.#processes.push(started)
    return started
  }

  async run(command: string, args: readonly string[] = [], options: RunOptions = {}): Promise<RunResult> {
    return this.start(command, args, options).exited
  }

  async sh(text: string, options: RunOptions = {}): Promise<string> {
    const { status, stdout, stderr } = await this.run('sh', ['-c', text], options)
    if (status !== 0) throw new Error(`status ${status} from: ${text}\n${stderr.trim()}`)
    return stdout
  }

  async node(code: string, options: NodeOptions = {}): Promise<RunResult> {
    const nodeOptions = [...(options.execArgv ?? []), '--input-type=module']
    return this.run(process.execPath, [...nodeOptions, '-e', code, '--', ...(options.args ?? [])], options)
  }

  async netns(): Promise<Netns> {
    namespaces += 1
    const name = `lab-${process.pid}-${namespaces}`
    const made = { name, path: `/run/netns/${name}` }
    await this.sh(`ip netns add ${name}`)
    this.#namespaces.push(made)
    await this.sh(`ip -n ${name} link set lo up`)
    return made
  }

  async sleep(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.signal })
  }

  /** Ends all processes of the job and removes its namespaces. */
  async cleanUp(): Promise<void> {
    await Promise.all(
      this.#processes.map(async (child) => {
        child.kill('SIGKILL')
        // A process that failed to start has only output.
        await child.exited.catch(() => undefined)
      }),
    )
    for (const { name } of this.#namespaces) await removeNamespace(name)
  }
}

/** A namespace exists as long as a process is in it, with or without a name: so its processes are killed first. */
async function removeNamespace(name: string): Promise<void> {
  const text = `ip netns pids ${name} | xargs -r kill -9; ip netns delete ${name}`
  const { status, stderr } = await new AgentProcess('sh', ['-c', text], {}, '/').exited
  if (status !== 0) throw new Error(`cannot remove network namespace ${name}: ${stderr.trim()}`)
}

function kernelVersion(): KernelVersion {
  const version = /^\d+\.\d+/.exec(release())?.[0] ?? release()
  return { release: release(), version }
}
