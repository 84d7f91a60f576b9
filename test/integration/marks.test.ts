// The mark map on a real kernel, in nft's listing.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { connectLab, type Lab } from '../lab/client.ts'

let lab: Lab
beforeAll(async () => {
  lab = await connectLab()
})
afterAll(() => lab.close())

const web = { mark: 7, address: '172.16.0.100', protocol: 'tcp', ports: [80, 443] } as const
const ftp = { mark: 21, address: '192.168.1.11', protocol: 'tcp', ports: [21, '10000-20000'] } as const

describe('the listing of nft', () => {
  test('one lookup for the classic example, and its elements', async () => {
    const seen = await lab.run(async ({ ipvs: { FirewallMarks }, netns, sh }, rule) => {
      const { name, path } = await netns()
      const marks = await FirewallMarks.open({ netns: path })
      await marks.add({ ...rule, comment: 'the web' })
      const result = { table: await sh('nft list table inet ipvs', { netns: name }), listed: await marks.list() }
      await marks.close()
      return result
    }, web)
    expect(seen.listed).toEqual([{ ...web, comment: 'the web' }])
    expect(seen.table.match(/ map @/g)).toHaveLength(1)
    for (const line of [
      'type ipv4_addr . inet_proto . inet_service : mark',
      '172.16.0.100 . tcp . 80 comment "the web" : 0x00000007',
      '172.16.0.100 . tcp . 443 comment "the web" : 0x00000007',
      'meta mark set ip daddr . meta l4proto . th dport map @exact4',
      'type filter hook prerouting priority mangle; policy accept;',
      'type route hook output priority mangle; policy accept;',
    ]) {
      expect(seen.table).toContain(line)
    }
    expect(seen.table.match(/jump marks/g)).toHaveLength(2)
  })

  test('ranges and blocks are in separate maps, as is IPv6', async () => {
    const rules = [
      ftp,
      { ...web, address: '10.1.0.0/16' },
      { mark: 9, address: '2001:db8::7', protocol: 'udp', ports: [53] },
      { mark: 10, address: '2001:db8:1::/48', protocol: 'sctp', ports: ['1-65535'] },
    ] as const
    const seen = await lab.run(async ({ ipvs: { FirewallMarks }, netns, sh }, given) => {
      const { name, path } = await netns()
      const marks = await FirewallMarks.open({ netns: path })
      await marks.add(given)
      const map = (which: string) => sh(`nft list map inet ipvs ${which}`, { netns: name })
      const maps = [await map('exact4'), await map('ranges4'), await map('exact6'), await map('ranges6')]
      const result = { maps, listed: await marks.list() }
      await marks.close()
      return result
    }, rules)
    const [exact4, ranges4, exact6, ranges6] = seen.maps as [string, string, string, string]
    expect(exact4).toContain('192.168.1.11 . tcp . 21 : 0x00000015')
    expect(exact4).not.toContain('10000')
    expect(ranges4).toContain('flags interval')
    expect(ranges4).toContain('192.168.1.11 . tcp . 10000-20000 : 0x00000015')
    expect(ranges4).toContain('10.1.0.0/16 . tcp . 443 : 0x00000007')
    expect(exact6).toContain('2001:db8::7 . udp . 53 : 0x00000009')
    expect(ranges6).toContain('2001:db8:1::/48 . sctp . 1-65535 : 0x0000000a')
    expect(seen.listed).toEqual([rules[1], rules[0], rules[2], rules[3]])
  })

  test('flush removes only the table', async () => {
    const seen = await lab.run(
      async ({ ipvs: { FirewallMarks }, netns, sh }, given) => {
        const { name, path } = await netns()
        const foreign = `table inet filter {
          set blocked { type ipv4_addr; flags interval; elements = { 10.0.0.0/8 } }
          map exact4 { type ipv4_addr . inet_proto . inet_service : mark; elements = { 1.1.1.1 . tcp . 80 : 5 } }
          chain input { type filter hook input priority 0; ip saddr @blocked counter drop; }
        }`
        await sh('nft -f -', { netns: name, input: foreign })
        const list = () => sh('nft list ruleset', { netns: name })
        const before = await list()
        const marks = await FirewallMarks.open({ netns: path })
        const empty = await marks.list()
        await marks.flush()
        await marks.add([given.web, given.ftp])
        const between = await list()
        await marks.flush()
        const after = await list()
        await marks.flush()
        await marks.add(given.web)
        const result = { before, empty, between, after, listed: await marks.list() }
        await marks.close()
        return result
      },
      { web, ftp },
    )
    expect(seen.empty).toEqual([])
    expect(seen.between).toContain('table inet ipvs')
    expect(seen.after).toBe(seen.before)
    expect(seen.listed).toEqual([web])
  })
})

