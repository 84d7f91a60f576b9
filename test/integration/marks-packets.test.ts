// Real packets carry the mark: a client in one network namespace, the director in another.
import { afterAll, beforeAll, expect, test } from 'vitest'

import { connectLab, type Lab } from '../lab/client.ts'

let lab: Lab
beforeAll(async () => {
  lab = await connectLab()
})
afterAll(() => lab.close())

// Sets record which marks packets have when they arrive (input) and when they leave (postrouting).
const recorder = `table inet recorder {
  set arrived { type mark . inet_proto . inet_service; flags dynamic; size 1024; }
  set sent { type mark . inet_proto . inet_service; flags dynamic; size 1024; }
  chain input { type filter hook input priority 0; meta l4proto { tcp, udp } add @arrived { meta mark . meta l4proto . th dport }; }
  chain sent { type filter hook postrouting priority 0; meta l4proto { tcp, udp } add @sent { meta mark . meta l4proto . th dport }; }
}`

const wires = `
  ip link add wire netns $CLIENT type veth peer name wire netns $DIRECTOR
  ip -n $CLIENT addr add 10.0.0.2/24 dev wire
  ip -n $CLIENT addr add fd00::2/64 dev wire nodad
  ip -n $CLIENT link set wire up
  ip -n $CLIENT route add default via 10.0.0.1
  ip -n $CLIENT -6 route add default via fd00::1
  ip -n $DIRECTOR addr add 10.0.0.1/24 dev wire
  ip -n $DIRECTOR addr add fd00::1/64 dev wire nodad
  ip -n $DIRECTOR link set wire up
  ip -n $DIRECTOR addr add 192.168.1.11/32 dev lo
  ip -n $DIRECTOR addr add 2001:db8::11/128 dev lo nodad
`

/** Adds rules, sends packets, and answers `mark . protocol . port` of what arrived and of what the director sent. */
async function marksOf(
  rules: readonly object[],
  fromClient: readonly string[],
  fromDirector: readonly string[] = [],
): Promise<{ readonly arrived: string[]; readonly sent: string[] }> {
  return lab.run(
    async ({ ipvs: { FirewallMarks }, netns, sh }, given) => {
      const [client, director] = [await netns(), await netns()]
      await sh(given.wires, { env: { CLIENT: client.name, DIRECTOR: director.name } })
      await sh('nft -f -', { netns: director, input: given.recorder })
      const marks = await FirewallMarks.open({ netns: director.path })
      await marks.add(given.rules as never)
      // Refused connections are packets, too.
      const send = (targets: readonly string[]) => `for t in ${targets.join(' ')}; do echo > /dev/$t; done 2>&1 || true`
      const bash = async (targets: readonly string[], from: typeof client) =>
        targets.length > 0 ? sh('exec bash', { netns: from, input: send(targets) }) : ''
      await bash(given.fromClient, client)
      await bash(given.fromDirector, director)
      const recorded = async (set: string) => {
        const text = await sh(`nft list set inet recorder ${set}`, { netns: director })
        return text.match(/0x[0-9a-f]+ \. \w+ \. \d+/g) ?? []
      }
      const result = { arrived: await recorded('arrived'), sent: await recorded('sent') }
      await marks.close()
      return result
    },
    { rules, fromClient, fromDirector, wires, recorder },
  )
}

const ftp = { mark: 21, address: '192.168.1.11', protocol: 'tcp', ports: [21, '10000-20000'] } as const

test('ports of a list, and the ends of a range, but nothing beside them', async () => {
  const ports = [20, 21, 22, 9999, 10000, 15000, 20000, 20001]
  const targets = ports.map((port) => `tcp/192.168.1.11/${port}`)
  const { arrived } = await marksOf([ftp], [...targets, 'udp/192.168.1.11/10000', 'tcp/10.0.0.1/10000'])
  const expected = ports.map((port) => {
    const marked = port === 21 || (port >= 10000 && port <= 20000)
    return `${marked ? '0x00000015' : '0x00000000'} . tcp . ${port}`
  })
  expected.push('0x00000000 . udp . 10000', '0x00000000 . tcp . 10000') // another protocol, another address
  expect(arrived.toSorted()).toEqual(expected.toSorted())
})

test('IPv6, exact and by block', async () => {
  const rules = [
    { mark: 7, address: '2001:db8::11', protocol: 'tcp', ports: [80] },
    { mark: 9, address: '2001:db8::/64', protocol: 'udp', ports: ['5000-5010'] },
  ]
  const targets = ['tcp/2001:db8::11/80', 'tcp/2001:db8::11/81', 'udp/2001:db8::11/5010', 'udp/2001:db8::11/5011']
  const { arrived } = await marksOf(rules, targets)
  expect(arrived.toSorted()).toEqual([
    '0x00000000 . tcp . 81',
    '0x00000000 . udp . 5011',
    '0x00000007 . tcp . 80',
    '0x00000009 . udp . 5010',
  ])
})

test('packets of the director itself, at output', async () => {
  const rule = { mark: 0xfffffff0, address: '10.0.0.2', protocol: 'tcp', ports: [80, '8000-8010'] }
  const targets = [80, 81, 8000, 8010, 8011].map((port) => `tcp/10.0.0.2/${port}`)
  const { sent } = await marksOf([rule], [], targets)
  expect(sent.toSorted()).toEqual([
    '0x00000000 . tcp . 8011',
    '0x00000000 . tcp . 81',
    '0xfffffff0 . tcp . 80',
    '0xfffffff0 . tcp . 8000',
    '0xfffffff0 . tcp . 8010',
  ])
})
