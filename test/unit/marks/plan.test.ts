import { describe, expect, test, vi } from 'vitest'

import { MarkElement, elementsOf, ruleOf } from '../../../lib/marks/mark-element.ts'
import { findOverlap } from '../../../lib/marks/overlap.ts'
import { planAdd, planChange, planReplace, desiredRules } from '../../../lib/marks/plan.ts'
import { describeRule } from '../../../lib/marks/checked-rule.ts'
import { listedRule, type MarkRule } from '../../../lib/marks/mark-rule.ts'
import { groupRules, type MarkChange, type MarkTable } from '../../../lib/marks/mark-table.ts'
import { parseNatRule } from '../../../lib/marks/nat-rule.ts'
import { runAtOnce, runWithPauses } from '../../../lib/values/pauses.ts'
import { randomSource } from '../support/random.ts'
import {
  add,
  change,
  desired,
  foreign,
  ftp,
  parse,
  pauses,
  refusal,
  remove,
  replace,
  tableOf,
  texts,
  web,
} from './plans.ts'

vi.mock('../../../lib/binding/addon.ts', () => import('../support/fake-binding.ts'))

const changeOf = async (table: MarkTable, goes: MarkRule[], comes: MarkRule[]) =>
  planChange(table, await desired(goes), await desired(comes), pauses)

describe('add', () => {
  test('to an empty table', async () => {
    expect(change(await add(tableOf(), web))).toEqual({
      removed: [],
      added: ['tcp 172.16.0.100 port 80 -> mark 7', 'tcp 172.16.0.100 port 443 -> mark 7'],
    })
  })

  test('rules that exist need no change', async () => {
    expect(change(await add(tableOf(web), web, { ...web, comment: 'other' }, web))).toEqual({ removed: [], added: [] })
  })

  test('replaces elements that nft added for the same rule', async () => {
    const result = await add(tableOf(foreign(web)), web)
    expect(texts(result.removed)).toEqual(texts(result.added))
    expect(result.added).toHaveLength(2)
    expect(result.added.every(({ rule }) => rule !== 0n)).toBe(true)
  })

  test('repairs a rule that lost a part', async () => {
    const [first] = elementsOf(parse(web))
    expect(change(await add(tableOf([first as MarkElement]), web))).toEqual({
      removed: [],
      added: ['tcp 172.16.0.100 port 443 -> mark 7'],
    })
    expect((await add(tableOf([first as MarkElement]), { ...web, ports: [80] })).added).toHaveLength(1)
  })

  test.each<[string, MarkRule, string]>([
    ['another mark', { ...web, mark: 8 }, 'port 80'],
    ['more', { ...web, ports: [80, 443, 8080] }, 'port 80'],
    ['a range of ports', { ...web, ports: ['100-500'] }, 'port 443'],
    ['a block around it', { ...web, address: '172.16.0.0/16', ports: ['1-65535'] }, 'port 80'],
  ])('refuses an overlap: %s', async (_name, rule, ports) => {
    const error = await refusal(add(tableOf(ftp, web), rule))
    expect(error.field).toBe('rules[0]')
    expect(error.message).toContain(`"${describeRule(parse(rule))}" overlaps the existing`)
    expect(error.message).toContain(`"tcp 172.16.0.100 ports 80, 443 -> mark 7" in ${ports}`)
    expect(error.message).toMatch(/remove that rule first.*replace\(\)/)
  })

  test.each<[string, MarkRule, MarkRule]>([
    ['a port of several', web, { ...web, ports: 80 }],
    ['a port of a range', ftp, { ...ftp, ports: [21, 10_005] }],
    ['a range in a range', ftp, { ...ftp, ports: '10000-10005' }],
    ['ports of all ports', { ...web, ports: 'all' }, { ...web, ports: [80, '100-200'] }],
    ['a source', { ...ftp, source: '10.0.0.0/8' }, { ...ftp, source: '10.0.0.0/8', ports: [21, '11000-11001'] }],
  ])('a rule with the same mark and more ports exists: %s', async (_name, there, fewer) => {
    expect(await add(tableOf(there), fewer)).toEqual({ removed: [], added: [] })
    expect((await refusal(add(tableOf(there), { ...fewer, mark: 8 }))).message).toContain('overlaps the existing')
    const second = { ...web, address: '172.16.0.200' }
    expect((await add(tableOf(there), second, fewer)).added).toHaveLength(2)
  })

  test('fewer ports by two rules, and with a counter, are no overlap either', async () => {
    const [first, second] = [
      { ...ftp, ports: '10000-10009' },
      { ...ftp, ports: '10020-10029' },
    ] as const
    const both: MarkRule = { ...ftp, ports: ['10001-10002', '10021-10022'], counter: true }
    expect((await add(tableOf(first, second), both)).added).toEqual([])
    await refusal(add(tableOf(first, second), { ...ftp, ports: '10005-10025' }))
  })

  test('refuses arguments that overlap, naming both', async () => {
    const error = await refusal(add(tableOf(), ftp, web, { ...web, mark: 8, ports: [443, 444] }))
    expect(error.message).toMatch(/\(rules\[[12]\]\) in port 443; a packet gets only one mark/)
  })

  test('neighbours do not overlap', async () => {
    const table = tableOf(web)
    const others = [
      { ...web, protocol: 'udp' },
      { ...web, ports: ['1-79', '81-442', '444-65535'] },
      { ...web, address: '172.16.0.101-172.16.0.200', ports: ['1-65535'] },
      { ...web, address: '::/0' },
    ] as const
    expect((await add(table, ...others)).added).toHaveLength(2 + 3 + 1 + 2)
  })
})

