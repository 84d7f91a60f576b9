// Rules are replaced repeatedly under a flood from pktgen, and no packet goes without a mark.
import { afterAll, beforeAll, expect, test } from 'vitest'

import { connectLab, type Lab } from '../lab/client.ts'

let lab: Lab
beforeAll(async () => {
  lab = await connectLab()
})
afterAll(() => lab.close())

const swaps = 300
const vip = '192.168.1.11'

test('while the mark of rules changes, every packet has the old or the new mark', async () => {
  const listed = await lab.run(
    async ({ ipvs: { FirewallMarks }, netns, sh, start }, given) => {
      const [client, director] = [await netns(), await netns()]
      await sh(`
        modprobe pktgen
        ip link add wire netns ${client.name} type veth peer name wire netns ${director.name}
        ip -n ${client.name} addr add 10.0.0.2/24 dev wire
        ip -n ${client.name} link set wire up
        ip -n ${director.name} addr add 10.0.0.1/24 dev wire
        ip -n ${director.name} link set wire up
        ip -n ${director.name} addr add ${given.vip}/32 dev lo
      `)
      const recorder = `table inet recorder {
        set seen { type mark . inet_service; flags dynamic; size 100; counter; }
        chain seen {
          type filter hook prerouting priority -140
          udp dport 8080-8089 add @seen { meta mark . udp dport } drop
        }
      }`
      await sh('nft -f -', { netns: director, input: recorder })
      const marks = await FirewallMarks.open({ netns: director.path, timeoutMs: 60_000 })
      const set = (mark: number) => [
        { mark, address: given.vip, protocol: 'udp', ports: [8080] } as const,
        { mark, address: given.vip, protocol: 'udp', ports: ['8081-8089'] } as const,
      ]
      await marks.replace(set(7))
      const [, mac] = /ether (\S+)/.exec(await sh(`ip -n ${director.name} link show wire`)) ?? []
      const settings = `count 0, delay 0, dst ${given.vip}, dst_mac ${mac}, src_min 10.0.0.2, src_max 10.0.0.2,
        udp_src_min 4000, udp_src_max 4000, udp_dst_min 8080, udp_dst_max 8089`
      const lines = settings.split(/,\s*/).map((setting) => `echo ${setting} > wire`)
      await sh(`cd /proc/net/pktgen; echo add_device wire > kpktgend_0; ${lines.join('; ')}`, { netns: client })
      const flood = start('sh', ['-c', 'echo start > /proc/net/pktgen/pgctrl'], { netns: client })
      for (let swap = 1; swap <= given.swaps; swap++) await marks.replace(set(swap % 2 === 0 ? 7 : 8))
      await sh('echo stop > /proc/net/pktgen/pgctrl', { netns: client })
      await flood.exited
      await marks.close()
      return sh('nft list set inet recorder seen', { netns: director })
    },
    { swaps, vip },
    { timeoutMs: 100_000 },
  )
  const counted = [...listed.matchAll(/(0x\w+) \. (\d+) counter packets (\d+)/g)]
  // Ports 8080 (an exact rule) and 8081 to 8088 (a range), with each of the two marks, and no packet without.
  const ports = Array.from({ length: 9 }, (_, index) => `${8080 + index}`)
  const expected = ports.flatMap((port) => [`${port} 0x00000007`, `${port} 0x00000008`])
  expect(counted.map(([, mark, port]) => `${port} ${mark}`).toSorted()).toEqual(expected)
  for (const [, , , packets] of counted) expect(Number(packets)).toBeGreaterThan(swaps)
})
