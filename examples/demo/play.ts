// The steps and checks of the demo.
import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

import { FirewallMarks, Ipvs } from 'ipvs'

import { Network, servers, vip } from './network.ts'
import { showConnections, showMarks, showServices } from './show.ts'

const execute = promisify(execFile)
const program = (name: string): string => fileURLToPath(new URL(`./${name}.js`, import.meta.url))
// In this order, round robin sends requests for both ports to each server.
const ports = [80, 443, 443, 80, 80, 443, 443, 80]
const urls = ports.map((port) => (port === 443 ? `https://${vip}/` : `http://${vip}/`))

class Stage {
  readonly network: Network = new Network()
  readonly #running: ChildProcess[] = []
  #folder = ''

  async build(): Promise<void> {
    this.#folder = await mkdtemp(join(tmpdir(), 'ipvs-demo-'))
    const key = join(this.#folder, 'key.pem')
    const certificate = join(this.#folder, 'certificate.pem')
    const subject = ['-subj', '/CN=ipvs demo', '-days', '1', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256']
    await execute('openssl', ['req', '-x509', '-nodes', ...subject, '-keyout', key, '-out', certificate])
    await this.network.build()
    await Promise.all(servers.map(({ name }) => this.#serve(name, key, certificate)))
  }

  /** Requests the URLs one after the other; returns the names of the servers that replied. */
  async request(): Promise<string[]> {
    const { stdout } = await execute('ip', [...this.#inside('client'), process.execPath, program('client'), ...urls])
    return JSON.parse(stdout) as string[]
  }

  async connections(): Promise<string> {
    const { stdout } = await execute('ip', [...this.#inside('director'), 'cat', '/proc/net/ip_vs_conn'])
    return stdout
  }

  async close(): Promise<void> {
    await Promise.all(
      this.#running.splice(0).map(async (child) => {
        if (child.exitCode !== null || child.signalCode !== null) return
        const exited = once(child, 'exit')
        child.kill('SIGKILL')
        await exited
      }),
    )
    await this.network.destroy()
    if (this.#folder) await rm(this.#folder, { recursive: true, force: true })
  }

  async #serve(name: string, key: string, certificate: string): Promise<void> {
    const args = [...this.#inside(name), process.execPath, program('server'), name, key, certificate]
    const child = spawn('ip', args, { stdio: ['pipe', 'pipe', 'inherit'] })
    this.#running.push(child)
    const ended = once(child, 'exit').then(() => {
      throw new Error(`${name} ended before it was ready`)
    })
    await Promise.race([once(child.stdout, 'data'), ended])
    ended.catch(() => undefined) // close() ends it later
  }

  #inside(name: string): string[] {
    return ['netns', 'exec', this.network.namespace(name)]
  }
}

const problems: string[] = []

function check(what: string, holds: boolean): void {
  console.log(`   ${holds ? 'ok   ' : 'WRONG'} ${what}`)
  if (!holds) problems.push(what)
}

function showReplies(replies: readonly string[]): void {
  replies.forEach((reply, i) => console.log(`   ${urls[i]?.padEnd(24)} reply from ${reply}`))
}

async function direct(stage: Stage, ipvs: Ipvs, marks: FirewallMarks): Promise<void> {
  const key = { fwmark: 7 }
  console.log('1. Mark 7 for the VIP, ports 80 and 443; a service for mark 7; two real servers')
  await marks.add({ mark: 7, address: vip, protocol: 'tcp', ports: [80, 443] })
  await ipvs.addService({ ...key, scheduler: 'rr' })
  for (const { address } of servers) await ipvs.addDestination(key, { address, forwarding: 'direct', weight: 1 })
  showMarks(await marks.list())
  await showServices(ipvs)

  console.log('\n2. The client sends requests, with a new connection for each: round robin over both ports')
  const alternating = await stage.request()
  showReplies(alternating)
  const turns = alternating.every((reply, i) => i === 0 || reply !== alternating[i - 1])
  check('requests alternate between the servers', turns)
  const answered = new Set(alternating.map((reply, i) => `${reply} ${ports[i]}`))
  check('both servers replied on both ports', answered.size === servers.length * new Set(ports).size)
  showConnections(await stage.connections())

  console.log('\n3. updateService({ fwmark: 7 }, { persistence: { timeoutSeconds: 360 } })')
  await ipvs.updateService(key, { persistence: { timeoutSeconds: 360 } })
  await showServices(ipvs)
  const service = await ipvs.getService(key)
  check('the scheduler is still rr: a patch keeps absent settings', service.scheduler === 'rr')
  check('persistent for 360 seconds', service.persistence?.timeoutSeconds === 360)
  const sticky = await stage.request()
  showReplies(sticky)
  check('one client stays on one server, on both ports', new Set(sticky).size === 1)
  const table = await stage.connections()
  showConnections(table)
  check('the kernel keeps a persistence template for the mark', /^IP\s.*\s00000007\s/m.test(table))
}

/** Runs the demo and always cleans up. Returns the exit status: 0 if all checks passed. */
export async function play(): Promise<number> {
  const stage = new Stage()
  const interrupted = (): void => {
    void stage.close().finally(() => process.exit(130))
  }
  process.once('SIGINT', interrupted).once('SIGTERM', interrupted)
  try {
    await stage.build()
    const netns = stage.network.path('director')
    const ipvs = await Ipvs.open({ netns })
    const marks = await FirewallMarks.open({ netns })
    const { version, connectionTableSize } = await ipvs.info()
    console.log(
      `IP Virtual Server version ${version} (size=${connectionTableSize}), configured by this package alone\n`,
    )
    await direct(stage, ipvs, marks)

    console.log('\n4. Clean-up')
    await marks.flush()
    await ipvs.removeService({ fwmark: 7 })
    check('no service is left', (await ipvs.listServices()).length === 0)
    check('no mark rule is left', (await marks.list()).length === 0)
    await Promise.all([ipvs.close(), marks.close()])
  } catch (error) {
    console.error(error)
    problems.push(error instanceof Error ? error.message : String(error))
  } finally {
    await stage.close()
  }
  console.log(problems.length === 0 ? '\nDemo: all checks passed.' : `\nDemo FAILED:\n- ${problems.join('\n- ')}`)
  return problems.length === 0 ? 0 : 1
}