const redirect = (toPort: number, ports: number | string = 80) =>
  parseNatRule({ action: 'redirect', address: '172.16.0.100', protocol: 'tcp', ports, toPort }, 'rule')

describe('rule elements', () => {
  const special = { ...web, source: '10.0.0.0/8' } as const
  const masked = { ...web, mask: 0xff } as const

  test.each<[string, MarkRule, MarkRule]>([
    ['a source prevails over none', web, { ...special, mark: 8 }],
    ['an interface prevails over none', web, { ...web, mark: 8, interface: 'eth0' }],
    ['other sources', special, { ...special, mark: 8, source: '11.0.0.0/8' }],
    ['other interfaces', { ...web, interface: 'eth*' }, { ...web, mark: 8, interface: 'lo' }],
    ['other ports', special, { ...special, mark: 8, ports: [81] }],
    ['other protocols', special, { ...special, mark: 8, protocol: 'udp' }],
    ['masks without a bit in common', masked, { ...web, mark: 0x100, mask: 0x100 }],
    ['all protocols of another address', web, { mark: 8, address: '172.16.0.101', protocol: 'all' }],
  ])('%s', async (_name, one, other) => {
    expect((await add(tableOf(one), other)).added.length).toBeGreaterThan(0)
    expect((await add(tableOf(other), one)).added.length).toBeGreaterThan(0)
    expect((await add(tableOf(), one, other)).added.length).toBeGreaterThan(1)
  })

  test.each<[string, MarkRule, MarkRule]>([
    ['the same source', special, { ...special, mark: 8 }],
    ['a part of the source', special, { ...special, mark: 8, source: '10.1.2.3' }],
    ['a source and an interface', special, { ...web, mark: 8, interface: 'eth0' }],
    ['interfaces that begin alike', { ...web, interface: 'eth*' }, { ...web, mark: 8, interface: 'eth0' }],
    ['open names that begin alike', { ...web, interface: 'eth*' }, { ...web, mark: 8, interface: 'e*' }],
    ['a mask and none', web, { ...masked, mark: 8 }],
    ['masks with a bit in common', masked, { ...web, mark: 0x80, mask: 0x180 }],
    ['all ports', web, { ...web, mark: 8, ports: 'all' }],
    ['all protocols', web, { mark: 8, address: '172.16.0.0/16', protocol: 'all' }],
    [
      'all protocols twice',
      { ...web, protocol: 'all', ports: 'all' },
      { mark: 8, address: '172.16.0.0/16', protocol: 'all' },
    ],
  ])('refuses an overlap: %s', async (_name, one, other) => {
    expect((await refusal(add(tableOf(one), other))).message).toMatch(/overlaps the existing/)
    expect((await refusal(add(tableOf(other), one))).message).toMatch(/overlaps the existing/)
    expect((await refusal(add(tableOf(), one, other))).message).toMatch(/\(rules\[[01]\]\)/)
    expect((await refusal(replace(tableOf(), one, other))).message).toMatch(/overlaps/)
  })

  test('exist already, with any comment and counter', async () => {
    const host: MarkRule = { mark: 7, address: '11.0.0.0/8', protocol: 'all' }
    const same: MarkRule[] = [special, { ...masked, address: '10.9.9.9' }, host]
    const others = same.map((rule) => ({ ...rule, comment: 'new', counter: true }))
    const table = tableOf(...same)
    expect((await add(table, ...others)).added).toEqual([])
    expect((await remove(table, ...others)).removed).toHaveLength(5)
    const replaced = await replace(table, ...others)
    expect([replaced.removed.length, replaced.added.length]).toEqual([5, 5])
    expect((await replace(table, ...same)).added).toEqual([])
  })

  test('mark rules and NAT rules do not affect each other', async () => {
    const masquerade = parseNatRule(
      { action: 'masquerade', source: '10.0.0.0/24', protocol: 'tcp', sourcePorts: 20 },
      'rule',
    )
    const nat = async (...rules: (typeof masquerade)[]) => desiredRules(rules, pauses)
    const table = tableOf(web, elementsOf(masquerade), elementsOf(redirect(8080)))
    expect(texts((await planReplace('nat', table, await nat(), pauses)).removed)).toEqual([
      'tcp source port 20 from 10.0.0.0/24 -> masquerade',
      'tcp 172.16.0.100 port 80 -> redirect to port 8080',
    ])
    expect((await replace(table)).removed).toHaveLength(2)
    expect((await planAdd(table, await nat(masquerade, redirect(8080)), pauses)).added).toEqual([])
    const error = await refusal(planAdd(table, await nat(redirect(8081, '79-81')), pauses))
    expect(error.message).toContain(
      'overlaps the existing "tcp 172.16.0.100 port 80 -> redirect to port 8080" in port 80',
    )
  })
})

