// The director and its peers: the same services for each, in its own language.
import type { LabContext, LabProcess, Netns } from '../../test/lab/job.ts'
import type { DriverName } from './plan.ts'

export const vip = '172.16.0.100'

export interface Service {
  readonly port: number
  readonly servers: readonly string[]
}

export interface Setting {
  readonly services: readonly Service[]
  /** Between the checks of a server, in seconds. A check has a second, and two failures in a row take a server out. */
  readonly interval: number
  readonly serverPort: number
}

const texts: Readonly<Record<DriverName, (setting: Setting) => string>> = {
  director: ({ services, interval, serverPort }) => `version: 1
defaults:
  forwarding: masquerade
  scheduler: rr
  check: { interval: ${interval}s, timeout: 1s, rise: 1, fall: 2, whileFailing: ${interval}s }
services:
${services
  .map(
    ({ port, servers }) => `  service-${port}:
    virtual: { address: ${vip}, protocol: tcp, port: ${port} }
    servers:
${servers.map((address) => `      - { name: server-${address}, address: ${address}, port: ${serverPort} }\n`).join('')}    checks: [{ tcp: {} }]
`,
  )
  .join('')}`,
  keepalived: ({ services, interval, serverPort }) =>
    services
      .map(
        ({ port, servers }) => `virtual_server ${vip} ${port} {
  delay_loop ${interval}
  lb_algo rr
  lb_kind NAT
  protocol TCP
${servers
  .map(
    (address) => `  real_server ${address} ${serverPort} {
    weight 1
    TCP_CHECK {
      connect_timeout 1
      retry 1
      delay_before_retry ${interval}
    }
  }
`,
  )
  .join('')}}
`,
      )
      .join(''),
  ldirectord: ({ services, interval, serverPort }) => `checktimeout=1
negotiatetimeout=1
checkinterval=${interval}
failurecount=2
autoreload=no
quiescent=yes
supervised=yes
${services
  .map(
    ({ port, servers }) => `virtual=${vip}:${port}
${servers.map((address) => `\treal=${address}:${serverPort} masq 1\n`).join('')}\tservice=none
\tchecktype=connect
\tscheduler=rr
\tprotocol=tcp
`,
  )
  .join('\n')}`,
}

const sum = (values: readonly string[]): number => values.reduce((total, value) => total + Number(value), 0)

/** A manager of the table. Its files are in a folder of its own. */
export class Manager {
  readonly #context: LabContext
  readonly #driver: DriverName
  readonly #netns: Netns
  readonly #folder: string
  #process: LabProcess | undefined

  private constructor(context: LabContext, driver: DriverName, netns: Netns, folder: string) {
    this.#context = context
    this.#driver = driver
    this.#netns = netns
    this.#folder = folder
  }

  static async prepare(context: LabContext, driver: DriverName, netns: Netns): Promise<Manager> {
    return new Manager(context, driver, netns, (await context.sh('mktemp -d')).trim())
  }

  async put(setting: Setting): Promise<void> {
    const file = this.#file
    await this.#context.sh(`cat >${file}.new && mv ${file}.new ${file}`, { input: texts[this.#driver](setting) })
  }

  start(): void {
    const file = this.#file
    const folder = this.#folder
    const program = `${this.#context.root}/director/dist/cli/main.js`
    const commands: Readonly<Record<DriverName, readonly string[]>> = {
      director: [
        process.execPath,
        program,
        'run',
        '-c',
        file,
        '--runtime-directory',
        folder,
        '--state-directory',
        folder,
      ],
      keepalived: [
        'keepalived',
        '--dont-fork',
        '--check',
        '-f',
        file,
        '-p',
        `${folder}/pid`,
        '-c',
        `${folder}/checkers`,
      ],
      ldirectord: ['ldirectord', file, 'start'],
    }
    const [command = '', ...args] = commands[this.#driver]
    this.#process = this.#context.start(command, args, { netns: this.#netns })
  }

  /** Makes the manager read its file again. */
  async reload(): Promise<void> {
    await this.#context.sh(`kill -HUP ${this.#running.pid}`)
  }

  /** Processor time of all its processes, also of those that have ended; their resident memory. */
  async usage(): Promise<{ readonly seconds: number; readonly kib: number }> {
    const pids = await this.#tree()
    // After the name of the program, which may have spaces: utime, stime, cutime, cstime.
    const looks = pids.map(
      (pid) => `sed 's/.*) //' /proc/${pid}/stat | cut -d' ' -f12-15; grep ^VmRSS: /proc/${pid}/status`,
    )
    const text = await this.#context.sh(`{ ${looks.join('; ')}; } 2>/dev/null; true`)
    const lines = text.split('\n')
    const times = lines.filter((line) => /^[\d ]+$/.test(line)).flatMap((line) => line.split(' '))
    const memory = lines.flatMap((line) => /^VmRSS:\s+(\d+) kB/.exec(line)?.[1] ?? [])
    return { seconds: sum(times) / 100, kib: sum(memory) }
  }

  /** Ends it and empties the table. */
  async end(): Promise<void> {
    await this.#process?.stop('SIGKILL')
    await this.#context.sh(`ipvsadm -C; rm -r ${this.#folder}`, { netns: this.#netns })
  }

  /** What it wrote, for errors. */
  get words(): string {
    const { stdout, stderr } = this.#running.output
    return `${stdout}${stderr}`.slice(-2000)
  }

  get #running(): LabProcess {
    if (this.#process === undefined) throw new Error('the manager does not run')
    return this.#process
  }

  get #file(): string {
    return `${this.#folder}/${this.#driver}.conf`
  }

  async #tree(): Promise<number[]> {
    const text = await this.#context.sh('ps -e -o pid= -o ppid=')
    const pairs = text
      .trim()
      .split('\n')
      .map((line) => line.trim().split(/\s+/).map(Number))
    const found = new Set([this.#running.pid])
    for (let size = 0; size < found.size;) {
      size = found.size
      for (const [pid = 0, parent = 0] of pairs) if (found.has(parent)) found.add(pid)
    }
    return [...found]
  }
}
