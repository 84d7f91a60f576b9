// `ipvs doctor` on services that refuse clients though servers are available.
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
      const doctor = await Doctor.of(context, site)
      const web = (times: number) => async (): Promise<string[]> => {
        const urls = Array.from({ length: times }, () => 'http://172.16.0.100/')
        const { replies, complaints } = await ask(context, site.client, '172.16.0.50', urls)
        return [...replies, ...complaints].map((line) => line.split(' ')[0] ?? '')
      }
      const http = '-t 172.16.0.100:80'
      const both = (settings: string) =>
        ['10.0.0.7', '10.0.0.17'].map((address) => `ipvsadm -e ${http} -r ${address} -m ${settings}`)

      await doctor.set('sysctl -qw net.ipv4.vs.expire_nodest_conn=1', `ipvsadm -A ${http} -s rr`)
      for (const address of ['10.0.0.7', '10.0.0.17']) await doctor.set(`ipvsadm -a ${http} -r ${address} -m`)
      await doctor.look('sound', web(2))

      await doctor.set('sysctl -qw net.ipv4.ip_forward=0')
      await doctor.mend('forward', 'forwarding-off', web(2))

      await doctor.set(`ipvsadm -E ${http} -s sh -b sh-port`)
      await doctor.look('sh-whole', web(30))
      await doctor.set(`ipvsadm -e ${http} -r 10.0.0.17 -m -w 0`)
      await doctor.mend('sh', 'hash-without-fallback', web(30))
      await doctor.set(`ipvsadm -E ${http} -s mh -b mh-port`)
      await doctor.mend('mh', 'hash-without-fallback', web(30))

      await doctor.set(`ipvsadm -E ${http} -s rr`, ...both('-w 0'))
      await doctor.mend('drained', 'all-drained', web(2))

      // The kernel checks thresholds on new connections only.
      await doctor.set(...both('-w 1 -x 2'))
      await web(6)()
      await doctor.mend('full', 'all-full', web(1))
      await doctor.set(...both('-w 1 -x 0'))

      await doctor.set(
        'sysctl -qw net.ipv4.vs.backup_only=1',
        'ipvsadm --start-daemon backup --mcast-interface back',
        'ipvsadm --start-daemon master --mcast-interface back',
      )
      await doctor.mend('backup-only', 'backup-only', web(1))
      await doctor.set('sysctl -qw net.ipv4.vs.backup_only=1', 'ipvsadm --stop-daemon master')
      await doctor.look('standby', web(1))
      await doctor.set('ipvsadm --stop-daemon backup', 'sysctl -qw net.ipv4.vs.backup_only=0')

      await doctor.set('sysctl -qw net.ipv4.vs.am_droprate=1 net.ipv4.vs.drop_packet=3')
      await doctor.mend('drops', 'drops-always', async () => {
        await context.sleep(2500) // the kernel reads these settings every second
        return web(1)()
      })
      return doctor.steps
    },
    {},
    { timeoutMs: 280_000 },
  )
})
afterAll(() => lab.close())

const [seven, seventeen, refused] = ['server-7', 'server-17', 'curl:']
const step = (name: string): Step => steps[name] ?? { findings: [], who: ['no such step'] }
const sorted = (name: string): string[] => step(name).who.toSorted()

test('a setup without faults: no finding', () => {
  expect(sorted('sound')).toEqual([seventeen, seven])
  expect(reported(step('sound'))).toEqual(sound)
})

test('masquerade without forwarding', () => {
  expect(step('forward').who).toEqual([refused, refused])
  expect(reported(step('forward'))).toEqual(['bad forwarding-off'])
  expect(sorted('forward-mended')).toEqual([seventeen, seven])
  expect(reported(step('forward-mended'))).toEqual(sound)
})

test('hashing without fallback, no destination drained', () => {
  expect(new Set(step('sh-whole').who)).toEqual(new Set([seven, seventeen]))
  expect(reported(step('sh-whole'))).toEqual(sound)
})

test.each(['sh', 'mh'])(
  '%s without fallback, one of two destinations drained: about half of the clients are refused',
  (name) => {
    const { who } = step(name)
    expect(new Set(who)).toEqual(new Set([seven, refused]))
    // Each client hits either destination with probability 1/2: fewer than 4 of 30 has a probability of about 1/240,000.
    const count = who.filter((one) => one === refused).length
    expect(count).toBeGreaterThan(3)
    expect(count).toBeLessThan(27)
    expect(reported(step(name))).toEqual(['bad hash-without-fallback'])
    expect(step(`${name}-mended`).who).toEqual(Array.from({ length: 30 }, () => seven))
    expect(reported(step(`${name}-mended`))).toEqual(sound)
  },
)

test('all destinations drained', () => {
  expect(step('drained').who).toEqual([refused, refused])
  expect(reported(step('drained'))).toEqual(['bad all-drained'])
  expect(sorted('drained-mended')).toEqual([seventeen, seven])
  expect(reported(step('drained-mended'))).toEqual(sound)
})

test.each([
  ['full', 'bad all-full'],
  ['backup-only', 'bad backup-only'],
  ['drops', 'risk drops-always'],
])('%s: %s', (name, finding) => {
  expect(step(name).who).toEqual([refused])
  expect(reported(step(name))).toEqual([finding])
  expect([[seven], [seventeen]]).toContainEqual(step(`${name}-mended`).who)
  expect(reported(step(`${name}-mended`))).toEqual(sound)
})

test('a standby director refuses clients, reported as good', () => {
  expect(step('standby').who).toEqual([refused])
  expect(reported(step('standby'))).toEqual(['good nothing', 'good standby'])
})
