// Marks of real packets: a client in one network namespace, the director in another.
import { afterAll, beforeAll, expect, test } from 'vitest'

import type { ListedMarkRule } from '../../lib/index.ts'
import { connectLab, type Lab } from '../lab/client.ts'

let lab: Lab
beforeAll(async () => {
  lab = await connectLab()
})
afterAll(() => lab.close())

// Sets that record the marks of packets on arrival (input) and on departure (postrouting).
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

interface Seen {
  /** `mark . protocol . port` of packets received and sent by the director. */
  readonly arrived: string[]
  readonly sent: string[]
  readonly listed: readonly ListedMarkRule[]
}

/** Loads `foreign` with nft, adds rules, and sends packets. */
async function marksOf(
  rules: readonly object[],
  fromClient: readonly string[],
  fromDirector: readonly string[] = [],
  foreign = '',
): Promise<Seen> {
  return lab.run(
    async ({ ipvs: { FirewallMarks }, netns, sh, sleep }, given) => {
      const [client, director] = [await netns(), await netns()]
      await sh(given.wires, { env: { CLIENT: client.name, DIRECTOR: director.name } })
      await sh('nft -f -', { netns: director, input: `${given.recorder}\n${given.foreign}` })
      const marks = await FirewallMarks.open({ netns: director.path })
      await marks.add(given.rules as never)
      // Refused connections also send packets.
      const send = (targets: readonly string[]) => `for t in ${targets.join(' ')}; do echo > /dev/$t; done 2>&1 || true`
      const bash = async (targets: readonly string[], from: typeof client) =>
        targets.length > 0 ? sh('exec bash', { netns: from, input: send(targets) }) : ''
      await bash(given.fromClient, client)
      await bash(given.fromDirector, director)
      const recorded = async (set: string) => {
        const text = await sh(`nft list set inet recorder ${set}`, { netns: director })
        return text.match(/0x[0-9a-f]+ \. \w+ \. \d+/g) ?? []
      }
      // Packets of one sender arrive in order, but the first ones wait for neighbour discovery.
      const missing = (arrived: readonly string[]) =>
        given.fromClient.some((target) => {
          const [protocol, , port] = target.split('/')
          return !arrived.some((seen) => seen.endsWith(` ${protocol} . ${port}`))
        })
      let arrived = await recorded('arrived')
      for (let tries = 0; missing(arrived) && tries < 100; tries++) {
        await sleep(100)
        arrived = await recorded('arrived')
      }
      const result = { arrived, sent: await recorded('sent'), listed: await marks.list() }
      await marks.close()
      return result
    },
    { rules, fromClient, fromDirector, wires, recorder, foreign },
  )
}

const ftp = { mark: 21, address: '192.168.1.11', protocol: 'tcp', ports: [21, '10000-20000'] } as const

test('ports of a list, and the ends of a range', async () => {
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

test('IPv6, single addresses and blocks', async () => {
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

test('a mask keeps the bits set by other rules', async () => {
  const foreignTable = `table inet foreign {
    chain c { type filter hook prerouting priority -160; meta mark set 0xabcd00ff; }
  }`
  const rules = [
    { ...ftp, mark: 0x1, mask: 0xf },
    { ...ftp, mark: 0x30, mask: '0xf0', ports: [21] },
    { ...ftp, mark: 0x5, ports: [80] },
  ]
  const targets = [21, 80, 81, 10000].map((port) => `tcp/192.168.1.11/${port}`)
  const { arrived } = await marksOf(rules, targets, [], foreignTable)
  expect(arrived.toSorted()).toEqual([
    '0x00000005 . tcp . 80', // without a mask: all bits
    '0xabcd0031 . tcp . 21', // one rule for each of two masks
    '0xabcd00f1 . tcp . 10000',
    '0xabcd00ff . tcp . 81',
  ])
})

test('rules with a source or an interface take precedence, in any order of adding', async () => {
  const web = { mark: 7, address: '192.168.1.11', protocol: 'tcp' } as const
  const rules = [
    { ...web, mark: 8, ports: [80], source: '10.0.0.0/24' },
    { ...web, mark: 9, ports: [81], source: '10.0.0.3-10.0.0.9' },
    { ...web, mark: 10, ports: [82], interface: 'wir*' },
    { ...web, mark: 11, ports: [83], interface: 'lo' },
    { ...web, ports: '79-90' },
  ]
  const targets = [79, 80, 81, 82, 83].map((port) => `tcp/192.168.1.11/${port}`)
  const { arrived } = await marksOf(rules, targets)
  expect(arrived.toSorted()).toEqual([
    '0x00000007 . tcp . 79',
    '0x00000007 . tcp . 81',
    '0x00000007 . tcp . 83',
    '0x00000008 . tcp . 80',
    '0x0000000a . tcp . 82',
  ])
})

test('all ports, all protocols, and counters', async () => {
  const rules = [
    { mark: 7, address: '192.168.1.11', protocol: 'all', counter: true },
    { mark: 8, address: '10.0.0.1', protocol: 'tcp', ports: 'all' },
    { mark: 9, address: '2001:db8::11', protocol: 'udp', ports: [53, 54], counter: true },
    { mark: 10, address: '2001:db8::11', protocol: 'udp', ports: ['60-70'], counter: true },
  ]
  const targets = ['tcp/192.168.1.11/1', 'udp/192.168.1.11/2', 'tcp/10.0.0.1/65535', 'udp/10.0.0.1/3']
  const counted = ['udp/2001:db8::11/53', 'udp/2001:db8::11/54', 'udp/2001:db8::11/54', 'udp/2001:db8::11/60']
  const { arrived, listed } = await marksOf(rules, [...targets, ...counted])
  expect(arrived).toEqual(
    expect.arrayContaining([
      '0x00000007 . tcp . 1',
      '0x00000007 . udp . 2',
      '0x00000008 . tcp . 65535',
      '0x00000000 . udp . 3',
    ]),
  )
  const packets = Object.fromEntries(listed.map(({ mark, packets: count, bytes }) => [mark, [count, bytes]]))
  // One byte each: 40 bytes of IPv6 header, 8 of UDP.
  expect(packets).toEqual({ 7: [2n, expect.any(BigInt)], 8: [undefined, undefined], 9: [3n, 147n], 10: [1n, 49n] })
})