describe('change', () => {
  test('removes and adds from one table', async () => {
    const other = { ...web, mark: 8 }
    expect(change(await changeOf(tableOf(web, ftp), [web], [other]))).toEqual({
      removed: [80, 443].map((port) => `tcp 172.16.0.100 port ${port} -> mark 7`),
      added: [80, 443].map((port) => `tcp 172.16.0.100 port ${port} -> mark 8`),
    })
    expect((await changeOf(tableOf(web), [web], [{ ...web, ports: [443, '1000-2000'] }])).added).toHaveLength(2)
    expect((await changeOf(tableOf(web), [web], [{ ...web, comment: 'new' }])).added).toHaveLength(2)
  })

  test('refuses rules that do not exist, and overlaps with rules that stay', async () => {
    const absent = await refusal(changeOf(tableOf(web), [ftp], []))
    expect(absent.message).toContain('there is no rule')
    const overlap = await refusal(changeOf(tableOf(web, ftp), [ftp], [{ ...web, mark: 8 }]))
    expect(overlap.message).toContain('overlaps the existing')
  })
})

describe('remove', () => {
  test('a rule as a whole', async () => {
    const { removed, added } = await remove(tableOf(ftp, web), { ...web, ports: [443, 80], comment: 'any' })
    expect(texts(removed)).toEqual(['tcp 172.16.0.100 port 80 -> mark 7', 'tcp 172.16.0.100 port 443 -> mark 7'])
    expect(added).toEqual([])
  })

  test('elements that nft added, and the rest of a rule', async () => {
    expect((await remove(tableOf(foreign(web)), web)).removed).toHaveLength(2)
    const [first] = elementsOf(parse(web))
    expect((await remove(tableOf([first as MarkElement]), { ...web, ports: 80 })).removed).toHaveLength(1)
  })

  test.each<[string, MarkRule, RegExp]>([
    ['a part of a rule', { ...web, ports: 80 }, /the table has "tcp 172\.16\.0\.100 ports 80, 443 -> mark 7"/],
    ['another mark', { ...web, mark: 8 }, /the table has "tcp 172\.16\.0\.100 ports 80, 443 -> mark 7"/],
    ['another address', { ...web, address: '10.0.0.1' }, /the table has no rule for this address and protocol/],
    ['another protocol', { ...web, protocol: 'udp' }, /the table has no rule/],
  ])('refuses %s, and names the existing rules', async (_name, rule, text) => {
    const error = await refusal(remove(tableOf(web), rule))
    expect(error.message).toContain(`there is no rule "${describeRule(parse(rule))}"`)
    expect(error.message).toMatch(text)
  })
})

