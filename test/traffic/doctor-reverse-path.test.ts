// `ipvs doctor` on a director with strict rp_filter: it drops clients whose route back is another interface, though replies come
// from the servers directly.
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
      const site = await buildSite(context, 'direct', ['server-7'])
      await serveWeb(context, site)
      const doctor = await Doctor.of(context, site)
      // A client outside the network of the link.
      const web = async (): Promise<string[]> => {
        const { replies, complaints } = await ask(context, site.client, '172.18.0.60', ['http://172.16.0.100/'])
        return [...replies, ...complaints].map((line) => line.split(' ')[0] ?? '')
      }
      await doctor.set(
        'sysctl -qw net.ipv4.vs.expire_nodest_conn=1',
        'ipvsadm -A -t 172.16.0.100:80 -s rr; ipvsadm -a -t 172.16.0.100:80 -r 10.0.0.7 -g',
        'sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.front.rp_filter=1',
        'ip route del 172.18.0.0/24 dev front; ip route add default dev front',
      )
      await doctor.look('sound', web)
      await doctor.set('ip route replace default via 10.0.0.7 dev back')
      await doctor.mend('elsewhere', 'reverse-path-strict', web)
      await doctor.set('ip route del default', 'sysctl -qw net.ipv4.conf.front.rp_filter=1')
      await doctor.mend('routeless', 'reverse-path-strict', web)
      return doctor.steps
    },
    {},
    { timeoutMs: 120_000 },
  )
})
afterAll(() => lab.close())

const step = (name: string): Step => steps[name] ?? { findings: [], who: ['no such step'] }

test('a strict filter on the interface of the default route: no finding', () => {
  expect(step('sound').who).toEqual(['server-7'])
  expect(reported(step('sound'))).toEqual(sound)
})

test.each(['elsewhere', 'routeless'])('default route: %s', (name) => {
  expect(step(name).who).toEqual(['curl:'])
  expect(reported(step(name))).toEqual(['risk reverse-path-strict'])
  expect(step(`${name}-mended`).who).toEqual(['server-7'])
  expect(reported(step(`${name}-mended`))).toEqual(sound)
})
