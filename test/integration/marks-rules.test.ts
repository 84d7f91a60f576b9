// Rules of every kind on a real kernel: nft's listing, our listing, and the export loaded by `nft -f`.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import type { Lab } from '../lab/client.ts'
import { connectKernel } from './kernel.ts'

let lab: Lab
beforeAll(async () => {
  lab = await connectKernel()
})
afterAll(() => lab.close())

const web = { mark: 7, address: '172.16.0.100', protocol: 'tcp', ports: [80, 443] } as const
const rules = [
  web,
  { mark: 8, address: '172.16.0.101', protocol: 'all', ports: 'all' },
  { mark: 9, address: '10.1.0.0/16', protocol: 'udp', ports: 'all', comment: 'every port' },
  {
    mark: 10,
    address: '172.16.0.102',
    protocol: 'tcp',
    ports: [80, '8000-8100'],
    counter: true,
    packets: 0n,
    bytes: 0n,
  },
  { mark: 11, address: '172.16.0.100', protocol: 'tcp', ports: [443], source: '10.0.0.0/8', interface: 'lo' },
  { mark: 12, address: '172.16.0.100', protocol: 'tcp', ports: [80], source: '192.0.2.5-192.0.2.77', comment: 'test' },
  { mark: 0x300, mask: 0xf00, address: '10.2.0.0/15', protocol: 'sctp', ports: ['5000-6000'], interface: 'eth*' },
  { mark: 0x40, mask: 0xf0, address: '10.9.9.9', protocol: 'all', ports: 'all', counter: true, packets: 0n, bytes: 0n },
  { mark: 13, address: '2001:db8::7', protocol: 'tcp', ports: 'all' },
  { mark: 14, address: '2001:db8::/32', protocol: 'udp', ports: [53], source: '2001:db8::/44' },
] as const
const nat = [
  { action: 'masquerade', source: '10.0.0.0/24', protocol: 'tcp', sourcePorts: [20] },
  { action: 'masquerade', source: '2001:db8::/64', protocol: 'all', sourcePorts: 'all', address: '2001:db9::/32' },
  { action: 'redirect', address: '172.16.0.100', protocol: 'tcp', ports: [80], toPort: 8080, comment: 'no VIP' },
  { action: 'redirect', address: '2001:db8::7', protocol: 'all', ports: 'all', counter: true, packets: 0n, bytes: 0n },
] as const

test('every kind of rule is listed unchanged, by another handle as well, and can be removed', async () => {
  const seen = await lab.run(
    async ({ ipvs: { FirewallMarks }, netns, sh }, given) => {
      const { name, path } = await netns()
      const marks = await FirewallMarks.open({ netns: path })
      await marks.add(given.rules)
      await marks.addNat(given.nat)
      const other = await FirewallMarks.open({ netns: path })
      const result = { listed: await other.list(), nat: await other.listNat(), text: '', left: [0, 0], table: '' }
      await other.add(given.rules) // all exist
      await other.remove(result.listed)
      await marks.removeNat(result.nat)
      result.left = [(await other.list()).length, (await marks.listNat()).length]
      result.table = await sh('nft list table inet ipvs', { netns: name })
      await marks.close()
      await other.close()
      return result
    },
    { rules, nat },
  )
  expect(seen.listed).toHaveLength(rules.length)
  expect(seen.listed).toEqual(expect.arrayContaining([...rules]))
  expect(seen.nat).toHaveLength(nat.length)
  expect(seen.nat).toEqual(expect.arrayContaining([...nat]))
  expect(seen.left).toEqual([0, 0])
  expect(seen.table).not.toMatch(/0x|masquerade|redirect/)
})

test('replace changes only what differs, marks and NAT separately', async () => {
  const seen = await lab.run(
    async ({ ipvs: { FirewallMarks }, netns }, given) => {
      const { path } = await netns()
      const marks = await FirewallMarks.open({ netns: path })
      await marks.replace(given.rules)
      await marks.replaceNat(given.nat)
      const changed = given.rules.slice(2).map((rule) => ({ ...rule, mark: rule.mark === 0x300 ? 0x200 : rule.mark }))
      await marks.replace(changed)
      const result = { changed, listed: await marks.list(), nat: (await marks.listNat()).length, after: 0, none: 0 }
      await marks.replaceNat([])
      result.after = (await marks.list()).length
      await marks.replace([])
      result.none = (await marks.list()).length
      await marks.close()
      return result
    },
    { rules, nat },
  )
  expect(seen.listed).toHaveLength(seen.changed.length)
  expect(seen.listed).toEqual(expect.arrayContaining(seen.changed))
  expect([seen.nat, seen.after, seen.none]).toEqual([nat.length, seen.changed.length, 0])
})

