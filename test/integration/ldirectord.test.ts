// ldirectord, as Debian has it, with us as its ipvsadm: the table has to be the one that it makes with the real ipvsadm. It reads
// `-L -n` and `-L -n --thresholds` before each of its changes, and it gives servers of marks ports with direct routing.
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Lab } from '../lab/client.ts'
import { connectKernel } from './kernel.ts'

const configuration = `
checktimeout=5
checkinterval=1
quiescent=yes
autoreload=no

virtual=7
        real=10.0.0.7:80 gate 5
        real=10.0.0.17:80 gate
        real=10.0.0.27:8080 masq 2
        protocol=fwm
        scheduler=wrr
        persistent=360
        netmask=255.255.255.0
        checktype=on

virtual=172.16.0.100:80
        real=10.0.0.7:80 gate
        real=10.0.0.8:80 ipip 3
        protocol=tcp
        scheduler=rr
        checktype=on

virtual=9
        real=10.0.0.21:80 gate
        real=10.0.0.22:80 gate
        protocol=fwm
        scheduler=rr
        service=http
        checktype=negotiate
        checkport=8080
        request="alive.html"
        receive="alive"
`

// The server of 10.0.0.22 does not answer: it is drained.
const table = [
  '-A -f 7 -s wrr -p 360 -M 255.255.255.0',
  '-A -f 9 -s rr',
  '-A -t 172.16.0.100:80 -s rr',
  '-a -f 7 -r 10.0.0.17:80 -g -w 1',
  '-a -f 7 -r 10.0.0.27:8080 -m -w 2',
  '-a -f 7 -r 10.0.0.7:80 -g -w 5',
  '-a -f 9 -r 10.0.0.21:80 -g -w 1',
  '-a -f 9 -r 10.0.0.22:80 -g -w 0',
  '-a -t 172.16.0.100:80 -r 10.0.0.7:80 -g -w 1',
  '-a -t 172.16.0.100:80 -r 10.0.0.8:80 -i -w 3 --tun-type ipip',
]

let lab: Lab
beforeAll(async () => {
  lab = await connectKernel()
})
afterAll(() => lab.close())

test('ldirectord makes the same table with either', { timeout: 420_000 }, async () => {
  const seen = await lab.run(
    async ({ import: load, netns, root, run, sh, sleep, start }, given) => {
      const fs = await load<typeof import('node:fs/promises')>('node:fs/promises')
      const directory = await fs.mkdtemp('/tmp/ldirectord-')
      await fs.writeFile(`${directory}/alive.html`, 'alive\n')
      const saved = async (place: { path: string; name: string }) =>
        (await sh('ipvsadm -Sn', { netns: place as Awaited<ReturnType<typeof netns>> }))
          .split('\n')
          .filter((line) => line !== '')
          .toSorted()
      // In debug mode it stays in front and prefers an ipvsadm where it was started.
      const direct = async (name: string, program?: string) => {
        const place = await netns()
        await sh('ip addr add 10.0.0.21/32 dev lo; ip addr add 10.0.0.22/32 dev lo', { netns: place })
        start('python3', ['-m', 'http.server', '--bind', '10.0.0.21', '8080'], { netns: place, cwd: directory })
        const cwd = `${directory}/${name}`
        await fs.mkdir(cwd)
        await fs.writeFile(`${cwd}/${name}.cf`, given.configuration)
        if (program !== undefined) await fs.writeFile(`${cwd}/ipvsadm`, program, { mode: 0o755 })
        const ldirectord = start('ldirectord', ['-d', `${cwd}/${name}.cf`, 'start'], { netns: place, cwd })
        let lines: string[] = []
        for (let waits = 0; waits < 170; waits++) {
          lines = await saved(place)
          if (lines.join('\n') === given.table.join('\n')) break
          await sleep(1000)
        }
        const { stdout, stderr } = await ldirectord.stop('SIGKILL')
        return { lines, said: `${stdout}${stderr}`.slice(-2000) }
      }
      const log = `${directory}/commands`
      const program = `#!/bin/sh\necho "$*" >>${log}\nexec ${process.execPath} ${root}/dist/cli.cjs adm "$@"\n`
      const [ours, theirs] = await Promise.all([direct('ours', program), direct('theirs')])
      const commands = (await fs.readFile(log, 'utf8')).split('\n')
      await run('rm', ['-r', directory])
      return { ours, theirs, commands }
    },
    { configuration, table: table.toSorted() },
    { timeoutMs: 400_000 },
  )
  expect(seen.ours).toMatchObject({ lines: table.toSorted() }) // what it said shows in the difference
  expect(seen.theirs.lines).toEqual(seen.ours.lines)
  expect(seen.commands).toContain('-L -n --thresholds')
  expect(seen.commands.filter((line) => line.startsWith('-a -f 7 -r 10.0.0.7:80 '))).not.toEqual([])
})
