// `ipvs doctor` on tunnels with a smaller MTU than the packets of clients.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { connectKernel } from '../integration/kernel.ts'
import type { Lab } from '../lab/client.ts'
import { sound, reported, type Step } from './doctor.ts'

const families = {
  ipv4: { vip: '172.16.0.100', service: '-t 172.16.0.100:80', server: '10.0.0.7' },
  ipv6: { vip: '2001:db8::100', service: '-t [2001:db8::100]:80', server: 'fd00::7' },
} as const

let lab: Lab
const steps: Record<string, Step> = {}
beforeAll(async () => {
  lab = await connectKernel()
})
// One job per family: both in one exceed the time limit of a job on a busy machine.
beforeAll(async () => Object.assign(steps, await tunnel('ipv4')))
beforeAll(async () => Object.assign(steps, await tunnel('ipv6')))
afterAll(() => lab.close())

function tunnel(family: keyof typeof families): Promise<Record<string, Step>> {
  return lab.run(
    async (context, { name, vip, service, server }) => {
      const load = async <Module>(file: string) => context.import<Module>(`./out/test/traffic/${file}.js`)
      const { buildSite } = await load<typeof import('./topology.ts')>('topology')
      const { inUrl, serveWeb } = await load<typeof import('./web.ts')>('web')
      const { Doctor } = await load<typeof import('./doctor.ts')>('doctor')
      const site = await buildSite(context, 'tunnel', ['server-7'])
      await serveWeb(context, site)
      const doctor = await Doctor.of(context, site)
      // A common firewall mistake: "fragmentation needed" is dropped.
      const deaf = `add table inet deaf; add chain inet deaf in { type filter hook input priority 0; };
        add rule inet deaf in icmp type destination-unreachable drop;
        add rule inet deaf in icmpv6 type packet-too-big drop`
      const onClient = async (text: string) => context.sh(text, { netns: site.client })
      const ask = (size: number) => async (): Promise<string[]> => {
        await onClient('ip route flush cache; ip -6 route flush cache')
        const cookie = `Cookie: ${'x'.repeat(size)}`
        const words = ['-gsS', '--noproxy', '*', '--max-time', '5', '-H', cookie, `http://${inUrl(vip)}/`]
        const { stdout, stderr } = await context.run('curl', words, { netns: site.client })
        return [stdout.split(' ')[0] || (stderr.split(':')[0] ?? '')]
      }
      await onClient(`nft '${deaf}'`)
      await doctor.set('sysctl -qw net.ipv4.vs.expire_nodest_conn=1')
      await doctor.set(`ipvsadm -A ${service} -s rr`, `ipvsadm -a ${service} -r ${server} -i`)
      await doctor.look(`${name}-small`, ask(10))
      await doctor.mend(name, 'tunnel-mtu', ask(5000))
      await doctor.set('sysctl -qw net.ipv4.vs.pmtu_disc=1')
      await context.run('nft', ['delete', 'table', 'inet', 'ipvs-mss'], { netns: site.servers[0]?.netns ?? '' })
      await onClient('nft delete table inet deaf')
      await doctor.look(`${name}-icmp`, ask(5000))
      await onClient(`nft '${deaf}'`)
      // Clients with a smaller MTU fit into the tunnel.
      for (const end of [site.client, site.director]) await context.sh(`ip -n ${end.name} link set front mtu 1400`)
      await doctor.look(`${name}-narrow`, ask(5000))
      return doctor.steps
    },
    { name: family, ...families[family] },
    { timeoutMs: 200_000 },
  )
}

describe.each(['ipv4', 'ipv6'] as const)('%s', (family) => {
  const step = (name = ''): Step => steps[family + name] ?? { findings: [], who: ['no such step'] }
  const [answer, hangs, finding] = [['server-7'], ['curl'], ['risk tunnel-mtu']]

  test('clients without ICMP can send small requests only', () => {
    expect(step('-small').who).toEqual(answer)
    expect(reported(step('-small'))).toEqual(finding)
    expect(step().who).toEqual(hangs)
    expect(reported(step())).toEqual(finding)
  })

  test('requests of all sizes after the fix', () => {
    expect(step('-mended').who).toEqual(answer)
    // A setting of the servers is invisible on the director.
    expect(reported(step('-mended'))).toEqual(family === 'ipv4' ? sound : finding)
  })

  test('clients with ICMP work without the fix, so the finding is only a risk', () => {
    expect(step('-icmp').who).toEqual(answer)
    expect(reported(step('-icmp'))).toEqual(finding)
  })

  test('a client MTU that fits into the tunnel: no finding', () => {
    expect(step('-narrow').who).toEqual(answer)
    expect(reported(step('-narrow'))).toEqual(sound)
  })
})