describe('export', () => {
  test('nft loads an equal table, and its export is equal again', async () => {
    const seen = await lab.run(
      async ({ ipvs: { FirewallMarks }, netns, run, sh }, given) => {
        const { name, path } = await netns()
        const marks = await FirewallMarks.open({ netns: path })
        const here = async (text: string) => sh(text, { netns: name })
        const load = async (input: string) => {
          const { status, stderr } = await run('nft', ['-f', '-'], { netns: name, input })
          return status === 0 ? '' : stderr
        }
        // nft 1.0.6 uses an expression for intervals that Linux 7 refuses: tests only exact rules there.
        const interval = `table inet probe {
          map ranges { type ipv4_addr . inet_proto . inet_service : mark; flags interval; }
          chain marks { meta mark set ip daddr . meta l4proto . th dport map @ranges; }
        }`
        const able = (await load(interval)) === ''
        await here('nft flush ruleset')
        const wanted = able
          ? given.rules
          : given.rules.filter(({ mark }) => [7, 11, 12, 0x300, 0x40, 14].includes(mark))
        const lines = async () =>
          (await here('nft list table inet ipvs'))
            .split(/[,\n}]+/)
            .map((line) => line.trim().replace(/^elements = \{ */, ''))
            .filter(Boolean)
            .toSorted()
        const empty = await marks.export()
        await marks.add(wanted)
        await marks.addNat(given.nat)
        const before = { lines: await lines(), listed: await marks.list(), nat: await marks.listNat() }
        const text = await marks.export()
        const problems = [await load(empty)]
        const gone = await marks.list()
        problems.push(await load(text), await load(text))
        const after = { lines: await lines(), listed: await marks.list(), nat: await marks.listNat() }
        const again = await marks.export()
        await marks.replace(wanted) // takes the rules over
        await marks.remove(wanted)
        const left = await marks.list()
        await marks.close()
        return { able, problems, gone, before, after, text, again, left }
      },
      { rules, nat },
    )
    if (!seen.able) console.log('this kernel refuses interval maps of this nft: tested without')
    expect(seen.problems).toEqual(['', '', ''])
    expect(seen.gone).toEqual([])
    expect(seen.after.lines).toEqual(seen.before.lines)
    expect(seen.after.listed).toEqual(expect.arrayContaining(seen.before.listed))
    expect(seen.after.listed).toHaveLength(seen.before.listed.length)
    expect(seen.after.nat).toEqual(seen.before.nat)
    expect(seen.again).toBe(seen.text)
    expect(seen.left).toEqual([])
  })
})

describe('marks of other tables', () => {
  test('are found in nft and iptables-nft rules, and not allocated', async () => {
    const seen = await lab.run(async ({ ipvs: { FirewallMarks, Ipvs }, netns, sh }) => {
      const { name, path } = await netns()
      const here = async (text: string) => sh(text, { netns: name })
      await here('ip link set lo up')
      await here('iptables-nft -t mangle -A PREROUTING -d 172.16.0.9 -p tcp --dport 80 -j MARK --set-mark 1')
      await here('iptables-nft -t mangle -A PREROUTING -d 172.16.0.9 -j MARK --or-mark 0x4000')
      await here('iptables-nft -t mangle -A PREROUTING -j CONNMARK --restore-mark')
      await here('iptables-legacy -t mangle -A PREROUTING -d 172.16.0.9 -j MARK --set-mark 99')
      await here(`nft 'table ip docker { map m { type ipv4_addr : mark; elements = { 10.0.0.1 : 2, 10.0.0.2 : 3 }; }
        chain c { type filter hook prerouting priority -150; ip daddr 10.0.0.9 meta mark set 4; meta mark set ip daddr map @m; }; }'`)
      await here(
        `nft 'table inet others { chain c { meta mark set ct mark; ct mark set meta mark; meta mark 77 accept; }; }'`,
      )
      const marks = await FirewallMarks.open({ netns: path })
      const ipvs = await Ipvs.open({ netns: path })
      await marks.add({ mark: 5, address: '172.16.0.100', protocol: 'tcp', ports: 80 })
      await ipvs.addService({ fwmark: 6 })
      await ipvs.addService({ fwmark: 7, family: 'ipv6' })
      const found = await marks.findMarks()
      const free = [
        await marks.allocateMark(),
        await marks.allocateMark(),
        await marks.allocateMark({ from: '0x4000' }),
      ]
      const refused = await marks.allocateMark({ from: 1, to: 9 }).then(
        () => undefined,
        (error: Error) => error.message,
      )
      await marks.close()
      await ipvs.close()
      return { found: found.map(({ handle: _handle, ...rest }) => rest), free, refused }
    })
    expect(seen.found).toHaveLength(7)
    expect(seen.found).toEqual(
      expect.arrayContaining([
        { mark: 1, family: 'ip', table: 'mangle', chain: 'PREROUTING' },
        { mark: 0x4000, mask: 0x4000, family: 'ip', table: 'mangle', chain: 'PREROUTING' },
        { family: 'ip', table: 'mangle', chain: 'PREROUTING' },
        { mark: 4, family: 'ip', table: 'docker', chain: 'c' },
        { mark: 2, family: 'ip', table: 'docker', chain: 'c', map: 'm' },
        { mark: 3, family: 'ip', table: 'docker', chain: 'c', map: 'm' },
        { family: 'inet', table: 'others', chain: 'c' },
      ]),
    )
    expect(seen.free).toEqual([8, 9, 0x8000])
    expect(seen.refused).toContain('options.to: all marks from 1 to 9 are in use')
  })
})
