// The director's daemon on a real kernel, with a client that never stops: servers die, return and drain, the site changes, the
// daemon is killed. Each step says how many requests may fail.
import { afterAll, beforeAll, expect, test } from 'vitest'

import type { Lab } from '../lab/client.ts'
import { connectKernel } from '../integration/kernel.ts'

/** A step of the story, with the requests that began in it. */
interface Step {
  readonly name: string
  readonly replies: Readonly<Record<string, number>>
}

interface Seen {
  readonly steps: readonly Step[]
  readonly status: string
  readonly plan: { readonly status: number; readonly stdout: string }
  readonly second: { readonly status: number; readonly stderr: string }
  readonly badFile: { readonly status: number; readonly stdout: string }
  readonly afterStop: string
  readonly events: string
}

let lab: Lab
let seen: Seen
beforeAll(async () => {
  lab = await connectKernel()
  seen = await lab.run(
    async (context) => {
      const { run, sh, start, sleep, root } = context
      const load = async <Module>(name: string) => context.import<Module>(`./out/test/traffic/${name}.js`)
      const { buildSite } = await load<typeof import('../traffic/topology.ts')>('topology')
      const site = await buildSite(context, 'masquerade', ['server-7', 'server-17', 'server-27'])
      const netns = site.director
      const folder = (await sh('mktemp -d')).trim()
      const certificate = ['-keyout', `${folder}/key`, '-out', `${folder}/cert`].join(' ')
      await sh(
        `openssl req -x509 -nodes -newkey ec -pkeyopt ec_paramgen_curve:P-256 -subj /CN=t -days 1 ${certificate}`,
      )
      const web = (name: string, where: (typeof site.servers)[number]['netns']) =>
        start(process.execPath, [`${root}/out/test/traffic/web-server.js`, name, `${folder}/key`, `${folder}/cert`], {
          netns: where,
        })
      const servers = site.servers.map((server) => web(server.name, server.netns))
      await Promise.all(servers.map((server) => server.waitFor('ready')))

      const server = (number: number, weight: number) =>
        `      - { name: web${number}, address: 10.0.0.${number}, weight: ${weight} }`
      const file = (scheduler: string, numbers: readonly (readonly [number, number])[]) => `version: 1
defaults:
  forwarding: masquerade
  check: { interval: 1s, timeout: 1s, rise: 2, fall: 2, whileFailing: 500ms }
services:
  shop:
    virtual: { address: 172.16.0.100, protocol: tcp, ports: [80, 443] }
    scheduler: ${scheduler}
    onFailure: remove
    servers:
${numbers.map(([number, weight]) => server(number, weight)).join('\n')}
    checks: [{ http: { port: 80, path: /, status: 200-299 } }]
`
      const config = `${folder}/site.yaml`
      const write = async (text: string) => sh(`cat > ${config}.new && mv ${config}.new ${config}`, { input: text })
      const program = `${root}/director/dist/cli/main.js`
      const folders = ['--runtime-directory', `${folder}/run`, '--state-directory', `${folder}/state`]
      const cli = (...args: readonly string[]) => run(process.execPath, [program, ...args], { netns })
      const daemon = () => start(process.execPath, [program, 'run', '-c', config, ...folders], { netns })
      const twoServers = file('rr', [
        [7, 1],
        [17, 1],
      ])
      await write(twoServers)
      // A service of somebody else.
      await sh('ipvsadm -A -t 172.16.0.103:99 -s rr && ipvsadm -a -t 172.16.0.103:99 -r 10.0.0.7:99 -m', { netns })
      let running = daemon()
      // Without the start of a program: that takes seconds in the emulator.
      const ask = async (method: string, path: string) => {
        const args = ['-s', '-X', method, '--unix-socket', `${folder}/run/control.sock`, `http://director/v1/${path}`]
        return (await run('curl', args, { netns })).stdout
      }
      const isReady = async () => (await ask('GET', 'status')).includes('"ready":true')
      const until = async (what: string, holds: () => Promise<boolean>) => {
        for (let tries = 0; tries < 200; tries++) {
          if (await holds()) return
          await sleep(100)
        }
        const said = (await cli('status', ...folders)).stdout
        throw new Error(`in vain: ${what}\n${said}\n${JSON.stringify(running.output)}`)
      }
      const table = async () => sh('ipvsadm -Sn', { netns })
      const has =
        (...words: readonly string[]) =>
        async () => {
          const text = await table()
          return words.every((word) => text.includes(word))
        }

      await until('two servers', has('10.0.0.7:0', '10.0.0.17:0'))
      const times: [string, number][] = []
      const client = start(
        process.execPath,
        [`${root}/out/test/traffic/steady-client.js`, '172.16.0.100', '80', '20'],
        {
          netns: site.client,
        },
      )
      await client.waitFor('running')
      // What is under way when a server is killed belongs to the next step.
      const step = (name: string) => times.push([name, Date.now() - (name === 'a server dies' ? 500 : 0)])

      step('all well')
      await sleep(2500)
      step('a server dies')
      await servers[0]?.stop('SIGKILL')
      await until('removed', async () => !(await table()).includes('10.0.0.7:0'))
      step('without it')
      await sleep(1500)
      step('it returns')
      await web('server-7', (site.servers[0] as (typeof site.servers)[number]).netns).waitFor('ready')
      await until('back', has('10.0.0.7:0'))
      await sleep(1500)
      step('drain')
      const drained = await cli('drain', 'web17', '--reason', 'kernel update', '--deadline', '2s', '--wait', ...folders)
      if (drained.status !== 0) throw new Error(drained.stderr)
      step('drained')
      await sleep(1500)
      step('undrain')
      await ask('DELETE', 'overrides/web17?who=test')
      await until('undrained', async () => !(await table()).includes('-w 0'))
      step('another server, weights and scheduler')
      await write(
        file('wrr', [
          [7, 1],
          [17, 2],
          [27, 3],
        ]),
      )
      await until('three servers', has('10.0.0.27:0', '-s wrr', '-w 3'))
      await sleep(1500)
      const status = (await cli('status', ...folders)).stdout
      const second = await cli('run', '-c', config, ...folders)
      step('a bad file')
      await write('version: 1\nservices: { shop: { virtuel: 1 } }\n')
      const badFile = await cli('reload', ...folders)
      await sleep(500)
      await write(
        file('wrr', [
          [7, 1],
          [17, 2],
          [27, 3],
        ]),
      )
      await ask('POST', 'reload')
      const told = await ask('GET', 'events')
      step('daemon killed')
      const before = await table()
      await running.stop('SIGKILL')
      running = daemon()
      await until('a daemon', isReady)
      if ((await table()) !== before) throw new Error(`a restart changed the table:\n${before}\n${await table()}`)
      const plan = await cli('plan', '-c', config, ...folders)
      step('somebody deletes the service')
      await sh('ipvsadm -D -f 10000', { netns })
      await until('repaired', has('-f 10000', '10.0.0.27:0'))
      step('repaired')
      await sleep(1500)
      const events = told + (await ask('GET', 'events'))
      const end = Date.now()
      const { stdout } = await client.stop('SIGTERM')
      await running.stop('SIGTERM')
      const afterStop = await table()
      const results = JSON.parse(stdout.split('\n')[1] ?? '') as [number, string][]
      const steps = times.map(([name, from], index) => {
        const to = times[index + 1]?.[1] ?? end
        const replies: Record<string, number> = {}
        for (const [at, reply] of results) if (at >= from && at < to) replies[reply] = (replies[reply] ?? 0) + 1
        return { name, replies }
      })
      return {
        steps,
        status,
        plan: { status: plan.status, stdout: plan.stdout },
        second: { status: second.status, stderr: second.stderr },
        badFile: { status: badFile.status, stdout: badFile.stdout },
        afterStop,
        events,
      }
    },
    undefined,
    { timeoutMs: 280_000 },
  )
})
afterAll(() => lab.close())