describe('replace', () => {
  test('changes different rules only', async () => {
    const table = tableOf(web, ftp)
    expect(change(await replace(table, ftp, web))).toEqual({ removed: [], added: [] })
    expect(change(await replace(table, web, { ...ftp, ports: [21, '10000-15000'] }))).toEqual({
      removed: ['tcp 192.168.1.11 port 21 -> mark 21', 'tcp 192.168.1.11 ports 10000-20000 -> mark 21'],
      added: ['tcp 192.168.1.11 port 21 -> mark 21', 'tcp 192.168.1.11 ports 10000-15000 -> mark 21'],
    })
    expect((await replace(table)).removed).toHaveLength(4)
    expect((await replace(table, ftp, { ...web, comment: 'new' })).added).toHaveLength(2)
  })

  test('replaces or removes elements of other programs', async () => {
    const table = tableOf(foreign(web), foreign(ftp))
    const { removed, added } = await replace(table, web)
    expect([removed.length, added.length]).toEqual([4, 2])
  })
})

test('a table groups elements to rules', () => {
  const table = tableOf(web, foreign(ftp))
  const sorted = [...table.elements()].toSorted((left, right) => (left.key < right.key ? -1 : 1))
  const rules = [...groupRules(sorted)].map((elements) => listedRule(ruleOf(elements)))
  expect(rules).toEqual([web, ftp])
  const [first] = elementsOf(parse(web)) as [MarkElement]
  table.commit({ removed: [first], added: elementsOf(parse({ ...web, mark: 9, ports: 90 })) }, 6)
  expect(table.generation).toBe(6)
  expect(table.get(first.key)).toBeUndefined()
  expect([...table.elements()]).toHaveLength(4)
})

const overlaps = (left: MarkElement, right: MarkElement) =>
  left.protocol === right.protocol &&
  left.from <= right.to &&
  right.from <= left.to &&
  left.portFrom <= right.portTo &&
  right.portFrom <= left.portTo

test('elements of other programs form one rule if the rule has the same meaning', () => {
  const counted = foreign(web).map(({ key, mark }) => new MarkElement(key, mark, 0n, '', { packets: 1n, bytes: 60n }))
  const elements = [
    ...counted,
    ...foreign({ ...web, address: '172.16.0.101', comment: 'a' }),
    ...foreign({ ...web, address: '172.16.0.102', ports: ['1-100'] }),
    ...foreign({ ...web, address: '172.16.0.102', ports: [80, 443] }),
  ]
  const sorted = elements.toSorted((left, right) => (left.key < right.key ? -1 : 1))
  const rules = [...groupRules(sorted)].map((group) => listedRule(ruleOf(group)))
  expect(rules).toEqual([
    { ...web, counter: true, packets: 2n, bytes: 120n },
    { ...web, address: '172.16.0.101', comment: 'a' },
    { ...web, address: '172.16.0.102', ports: ['1-100'] },
    { ...web, address: '172.16.0.102' }, // 80 is in the range: it cannot be of one rule with it
  ])
})

// Addresses 10.0.0.1 to 10.0.0.12, ports 1 to 12: crowded.
const randomElements = (random: () => number, count: number) =>
  Array.from({ length: count }, () => {
    const start = 1 + (random() % 12)
    const port = 1 + (random() % 12)
    const address = `10.0.0.${start}-10.0.0.${Math.min(12, start + (random() % 3))}`
    const ports = `${port}-${Math.min(12, port + (random() % 2))}` as const
    return elementsOf(parse({ mark: 1, address, protocol: random() % 2 ? 'tcp' : 'udp', ports }))[0] as MarkElement
  })

// Single ports of single addresses, and now and then another element beside them.
const mostlyExact = (random: () => number, count: number, others: number) =>
  Array.from({ length: count }, () => {
    const [address, port] = [`10.0.0.${1 + (random() % 6)}`, 1 + (random() % 6)]
    const ports = random() % 100 < others ? (['all', `${port}-9`] as const)[random() % 2] : port
    return elementsOf(parse({ mark: 1, address, protocol: random() % 2 ? 'tcp' : 'udp', ports }))[0] as MarkElement
  })

