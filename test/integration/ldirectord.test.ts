// ldirectord, as Debian has it, with us as its ipvsadm: the table has to be the one that it makes with the real ipvsadm. It reads
// `-L -n` and `-L -n --thresholds` before each of its changes, and it gives servers of marks ports with direct routing.
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Lab } from '../lab/client.ts'
import { connectKernel } from './kernel.ts'

// Of the servers, 10.0.0.21 answers until the test stops it, and 10.0.0.22 never does.
const settings = 'checktimeout=2\ncheckinterval=1\nautoreload=no\n'
const checks = '\n        checktype=connect\n        checkport=8080\n'

interface Course {
  /** A virtual service in ldirectord's file, between settings and how servers are checked. */
  readonly configuration: string
  /** The table, as `ipvsadm -Sn` writes it, while one server answers, and after that one has stopped. */
  readonly tables: readonly (readonly string[])[]
}

let lab: Lab
beforeAll(async () => {
  lab = await connectKernel()
})
afterAll(() => lab.close())

/** Lets ldirectord run with our program and with ipvsadm at the same time, until each has made the tables or has not in time. */
async function follow({ configuration, tables }: Course) {
  return lab.run(
    async ({ import: load, netns, root, run, sh, sleep, start }, given) => {
      const fs = await load<typeof import('node:fs/promises')>('node:fs/promises')
      const directory = await fs.mkdtemp('/tmp/ldirectord-')
      const direct = async (name: string, program?: string) => {
        const place = await netns()
        await sh('ip addr add 10.0.0.21/32 dev lo; ip addr add 10.0.0.22/32 dev lo', { netns: place })
        const server = start('python3', ['-m', 'http.server', '--bind', '10.0.0.21', '8080'], { netns: place })
        // In debug mode it stays in front and prefers an ipvsadm where it was started. Its lock has the name of its file.
        const cwd = `${directory}/${name}`
        await fs.mkdir(cwd)
        await fs.writeFile(`${cwd}/${name}.cf`, given.configuration)
        if (program !== undefined) await fs.writeFile(`${cwd}/ipvsadm`, program, { mode: 0o755 })
        const ldirectord = start('ldirectord', ['-d', `${cwd}/${name}.cf`, 'start'], { netns: place, cwd })
        const patience = 200
        const ended = ldirectord.exited.then(() => patience) // over an error in its file, for instance
        const seen: string[][] = []
        let waits = 0
        for (const table of given.tables) {
          let lines: string[] = []
          while (waits < patience && lines.join('\n') !== table.join('\n')) {
            waits += await Promise.race([sleep(1000).then(() => 1), ended])
            lines = (await sh('ipvsadm -Sn', { netns: place })).trim().split('\n').toSorted()
          }
          seen.push(lines)
          await server.stop('SIGKILL')
        }
        const { stdout, stderr } = await ldirectord.stop('SIGKILL')
        return { tables: seen, said: `${stdout}${stderr}`.slice(-4000) }
      }
      const log = `${directory}/commands`
      await fs.writeFile(log, '')
      const program = `#!/bin/sh\necho "$*" >>${log}\nexec ${process.execPath} ${root}/dist/cli.cjs adm "$@"\n`
      const [ours, theirs] = await Promise.all([direct('ours', program), direct('theirs')])
      const commands = (await fs.readFile(log, 'utf8')).trim().split('\n')
      await run('rm', ['-r', directory])
      return { ours, theirs, commands }
    },
    { configuration: settings + configuration + checks, tables },
    { timeoutMs: 400_000 },
  )
}

test('marks with direct routing, servers drained', { timeout: 420_000 }, async () => {
  const services = ['-A -f 7 -s wrr -p 360 -M 255.255.255.0']
  const tables = [
    [...services, '-a -f 7 -r 10.0.0.21:80 -g -w 5', '-a -f 7 -r 10.0.0.22:80 -g -w 0'],
    [...services, '-a -f 7 -r 10.0.0.21:80 -g -w 0', '-a -f 7 -r 10.0.0.22:80 -g -w 0'],
  ]
  const { ours, theirs, commands } = await follow({
    configuration: `
quiescent=yes
virtual=7
        real=10.0.0.21:80 gate 5
        real=10.0.0.22:80 gate
        protocol=fwm
        scheduler=wrr
        persistent=360
        netmask=255.255.255.0`,
    tables,
  })
  expect(ours).toMatchObject({ tables }) // what it said shows in the difference
  expect(theirs.tables).toEqual(tables)
  expect(commands).toContain('-L -n --thresholds')
  expect(commands.filter((line) => line.startsWith('-e -f 7 ') && line.includes('10.0.0.21:80'))).not.toEqual([])
})

test('addresses, servers removed', { timeout: 420_000 }, async () => {
  const tables = [
    ['-A -t 172.16.0.100:80 -s rr', '-a -t 172.16.0.100:80 -r 10.0.0.21:80 -i -w 3 --tun-type ipip'],
    ['-A -t 172.16.0.100:80 -s rr', '-a -t 172.16.0.100:80 -r 10.0.0.30:8080 -m -w 1'], // the fallback
  ]
  const { ours, theirs, commands } = await follow({
    configuration: `
quiescent=no
virtual=172.16.0.100:80
        real=10.0.0.21:80 ipip 3
        real=10.0.0.22:80 gate
        fallback=10.0.0.30:8080 masq
        protocol=tcp
        scheduler=rr`,
    tables,
  })
  expect(ours).toMatchObject({ tables })
  expect(theirs.tables).toEqual(tables)
  expect(commands.filter((line) => line.startsWith('-d -t 172.16.0.100:80 -r 10.0.0.21:80'))).not.toEqual([])
})