const repliesOf = (name: string): Record<string, number> => ({
  ...seen.steps.find((step) => step.name === name)?.replies,
})
const failuresOf = (name: string): string[] =>
  Object.keys(repliesOf(name)).filter((reply) => !reply.startsWith('server-'))

test.each([
  ['all well', ['server-17', 'server-7']],
  ['without it', ['server-17']],
  ['it returns', ['server-17', 'server-7']],
  ['drained', ['server-7']],
  ['another server, weights and scheduler', ['server-17', 'server-27', 'server-7']],
  ['repaired', ['server-17', 'server-27', 'server-7']],
])('%s: every request is served, by %j', (name, servers) => {
  expect(Object.keys(repliesOf(name)).toSorted()).toEqual(servers)
})

test.each(['drain', 'undrain', 'a bad file', 'daemon killed'])('%s: no request fails', (name) => {
  expect(Object.keys(repliesOf(name)).length).toBeGreaterThan(0)
  expect(failuresOf(name)).toEqual([])
})

test('a server dies: what is under way is reset, then connections to it are refused until it is removed', () => {
  const failures = failuresOf('a server dies')
  expect(failures).toContain('ECONNREFUSED')
  expect(['ECONNREFUSED', 'ECONNRESET', 'no reply']).toEqual(expect.arrayContaining(failures))
})

test('status names servers, weights and reasons', () => {
  expect(seen.status).toMatch(/shop: mark 10000, tcp 172\.16\.0\.100:80,443, wrr, 3 of 3 servers have traffic/)
  expect(seen.status).toMatch(/web27 +10\.0\.0\.27 +up +weight 3 \(3\) +its checks succeed/)
})

test('a second daemon is refused', () => {
  expect(seen.second.status).not.toBe(0)
  expect(seen.second.stderr).toMatch(/another ipvs-director runs in this network namespace/)
})

test('a bad file is refused with its problems, and told', () => {
  expect(seen.badFile.status).toBe(1)
  expect(seen.badFile.stdout).toMatch(/site\.yaml:2:\d+: .*virtuel[^]*the last good site stays in use/)
  expect(seen.events).toMatch(/"kind":"site-refused"/)
})

test('after a restart the plan is empty', () => {
  expect(seen.plan).toEqual({ status: 0, stdout: 'no changes\n' })
})

test('a deleted service is repaired and told; the service of somebody else stays', () => {
  expect(seen.events).toMatch(/"kind":"drift","text":"somebody else changed what is ours \(repairing\):\\n\+ /)
  expect(seen.afterStop).toMatch(/-a -t 172\.16\.0\.103:99 -r 10\.0\.0\.7:99 -m -w 1/)
})

test('stopping leaves the table', () => {
  expect(seen.afterStop).toMatch(/-A -f 10000 -s wrr[^]*10\.0\.0\.27:0/)
})
