// The program ipvs-director in the lab: verbs, and a daemon that is asked through its socket.
import { buildSite, type Site } from './topology.ts'
import { serveWeb } from './web.ts'
import type { LabContext, LabProcess, Netns, RunResult } from '../lab/job.ts'

export interface DaemonStatus {
  readonly ready: boolean
  readonly services: readonly { readonly servers: readonly { readonly weight?: number }[] }[]
}

export class Daemon {
  readonly #context: LabContext
  readonly #netns: Netns
  readonly #folder: string
  #running: LabProcess | undefined

  private constructor(context: LabContext, netns: Netns, folder: string) {
    this.#context = context
    this.#netns = netns
    this.#folder = folder
  }

  /** Nothing runs yet. */
  static async prepare(context: LabContext, netns: Netns): Promise<Daemon> {
    return new Daemon(context, netns, (await context.sh('mktemp -d')).trim())
  }

  /** Replaces the site file by a copy of `file`, as a whole. */
  async put(file: string): Promise<void> {
    const config = this.#config
    await this.#context.sh(`cp ${file} ${config}.new && mv ${config}.new ${config}`)
  }

  /** Runs a verb of the program to its end. A start takes seconds in the emulator. */
  async verb(name: string, ...args: readonly string[]): Promise<RunResult> {
    return this.#context.run(process.execPath, this.#words(name, ...args), { netns: this.#netns })
  }

  /** The same for a text. */
  async write(text: string): Promise<void> {
    const config = this.#config
    await this.#context.sh(`cat >${config}.new && mv ${config}.new ${config}`, { input: text })
  }

  /** Starts the daemon, and waits until its first round has ended and each check has had a result. */
  async start(): Promise<void> {
    this.launch()
    await this.ready()
  }

  /** Starts the daemon. */
  launch(): void {
    this.#running = this.#context.start(process.execPath, this.#words('run'), { netns: this.#netns })
  }

  async ready(): Promise<void> {
    await this.until('ready', async () => (await this.ask<DaemonStatus>('GET', 'status')).ready)
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<RunResult | undefined> {
    return this.#running?.stop(signal)
  }

  /** Asks the daemon; an empty object while it does not answer. */
  async ask<Answer>(method: string, path: string, body?: object): Promise<Answer> {
    const url = `http://director/v1/${path}`
    const data = body === undefined ? [] : ['-H', 'content-type: application/json', '-d', JSON.stringify(body)]
    const args = ['-s', '-X', method, '--unix-socket', `${this.#folder}/control.sock`, ...data, url]
    const { stdout } = await this.#context.run('curl', args, { netns: this.#netns })
    return JSON.parse(stdout || '{}') as Answer
  }

  /** Waits until every server of the site has a weight. */
  async served(): Promise<void> {
    await this.until('every server has a weight', async () => {
      const { services } = await this.ask<DaemonStatus>('GET', 'status')
      return services.every(({ servers }) => servers.every(({ weight = 0 }) => weight > 0))
    })
  }

  async until(what: string, holds: () => Promise<boolean>): Promise<void> {
    // Each look starts a program, on the CPU that the daemon needs.
    for (let tries = 0; tries < 60; tries++) {
      if (await holds()) return
      await this.#context.sleep(500)
    }
    const { stdout = '', stderr = '' } = this.#running?.output ?? {}
    throw new Error(`in vain: ${what}\n${JSON.stringify(await this.ask('GET', 'status'))}\n${stdout}\n${stderr}`)
  }

  get #config(): string {
    return `${this.#folder}/site.yaml`
  }

  #words(verb: string, ...args: readonly string[]): string[] {
    const folders = ['--runtime-directory', this.#folder, '--state-directory', `${this.#folder}/state`]
    const site = ['plan', 'apply', 'run', 'reload'].includes(verb) ? ['-c', this.#config] : []
    return [`${this.#context.root}/director/dist/cli/main.js`, verb, ...args, ...site, ...folders]
  }
}

/** A site behind masquerade whose servers serve, and a director that does not run yet. */
export async function daemonOnSite(
  context: LabContext,
  names?: readonly string[],
): Promise<{ readonly site: Site; readonly daemon: Daemon }> {
  const site = await buildSite(context, 'masquerade', names)
  await serveWeb(context, site)
  return { site, daemon: await Daemon.prepare(context, site.director) }
}