describe('changes', () => {
  test('adding existing rules sends no transaction', async () => {
    const seen = await lab.run(async ({ ipvs: { FirewallMarks }, import: load, netns }, rule) => {
      const { path } = await netns()
      const { binding } = await load<typeof import('../../lib/binding/addon.ts')>('./dist/binding/addon.js')
      const session = new binding.MarksSession({ netns: new binding.Namespace(path), table: 'ipvs' })
      const generation = async () => (await session.list({ id: 1, timeoutMs: 5000 })).generation
      const one = await FirewallMarks.open({ netns: path })
      const two = await FirewallMarks.open({ netns: path })
      await one.add(rule)
      const before = await generation()
      await one.add(rule)
      await two.add([rule, { ...rule, comment: 'other' }])
      await two.replace([rule])
      const after = await generation()
      const listed = await two.list()
      await Promise.all([one.close(), two.close(), session.close()])
      return { before, after, listed }
    }, web)
    expect(seen.after).toBe(seen.before)
    expect(seen.listed).toEqual([web])
  })

  test('overlaps are refused, naming both rules', async () => {
    const error = await lab.run(async ({ ipvs: { FirewallMarks, IpvsError }, netns }, rule) => {
      const { path } = await netns()
      const marks = await FirewallMarks.open({ netns: path })
      await marks.add(rule)
      try {
        await marks.add({ ...rule, mark: 8, address: '172.16.0.0/16', ports: ['400-500'] })
      } catch (thrown) {
        if (!(thrown instanceof IpvsError)) throw thrown
        return { code: thrown.code, message: thrown.message, rules: await marks.list() }
      } finally {
        await marks.close()
      }
      throw new Error('accepted')
    }, web)
    expect(error.code).toBe('ERR_IPVS_INVALID_ARGUMENT')
    expect(error.message).toContain('"tcp 172.16.0.0/16 ports 400-500 -> mark 8" overlaps the existing')
    expect(error.message).toContain('"tcp 172.16.0.100 ports 80, 443 -> mark 7" in port 443')
    expect(error.rules).toEqual([web])
  })

  test('replace: changed marks, shorter and longer ranges, in one transaction', async () => {
    const states = [
      [ftp, web],
      [
        { ...ftp, ports: [21, '10000-15000'] },
        { ...web, mark: 8 },
      ],
      [
        { ...ftp, ports: [21, '9000-20000'] },
        { ...web, address: '172.16.0.0/24' },
      ],
      [{ ...ftp, mark: 22, ports: [21, '9000-20000'] }],
      [],
      [ftp],
    ] as const
    const seen = await lab.run(async ({ ipvs: { FirewallMarks }, netns }, given) => {
      const { path } = await netns()
      const marks = await FirewallMarks.open({ netns: path })
      const listed = []
      for (const rules of given) {
        await marks.replace(rules)
        listed.push(await marks.list())
      }
      await marks.close()
      return listed
    }, states)
    for (const [index, state] of states.entries()) {
      expect(seen[index]).toHaveLength(state.length)
      expect(seen[index]).toEqual(expect.arrayContaining([...state]))
    }
  })

  test('20000 elements in one transaction', async () => {
    const seen = await lab.run(async ({ ipvs: { FirewallMarks }, netns }, rule) => {
      const { path } = await netns()
      const marks = await FirewallMarks.open({ netns: path, timeoutMs: 60_000 })
      const rules = Array.from({ length: 10_000 }, (_, index) => ({
        ...rule,
        mark: index + 1,
        address: `10.1.${index >> 8}.${index & 255}`,
      }))
      const times: Record<string, number> = {}
      const timed = async <Result>(name: string, work: Promise<Result>): Promise<Result> => {
        const begin = performance.now()
        const result = await work
        times[name] = Math.round(performance.now() - begin)
        return result
      }
      await timed('add', marks.add(rules))
      const listed = await timed('list', marks.list())
      await timed('add one', marks.add({ ...rule, address: '10.9.9.9' }))
      await timed('remove', marks.remove(rules))
      const result = { times, same: JSON.stringify(listed) === JSON.stringify(rules), rest: await marks.list() }
      await marks.close()
      return result
    }, web)
    console.log(`Linux ${lab.kernel.release}, 10000 rules with 2 ports each, milliseconds:`, seen.times)
    expect(seen.same).toBe(true)
    expect(seen.rest).toEqual([{ ...web, address: '10.9.9.9' }])
  })
})

describe('failures', () => {
  test('without CAP_NET_ADMIN', async () => {
    const { stdout } = await lab.run(async ({ run, root }) => {
      const code = `import { FirewallMarks } from 'ipvs'
        const { code, errno, message } = await FirewallMarks.open().catch((error) => error)
        console.log(JSON.stringify({ code, errno, message }))`
      const args = [
        '--reuid',
        '65534',
        '--regid',
        '65534',
        '--clear-groups',
        process.execPath,
        '--input-type=module',
        '-e',
        code,
      ]
      return run('setpriv', args, { cwd: root })
    })
    const error = JSON.parse(stdout) as Record<string, unknown>
    expect(error).toMatchObject({ code: 'ERR_IPVS_PERMISSION_DENIED', errno: 1 })
    expect(error['message']).toContain('CAP_NET_ADMIN in the user namespace that owns the network namespace')
  })
})
