// `ipvs doctor` and clients that stay on drained or removed destinations.
import { afterAll, beforeAll, expect, test } from 'vitest'

import { connectKernel } from '../integration/kernel.ts'
import type { Lab } from '../lab/client.ts'
import { sound, reported, type Step } from './doctor.ts'

let lab: Lab
let steps: Record<string, Step>
beforeAll(async () => {
  lab = await connectKernel()
  steps = await lab.run(
    async (context) => {
      const load = async <Module>(name: string) => context.import<Module>(`./out/test/traffic/${name}.js`)
      const { buildSite } = await load<typeof import('./topology.ts')>('topology')
      const { ask, serveWeb } = await load<typeof import('./web.ts')>('web')
      const { Doctor } = await load<typeof import('./doctor.ts')>('doctor')
      const site = await buildSite(context, 'masquerade')
      await serveWeb(context, site)
      for (const { name, netns } of site.servers) {
        const words = [`${context.root}/out/test/traffic/udp-server.js`, name, '53']
        await context.start(process.execPath, words, { netns }).waitFor('ready')
      }
      const doctor = await Doctor.of(context, site)
      const sysctl = (values: string) => `sysctl -qw ${values.replaceAll(/(?=\b[a-z_]+=)/g, 'net.ipv4.vs.')}`

      // A client with a fixed port.
      const udp = async (): Promise<string[]> => {
        const words = [`${context.root}/out/test/traffic/udp-client.js`, '172.16.0.100', '53', '5000', '2']
        return (await context.run(process.execPath, words, { netns: site.client })).stdout.trim().split('\n')
      }
      const dns = '-u 172.16.0.100:53'
      await doctor.set(sysctl('expire_nodest_conn=1'), `ipvsadm -A ${dns} -s rr`, `ipvsadm -a ${dns} -r 10.0.0.7 -m`)
      await doctor.look('sound', udp)
      await doctor.set(`ipvsadm -a ${dns} -r 10.0.0.17 -m`, `ipvsadm -e ${dns} -r 10.0.0.7 -m -w 0`)
      await doctor.mend('udp-drained', 'drained-udp', udp)
      await doctor.set(
        sysctl('expire_nodest_conn=0'),
        `ipvsadm -a ${dns} -r 10.0.0.7 -m`,
        `ipvsadm -d ${dns} -r 10.0.0.17`,
      )
      await doctor.mend('removed', 'removed-destinations', udp)

      // A client bound by persistence before its server is drained.
      const web = async () => {
        const url = 'http://172.16.0.100/'
        const { replies, complaints } = await ask(context, site.client, '172.16.0.50', [url, url])
        return [...replies, ...complaints].map((line) => line.split(' ')[0] ?? '')
      }
      const http = '-t 172.16.0.100:80'
      await doctor.set(`ipvsadm -D ${dns}; ipvsadm -A ${http} -s rr -p 300`, `ipvsadm -a ${http} -r 10.0.0.7 -m`)
      await doctor.look('persistent', web)
      await doctor.set(`ipvsadm -a ${http} -r 10.0.0.17 -m`, `ipvsadm -e ${http} -r 10.0.0.7 -m -w 0`)
      await doctor.mend('bound', 'drained-persistence', web)

      // A client that reuses its port: possible because the server closes connections first.
      const again = async (): Promise<string[]> => {
        const code = `
          import { connect } from 'node:net'
          const socket = connect({ host: '172.16.0.100', port: 80, localAddress: '172.16.0.50', localPort: 4000 })
          socket.on('error', ({ code }) => console.log(code)).on('connect', () => socket.write('GET / HTTP/1.0\\r\\n\\r\\n'))
          socket.setEncoding('utf8').on('data', (text) => {
            const [, name] = /(server-\\d+) /.exec(text) ?? []
            if (name) console.log(name)
          })`
        const { stdout } = await context.node(code, { netns: site.client })
        return stdout.trim().split('\n')
      }
      await doctor.set(sysctl('conn_reuse_mode=0 expire_nodest_conn=0'), `ipvsadm -E ${http} -s rr`)
      await again()
      await doctor.set(`ipvsadm -e ${http} -r 10.0.0.7 -m -w 1; ipvsadm -e ${http} -r 10.0.0.17 -m -w 0`)
      await doctor.mend('reuse', 'port-reuse', again)
      await doctor.set(
        sysctl('conn_reuse_mode=0 expire_nodest_conn=1'),
        `ipvsadm -e ${http} -r 10.0.0.7 -m -w 0; ipvsadm -e ${http} -r 10.0.0.17 -m -w 1`,
      )
      await doctor.look('reuse-expiring', again)
      return doctor.steps
    },
    {},
    { timeoutMs: 280_000 },
  )
})
afterAll(() => lab.close())

const [seven, seventeen] = ['server-7', 'server-17']
const step = (name: string): Step => steps[name] ?? { findings: [], who: ['no such step'] }

test.each(['sound', 'persistent'])('%s: no finding', (name) => {
  expect(step(name).who).toEqual([seven, seven])
  expect(reported(step(name))).toEqual(sound)
})

test('UDP clients with a fixed port stay on a drained destination until its removal', () => {
  expect(step('udp-drained').who).toEqual([seven, seven])
  expect(reported(step('udp-drained'))).toEqual(['risk drained-udp'])
  expect(step('udp-drained-mended').who).toEqual([seventeen, seventeen])
  expect(reported(step('udp-drained-mended'))).toEqual(sound)
})

test('without expire_nodest_conn, clients of a removed destination get no reply', () => {
  expect(step('removed').who).toEqual(['no reply', 'no reply'])
  expect(reported(step('removed'))).toEqual(['risk removed-destinations'])
  expect(step('removed-mended').who).toEqual([seven, seven])
  expect(reported(step('removed-mended'))).toEqual(sound)
})

test('clients bound by persistence stay on a drained destination', () => {
  expect(step('bound').who).toEqual([seven, seven])
  expect(reported(step('bound'))).toEqual(['risk drained-persistence'])
  expect(step('bound-mended').who).toEqual([seventeen, seventeen])
  expect(reported(step('bound-mended'))).toEqual(sound)
})

test('a reused port leads to the drained destination, unless conn_reuse_mode is on', () => {
  expect(step('reuse').who).toEqual([seventeen])
  expect(reported(step('reuse'))).toEqual(['risk removed-destinations', 'risk port-reuse'])
  expect(step('reuse-mended').who).toEqual([seven])
  expect(reported(step('reuse-mended'))).toEqual(['risk removed-destinations'])
})

test('a reused port with expire_nodest_conn: no finding', () => {
  expect(step('reuse-expiring').who).toEqual([seventeen])
  expect(reported(step('reuse-expiring'))).toEqual(sound)
})
