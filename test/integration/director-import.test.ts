// `ipvs-director import` on the host where the other program runs: its table, our site, and a plan.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { importWith } from '../../director/src/import/context.ts'
import { formats } from '../../director/src/import/formats.ts'
import type { Imported, ServiceTree } from '../../director/src/import/imported.ts'
import { siteText } from '../../director/src/import/write.ts'
import { exportKeepalived } from '../../director/src/export/keepalived.ts'
import { marksOf } from '../../director/src/desired/marks.ts'
import { parseSite } from '../../director/src/site/parse.ts'
import type { Lab } from '../lab/client.ts'
import { connectKernel } from './kernel.ts'

let lab: Lab
beforeAll(async () => {
  lab = await connectKernel()
})
afterAll(() => lab.close())

interface Import {
  readonly format: string
  readonly text: string
  /** Makes the table. `FILE`: the file. */
  readonly program: string
  /** A part of `ipvsadm -Sn` that shows that the table is there. */
  readonly until: string
}

/** The tables of all programs together, and the plan for a site of all files. */
async function moveIn(given: readonly Import[], site: string, config: string) {
  return lab.run(
    async ({ netns, root, run, sh, sleep, start }, { all, text, exported }) => {
      const place = await netns()
      const folder = (await sh('mktemp -d')).trim()
      await sh('ip link set lo up; for n in 7 17; do ip addr add 10.0.0.$n/32 dev lo; done', { netns: place })
      const servers = ['10.0.0.7', '10.0.0.17'].map((address) =>
        start('python3', ['-m', 'http.server', '--bind', address, '8080'], { netns: place }),
      )
      const isUp = 'curl -so /dev/null 10.0.0.7:8080 && curl -so /dev/null 10.0.0.17:8080'
      await sh(`for n in $(seq 100); do ${isUp} && exit; sleep 0.2; done; exit 1`, { netns: place })
      const others = []
      for (const { format, text: file, program } of all) {
        await sh(`cat > ${folder}/${format}`, { input: file })
        others.push(start('sh', ['-c', program.replaceAll('FILE', `${folder}/${format}`)], { netns: place }))
      }
      let table = ''
      for (let tries = 0; tries < 60 && !all.every(({ until }) => table.includes(until)); tries++) {
        await sleep(1000)
        table = await sh('ipvsadm -Sn', { netns: place })
      }
      await sh(`cat > ${folder}/site.yaml`, { input: text })
      const director = (...words: string[]) =>
        run(process.execPath, [`${root}/director/dist/cli/main.js`, ...words], { netns: place })
      const state = ['--state-directory', `${folder}/state`]
      const plan = await director('plan', '-c', `${folder}/site.yaml`, ...state)
      await sh('ipvsadm -Sn', { netns: place }).then((saved) => sh(`cat > ${folder}/saved`, { input: saved }))
      const made = await director('import', 'ipvsadm', `${folder}/saved`)
      await sh(`cat > ${folder}/saved.yaml`, { input: made.stdout })
      const saved = await director('plan', '-c', `${folder}/saved.yaml`, ...state)
      const globals = 'global_defs {\n script_user root\n enable_script_security\n}\n'
      await sh(`cat > ${folder}/exported.conf`, { input: globals + exported })
      const check = await run('keepalived', ['-t', '-l', '-f', `${folder}/exported.conf`], { netns: place })
      const ended = await Promise.all([...others, ...servers].map(async (each) => each.stop('SIGKILL')))
      await run('rm', ['-r', folder])
      return {
        table,
        plan,
        saved,
        check,
        said: ended.map(({ stdout, stderr }) => `${stdout}${stderr}`.slice(-1000)).join('---'),
      }
    },
    { all: given, text: site, exported: config },
    { timeoutMs: 230_000 },
  )
}

const imports: readonly Import[] = [
  {
    format: 'keepalived',
    text: `virtual_server 172.16.0.100 80 {
    delay_loop 2
    lvs_sched wrr
    protocol TCP
    lvs_method NAT
    persistence_timeout 300
    real_server 10.0.0.7 8080 {
        weight 3
        TCP_CHECK { connect_timeout 1 }
    }
    real_server 10.0.0.17 8080 {
        HTTP_GET { url { path / status_code 200 } connect_timeout 1 }
    }
}
virtual_server 172.16.0.101 8080 {
    lvs_sched mh # without protocol: UDP
    mh-fallback
    lvs_method DR
    real_server 10.0.0.7 8080 { TCP_CHECK { connect_timeout 1 } }
    real_server 10.0.0.17 8080 { uthreshold 100 lthreshold 50 TCP_CHECK { connect_timeout 1 } }
}
`,
    program: 'exec keepalived -n -l -C -f FILE -p FILE.pid -c FILE.checkers',
    until: '172.16.0.101:8080 -r 10.0.0.17:8080',
  },
  {
    format: 'ldirectord',
    text: `checktimeout=2
negotiatetimeout=2
checkinterval=1
quiescent=no
virtual=172.16.0.103:80
	real=10.0.0.7:8080 masq 3
	real=10.0.0.17:8080 masq
	scheduler=wrr
	service=http
	persistent=300
	netmask=255.255.255.0
virtual=172.16.0.102:8080
	real=10.0.0.7:8080 gate 1
	real=10.0.0.17:8080 gate 1
	checktype=connect
`,
    program: 'cp FILE FILE.cf && exec ldirectord -d FILE.cf start',
    until: '172.16.0.102:8080 -r 10.0.0.17:8080',
  },
  {
    format: 'lvs.cf',
    text: `primary = 192.0.2.1
service = lvs
network = nat
virtual shop {
     active = 1
     address = 172.16.0.104 eth0:1
     port = 80
     persistent = 300
     pmask = 255.255.255.0
     scheduler = rr
     server one {
         address = 10.0.0.7
         active = 1
         port = 8080
         weight = 3
     }
     server two {
         address = 10.0.0.17
         active = 1
         port = 8080
     }
}
`,
    // What lvsd and nanny run for this file.
    program: `ipvsadm -A -t 172.16.0.104:80 -s rr -p 300 -M 255.255.255.0 &&
      ipvsadm -a -t 172.16.0.104:80 -r 10.0.0.7:8080 -m -w 3 && ipvsadm -a -t 172.16.0.104:80 -r 10.0.0.17:8080 -m -w 1`,
    until: '172.16.0.104:80 -r 10.0.0.17:8080',
  },
]

