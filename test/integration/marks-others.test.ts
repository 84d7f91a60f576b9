// The mark map under concurrent changes of the ruleset: by nft, by other handles, in other tables.
import { afterAll, beforeAll, expect, test } from 'vitest'

import { connectLab, type Lab } from '../lab/client.ts'

let lab: Lab
beforeAll(async () => {
  lab = await connectLab()
})
afterAll(() => lab.close())

const web = { mark: 7, address: '172.16.0.100', protocol: 'tcp', ports: [80, 443] } as const
const ftp = { mark: 21, address: '192.168.1.11', protocol: 'tcp', ports: [21, '10000-20000'] } as const

test('elements added by nft are listed, can be removed, and can become ours', async () => {
  const seen = await lab.run(
    async ({ ipvs: { FirewallMarks }, netns, sh }, given) => {
      const { name, path } = await netns()
      const nft = (text: string) => sh(`nft '${text}'`, { netns: name })
      const marks = await FirewallMarks.open({ netns: path })
      await marks.add(given.ftp)
      await nft('add element inet ipvs exact4 { 172.16.0.100 . tcp . 80 comment "by hand" : 7 }')
      await nft('add element inet ipvs exact4 { 172.16.0.100 . tcp . 443 : 7 }')
      await nft('add element inet ipvs ranges4 { 10.0.0.0/24 . udp . 5000-5100 : 9 }')
      const foreign = await marks.list()
      await marks.remove({ mark: 9, address: '10.0.0.0/24', protocol: 'udp', ports: ['5000-5100'] })
      await marks.add(given.web)
      const result = { foreign, ours: await marks.list() }
      await marks.close()
      return result
    },
    { web, ftp },
  )
  expect(seen.foreign).toEqual([
    { mark: 9, address: '10.0.0.0/24', protocol: 'udp', ports: ['5000-5100'] },
    { ...web, ports: [80], comment: 'by hand' },
    { ...web, ports: [443] },
    ftp,
  ])
  expect(seen.ours).toEqual([web, ftp])
})

test('nft loads its own listing, instead of the table and on top of it', async () => {
  const rules = [web, { ...ftp, comment: 'passive FTP' }, { ...web, address: '2001:db8::/32' }] as const
  // nft 1.0.6 uses an expression for such rules that Linux 7 refuses; later versions do not.
  const ofNft = `table inet probe {
    map ranges { type ipv4_addr . inet_proto . inet_service : mark; flags interval; }
    chain marks { meta mark set ip daddr . meta l4proto . th dport map @ranges; }
  }`
  const seen = await lab.run(
    async ({ ipvs: { FirewallMarks }, netns, run, sh }, given) => {
      const { name, path } = await netns()
      const here = async (text: string) => sh(text, { netns: name })
      const able = (await run('nft', ['-f', '-'], { netns: name, input: given.ofNft })).status === 0
      await here('nft flush ruleset')
      const wanted = able ? given.rules : given.rules.slice(0, 1)
      const lines = async () =>
        (await here('nft list ruleset'))
          .split(/[,\s}]+/)
          .toSorted()
          .join(' ')
      const marks = await FirewallMarks.open({ netns: path })
      await marks.add(wanted)
      const before = await lines()
      await here('nft list ruleset > /run/saved.nft; nft -f /run/saved.nft')
      await here('nft delete table inet ipvs; nft -f /run/saved.nft')
      const after = await lines()
      await marks.add(wanted) // works on the restored table as well
      const listed = await marks.list()
      await marks.remove(wanted)
      const result = { before, after, wanted, listed, rest: await marks.list() }
      await marks.close()
      return result
    },
    { rules, ofNft },
  )
  expect(seen.after).toBe(seen.before)
  expect(seen.listed).toEqual(seen.wanted)
  expect(seen.rest).toEqual([])
})