const outcome = (plan: Promise<MarkChange>) =>
  plan.then(
    () => 'no overlap',
    (error: unknown) => (error as Error).message,
  )

const manyRules = (count: number) =>
  Array.from({ length: count }, (_, index) => {
    const address = `10.${index >> 16}.${(index >> 8) & 255}.${index & 255}`
    return elementsOf(parse({ mark: 1, address, protocol: 'tcp', ports: [80, '1000-2000'] }))
  }).flat()

describe('overlaps', () => {
  test.each([0, 3])(
    'of exact elements are found exactly when there are any; others beside them: %i %%',
    async (some) => {
      const random = randomSource(21 + some)
      const seen = [0, 0]
      for (let round = 0; round < 3000; round++) {
        const added = mostlyExact(random, random() % 5, 0)
        const existing = mostlyExact(random, random() % 12, some)
        const ignored = new Set(existing.filter(() => random() % 3 === 0))
        const rivals = existing.filter((element) => !ignored.has(element))
        const others = (index: number) => [...added.slice(index + 1), ...rivals]
        const expected = added.some((element, index) => others(index).some((other) => overlaps(element, other)))
        const [one, other] = runAtOnce(findOverlap(added, existing, ignored, pauses)) ?? []
        const right = one !== undefined && other !== undefined && one !== other && overlaps(one, other)
        expect([added.includes(one as MarkElement), right]).toEqual([expected, expected])
        seen[Number(expected)]!++
      }
      expect(Math.min(...seen)).toBeGreaterThan(300)
    },
  )

  test.each<[string, MarkRule, boolean]>([
    ['a range of ports', { ...web, mark: 8, ports: '400-500' }, true],
    ['all ports', { ...web, mark: 8, ports: 'all' }, true],
    ['all protocols', { mark: 8, address: web.address, protocol: 'all' }, true],
    ['a block', { ...web, mark: 8, address: '172.16.0.0/16', ports: 443 }, true],
    ['some bits of the mark', { ...web, mark: 8, mask: 0xff }, true],
    ['a source, which prevails', { ...web, mark: 8, source: '10.0.0.0/8' }, false],
    ['an interface, which prevails', { ...web, mark: 8, interface: 'eth0' }, false],
    ['the same in IPv6', { ...web, mark: 8, address: 'ac10:64::' }, false],
  ])('an exact rule and %s', async (_name, other, expected) => {
    const existing = expected ? /overlaps the existing/ : /^no overlap$/
    expect(await outcome(add(tableOf(other), web))).toMatch(existing)
    expect(await outcome(add(tableOf(web), other))).toMatch(existing)
    const together = expected ? /a packet gets only one mark/ : /^no overlap$/
    expect(await outcome(replace(tableOf(), web, other))).toMatch(together)
  })

  test('are found if and only if there are any', async () => {
    const random = randomSource(20)
    const seen = [0, 0]
    for (let round = 0; round < 3000; round++) {
      const added = randomElements(random, random() % 4)
      const existing = randomElements(random, random() % 12)
      const others = (index: number) => [...added.slice(index + 1), ...existing]
      const expected = added.some((element, index) => others(index).some((other) => overlaps(element, other)))
      const found = await runWithPauses(findOverlap(added, existing, new Set(), pauses), pauses)
      const [one, other] = found ?? []
      const right =
        one !== undefined && other !== undefined && one !== other && added.includes(one) && overlaps(one, other)
      expect([found !== undefined, right]).toEqual([expected, expected])
      seen[Number(expected)]!++
    }
    expect(Math.min(...seen)).toBeGreaterThan(300)
  })

  test('the time grows no faster than the number of rules', async () => {
    const wide = elementsOf(parse({ mark: 1, address: '10.0.0.0/8', protocol: 'tcp', ports: ['3000-4000', 5000] }))
    const start = performance.now()
    expect(
      await runWithPauses(findOverlap([...manyRules(20_000), ...wide], [], new Set(), pauses), pauses),
    ).toBeUndefined()
    expect(performance.now() - start).toBeLessThan(3000) // a quadratic search takes minutes
  })
})