function imported(format: string, text: string): Imported['site'] {
  const { importer } = formats[format] as (typeof formats)[string]
  const none = new Map<never, never>()
  const answers = { addresses: none, programs: none, includes: none, ports: none, marked: none, activeFtp: false }
  return importWith(importer, text, answers).site
}

/** A site of all files. The last server of each service gets another weight. */
function siteOfAll(): string {
  const sites = imports.map(({ format, text }) => imported(format, text))
  const services = Object.assign({}, ...sites.map((site) => site.services)) as Record<string, ServiceTree>
  const changed = Object.entries(services).map(([name, service]) => {
    const servers = service.servers.map((server, index) => (index === 1 ? { ...server, weight: 42 } : server))
    return [name, { ...service, servers }]
  })
  return siteText({ version: 1, defaults: { forwarding: 'masquerade' }, services: Object.fromEntries(changed) })
}

/** Every checker that an export has. */
const checkedSite = `version: 1
services:
  web:
    virtual: { address: 172.16.0.100, protocol: tcp, ports: [80, 443] }
    scheduler: { name: mh, port: true }
    persistence: { timeout: 5m, netmask: 255.255.255.0 }
    servers:
      - { name: a, address: 10.0.0.7, weight: 2, thresholds: { upper: 100, lower: 50 } }
      - { name: b, address: 10.0.0.17, forwarding: tunnel, tunnel: { type: gue, port: 6080, checksum: local } }
    checks:
      - tcp: { port: 80, interval: 500ms }
      - http: { port: 80, path: /x, host: www.example.com, status: [200-299, 301], body: { match: 'a "b"', absent: c } }
      - https: { port: 443, serverName: www.example.com }
      - dns: { port: 53, query: example.com, type: SOA }
      - udp: { port: 53, send: hi, expect: x }
      - ping: {}
      - smtp: { port: 25, from: { address: 10.0.0.9 } }
      - command: { run: [/bin/true, 'a b'] }
    minimumHealthy: { share: 50%, below: sorry }
    sorry: { address: 10.0.0.99 }
  sip:
    virtual: { address: 172.16.0.101, protocol: udp, port: 5060 }
    onePacket: true
    forwarding: masquerade
    servers: [{ name: a, address: 10.0.0.7, port: 5061 }]
`

test('the only changes are those that were made to the sites', { timeout: 240_000 }, async () => {
  const { site } = parseSite(checkedSite)
  const exported = exportKeepalived(site, marksOf(site, { marks: {} }, new Set()))
  const { table, plan, saved, check, said } = await moveIn(imports, siteOfAll(), exported.text)
  // What the other programs said is part of a failure's text.
  const lacking = imports.filter(({ until }) => !table.includes(until)).map(({ format }) => `${format}: ${said}`)
  expect(lacking).toEqual([])
  expect(plan).toMatchObject({ status: 2, stderr: '' })
  expect(check).toMatchObject({ status: 0, stdout: '', stderr: '' })
  // ipvsadm does not save thresholds.
  expect(saved.stdout).toBe('~ udp:172.16.0.101:8080 -> 10.0.0.17:8080 upperThreshold 100 -> 0\n')
  expect(plan.stdout.trimEnd().split('\n').toSorted()).toEqual([
    '~ tcp:172.16.0.100:80 -> 10.0.0.17:8080 weight 1 -> 42',
    '~ tcp:172.16.0.102:8080 -> 10.0.0.17:8080 weight 1 -> 42',
    '~ tcp:172.16.0.103:80 -> 10.0.0.17:8080 weight 1 -> 42',
    '~ tcp:172.16.0.104:80 -> 10.0.0.17:8080 weight 1 -> 42',
    '~ udp:172.16.0.101:8080 -> 10.0.0.17:8080 weight 1 -> 42',
  ])
})
