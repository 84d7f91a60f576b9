// `ipvs doctor` and servers in the wrong place for their forwarding method.
//
//   client ─── router ─── lan ─── director, near server
//                └─────── far ─── far server
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
      const { ask, serveWeb } = await load<typeof import('./web.ts')>('web')
      const { Doctor } = await load<typeof import('./doctor.ts')>('doctor')
      await context.sh('modprobe ipip') // before the namespaces: new namespaces get tunl0 only if the module is loaded
      const [client, router, director, near, far] = [
        await context.netns(),
        await context.netns(),
        await context.netns(),
        await context.netns(),
        await context.netns(),
      ]
      const anyWay = 'for file in /proc/sys/net/ipv4/conf/*/rp_filter; do echo 0 >$file; done'
      await context.sh(`
        ip -n ${router.name} link add lan type bridge
        plug() {
          ip -n ${router.name} link add $1 type veth peer name wire netns $2
          ip -n ${router.name} link set $1 up
          ip -n $2 addr add $3/24 dev wire
          ip -n $2 link set wire up
          ip -n $2 route add default via $4
        }
        plug outside ${client.name} 172.16.0.50 172.16.0.254
        plug director ${director.name} 10.0.0.1 10.0.0.254
        plug near ${near.name} 10.0.0.7 10.0.0.1
        plug far ${far.name} 10.9.0.7 10.9.0.254
        for port in director near; do ip -n ${router.name} link set $port master lan; done
        ip -n ${router.name} addr add 172.16.0.254/24 dev outside
        ip -n ${router.name} addr add 10.0.0.254/24 dev lan
        ip -n ${router.name} addr add 10.9.0.254/24 dev far
        ip -n ${router.name} link set lan up
        ip -n ${director.name} addr add 10.0.0.100/32 dev wire
        ip -n ${far.name} addr add 10.0.0.100/32 dev lo
        ip -n ${far.name} link set tunl0 up
        for name in ${[client, router, director, near, far].map(({ name }) => name).join(' ')}; do ip netns exec $name sh -c '${anyWay}'; done
        ip netns exec ${router.name} sysctl -qw net.ipv4.ip_forward=1
        ip netns exec ${near.name} sysctl -qw net.ipv4.conf.all.accept_redirects=1 net.ipv4.conf.wire.accept_redirects=1`)
      const servers = [
        { name: 'server-near', netns: near, ipv4: '10.0.0.7', ipv6: '' },
        { name: 'server-far', netns: far, ipv4: '10.9.0.7', ipv6: '' },
      ]
      await serveWeb(context, { client, director, servers })
      const doctor = await Doctor.of(context, { director, servers })
      const web = async (): Promise<string[]> => {
        const url = 'http://10.0.0.100/'
        const { replies, complaints } = await ask(context, client, '172.16.0.50', [url, url])
        return [...replies, ...complaints].map((line) => line.split(' ')[0] ?? '')
      }
      const http = '-t 10.0.0.100:80'
      await doctor.set(
        'sysctl -qw net.ipv4.vs.expire_nodest_conn=1 net.ipv4.ip_forward=1',
        'sysctl -qw net.ipv4.conf.all.send_redirects=1 net.ipv4.conf.wire.send_redirects=1',
        `ipvsadm -A ${http} -s rr; ipvsadm -a ${http} -r 10.0.0.7 -m`,
      )
      const { start, run } = context
      const program = (name: string) => `${context.root}/out/test/traffic/${name}.js`
      await start(process.execPath, [program('udp-server'), 'server-near', '53'], { netns: near }).waitFor('ready')
      // The kernel sends only a few redirects, and TCP uses them only on longer connections: so this step uses UDP.
      const udp = async (): Promise<string[]> => {
        const words = [program('udp-client'), '10.0.0.100', '53', '5000', '6']
        return (await run(process.execPath, words, { netns: client })).stdout.trim().split('\n')
      }
      await doctor.set('ipvsadm -A -u 10.0.0.100:53 -s rr; ipvsadm -a -u 10.0.0.100:53 -r 10.0.0.7 -m')
      await doctor.mend('masquerade', 'redirects-on', udp)
      await doctor.set('ipvsadm -D -u 10.0.0.100:53')

      await doctor.set(`ipvsadm -a ${http} -r 10.0.0.1 -m`)
      await doctor.mend('local', 'local-destination', web)
      await doctor.set(`ipvsadm -a ${http} -r 10.0.0.1 -m`)
      await serveWeb(context, {
        client,
        director,
        servers: [{ name: 'director', netns: director, ipv4: '', ipv6: '' }],
      })
      await doctor.look('local-served', web)

      await doctor.set(
        `ipvsadm -d ${http} -r 10.0.0.7; ipvsadm -d ${http} -r 10.0.0.1; ipvsadm -a ${http} -r 10.9.0.7 -g`,
      )
      await doctor.mend('direct', 'direct-behind-router', web)
      return doctor.steps
    },
    {},
    { timeoutMs: 150_000 },
  )
})
afterAll(() => lab.close())

const step = (name: string): Step => steps[name] ?? { findings: [], who: ['no such step'] }

test('servers and clients on one interface: redirects send replies past the director', () => {
  expect(step('masquerade').who.at(-1)).toBe('no reply')
  expect(reported(step('masquerade'))).toEqual(['risk redirects-on'])
  expect(step('masquerade-mended').who).toEqual(Array.from({ length: 6 }, () => 'server-near'))
  expect(reported(step('masquerade-mended'))).toEqual(sound)
})

test('a destination on the director: first without a listening socket, then with one', () => {
  expect(step('local').who.toSorted()).toEqual(['curl:', 'server-near'])
  expect(reported(step('local'))).toEqual(['bad local-destination'])
  expect(step('local-mended').who).toEqual(['server-near', 'server-near'])
  expect(reported(step('local-mended'))).toEqual(sound)
  expect(step('local-served').who.toSorted()).toEqual(['director', 'server-near'])
  expect(reported(step('local-served'))).toEqual(sound)
})

test('direct routing to a server behind a router', () => {
  expect(step('direct').who).toEqual(['curl:', 'curl:'])
  expect(reported(step('direct'))).toEqual(['bad direct-behind-router'])
  expect(step('direct-mended').who).toEqual(['server-far', 'server-far'])
  // A tunnel always has this risk.
  expect(reported(step('direct-mended'))).toEqual(['risk tunnel-mtu'])
})
