// Chains changed by other programs: packets have no marks, status() reports it, and replace(), add() and repair() restore them.
import { afterAll, beforeAll, expect, test } from 'vitest'

import type { MarkRule, MarksStatus } from '../../lib/index.ts'
import { connectLab, type Lab } from '../lab/client.ts'

let lab: Lab
beforeAll(async () => {
  lab = await connectLab()
})
afterAll(() => lab.close())

const vip = '192.168.1.11'
const rules: readonly MarkRule[] = [
  { mark: 7, address: vip, protocol: 'udp', ports: [8080] },
  { mark: 8, address: vip, protocol: 'udp', ports: ['9000-9010'] },
]

const hooks = ['prerouting', 'output']
const deletion = (chain: string): string => `nft 'flush chain inet ipvs ${chain}; delete chain inet ipvs ${chain}'`

type Mending = 'replace' | 'add' | 'repair'
const breakages: Readonly<Record<string, readonly [command: string, Mending, kinds: readonly string[]]>> = {
  'the table is flushed': ['nft flush table inet ipvs', 'replace', ['missing']],
  'the table is dormant': [`nft 'add table inet ipvs { flags dormant; }'`, 'repair', ['dormant']],
  'the table is dormant, and a chain is missing': [
    `${deletion('prerouting')}; nft 'add table inet ipvs { flags dormant; }'`,
    'replace',
    ['dormant', 'missing'],
  ],
  'the lookup chain is flushed': ['nft flush chain inet ipvs marks', 'add', ['missing']],
  'hooks are deleted': [hooks.map(deletion).join('; '), 'repair', ['missing']],
  'all chains are deleted': [[...hooks, 'marks'].map(deletion).join('; '), 'replace', ['missing']],
  'jumps are removed': ['nft flush chain inet ipvs prerouting', 'replace', ['missing']],
}

interface Seen {
  readonly before: string[]
  readonly broken: string[]
  readonly listed: number
  readonly found: MarksStatus
  readonly after: string[]
  readonly mended: MarksStatus
}

test.each(Object.entries(breakages))('%s', async (_name, [command, mending, kinds]) => {
  const seen = await lab.run(
    async ({ ipvs: { FirewallMarks }, netns, sh, sleep }, given): Promise<Seen> => {
      const [client, director] = [await netns(), await netns()]
      await sh(`
        ip link add wire netns ${client.name} type veth peer name wire netns ${director.name}
        ip -n ${client.name} addr add 10.0.0.2/24 dev wire
        ip -n ${client.name} link set wire up
        ip -n ${client.name} route add default via 10.0.0.1
        ip -n ${director.name} addr add 10.0.0.1/24 dev wire
        ip -n ${director.name} link set wire up
        ip -n ${director.name} addr add ${given.vip}/32 dev lo
      `)
      const recorder = `table inet recorder {
        set seen { type mark . inet_service; flags dynamic; size 100; }
        chain seen { type filter hook input priority 0; udp dport { 8080, 9005, 9999 } add @seen { meta mark . udp dport }; }
      }`
      await sh('nft -f -', { netns: director, input: recorder })
      // Marks of packets to a single port, to a port in a range, and to a port without a rule, which comes last.
      const packets = async () => {
        await sh('nft flush set inet recorder seen', { netns: director })
        const send = `for port in 8080 9005 9999; do echo > /dev/udp/${given.vip}/$port; done 2>&1 || true`
        for (let tries = 0; ; tries++) {
          await sh('exec bash', { netns: client, input: send })
          const text = await sh('nft list set inet recorder seen', { netns: director })
          const found = text.match(/0x[0-9a-f]+ \. \d+/g) ?? []
          if (found.some((one) => one.endsWith('9999')) || tries === 50) return found.toSorted()
          await sleep(100)
        }
      }
      const marks = await FirewallMarks.open({ netns: director.path, timeoutMs: 60_000 })
      await marks.replace(given.rules)
      const before = await packets()
      await sh(given.command, { netns: director })
      const broken = await packets()
      const [listed, found] = [(await marks.list()).length, await marks.status()]
      if (given.mending === 'repair') await marks.repair()
      else await marks[given.mending](given.rules)
      const result = { before, broken, listed, found, after: await packets(), mended: await marks.status() }
      await marks.close()
      return result
    },
    { vip, rules, command, mending },
  )
  const marked = ['0x00000000 . 9999', '0x00000007 . 8080', '0x00000008 . 9005']
  expect(seen.before).toEqual(marked)
  expect(seen.broken).toEqual(['0x00000000 . 8080', '0x00000000 . 9005', '0x00000000 . 9999'])
  expect(seen.listed).toBe(2)
  expect(seen.found.inEffect).toBe(false)
  expect([...new Set(seen.found.problems.map(({ kind }) => kind))].toSorted()).toEqual(kinds)
  expect(seen.after).toEqual(marked)
  expect(seen.mended).toEqual({ inEffect: true, problems: [] })
})