test('chains and jumps removed by others are restored', async () => {
  const seen = await lab.run(
    async ({ ipvs: { FirewallMarks }, netns, sh }, given) => {
      const { name, path } = await netns()
      const nft = (text: string) => sh(`nft ${text}`, { netns: name })
      const marks = await FirewallMarks.open({ netns: path })
      await marks.add([given.web, given.ftp])
      const before = await nft('list table inet ipvs')
      await nft('flush chain inet ipvs marks')
      await nft('flush chain inet ipvs output')
      await marks.add(given.web) // exists, but is not in effect
      const after = await nft('list table inet ipvs')
      await nft('flush ruleset')
      await marks.add(given.web)
      const result = { before, after, listed: await marks.list() }
      await marks.close()
      return result
    },
    { web, ftp },
  )
  expect(seen.after).toBe(seen.before)
  expect(seen.listed).toEqual([web])
})

test('concurrent changes by several handles and nft', async () => {
  const seen = await lab.run(async ({ ipvs: { FirewallMarks }, netns, start }, rule) => {
    const { name, path } = await netns()
    const busy = start('sh', ['-c', 'while nft add table inet busy; do nft delete table inet busy; done'], {
      netns: name,
    })
    const handles = await Promise.all([1, 2, 3].map(async () => FirewallMarks.open({ netns: path })))
    const work = handles.flatMap((handle, number) =>
      Array.from({ length: 10 }, async (_, index) =>
        handle.add({ ...rule, mark: 100 * number + index + 1, address: `10.0.${number}.${index}` }),
      ),
    )
    const results = await Promise.allSettled(work)
    await busy.stop()
    const listed = await handles[0]?.list()
    await Promise.all(handles.map(async (handle) => handle.close()))
    const failed = results.flatMap((result) => (result.status === 'rejected' ? [String(result.reason)] : []))
    return { count: listed?.length, failed }
  }, web)
  expect(seen).toEqual({ count: 30, failed: [] })
})

test('an unknown element in the table', async () => {
  const error = await lab.run(async ({ ipvs: { FirewallMarks, IpvsError }, netns, sh }, rule) => {
    const { name, path } = await netns()
    const marks = await FirewallMarks.open({ netns: path })
    await marks.add(rule)
    await sh(`nft 'add element inet ipvs ranges4 { 10.0.0.1 . 6-17 . 80 : 9 }'`, { netns: name })
    const thrown: unknown = await marks.list().catch((problem: unknown) => problem)
    await marks.flush()
    if (!(thrown instanceof IpvsError)) throw new Error('listed')
    const result = { code: thrown.code, attribute: thrown.attribute, message: thrown.message, rest: await marks.list() }
    await marks.close()
    return result
  }, ftp)
  expect(error).toMatchObject({ code: 'ERR_IPVS_INVALID_ARGUMENT', attribute: 'options.table', rest: [] })
  expect(error.message).toContain('map ranges4 has an element for protocol 0 or a range of protocols')
})

test('a foreign table', async () => {
  const error = await lab.run(async ({ ipvs: { FirewallMarks, IpvsError }, netns, sh }, rule) => {
    const { name, path } = await netns()
    await sh(`nft 'add table inet theirs; add chain inet theirs output { type filter hook output priority 0; }'`, {
      netns: name,
    })
    const before = await sh('nft list ruleset', { netns: name })
    const marks = await FirewallMarks.open({ netns: path, table: 'theirs' })
    const thrown: unknown = await marks.add(rule).catch((problem: unknown) => problem)
    if (!(thrown instanceof IpvsError)) throw new Error('added')
    const same = before === (await sh('nft list ruleset', { netns: name }))
    const result = { code: thrown.code, attribute: thrown.attribute, message: thrown.message, same }
    await marks.close()
    return result
  }, web)
  expect(error).toMatchObject({ code: 'ERR_IPVS_INVALID_ARGUMENT', attribute: 'options.table', same: true })
  expect(error.message).toContain(
    'chain output is not of type route at hook output, priority mangle; choose another table',
  )
})
