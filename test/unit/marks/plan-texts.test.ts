// What refused plans say, and rules that other programs changed in part.
import { describe, expect, test, vi } from 'vitest'
import { MarkElement, elementsOf } from '../../../lib/marks/mark-element.ts'
import type { MarkRule } from '../../../lib/marks/mark-rule.ts'
import { parseNatRule } from '../../../lib/marks/nat-rule.ts'
import { desiredRule, overlapProblem, planAdd } from '../../../lib/marks/plan.ts'
import { runAtOnce } from '../../../lib/values/pauses.ts'
import { add, change, desired, foreign, ftp, parse, pauses, refusal, remove, replace, tableOf, web } from './plans.ts'

vi.mock('../../../lib/binding/addon.ts', () => import('../support/fake-binding.ts'))

describe('an overlap names the ports', () => {
  test.each<[string, MarkRule['ports'], MarkRule['ports']]>([
    ['port 80', [80], ['80-90']],
    ['ports 85 to 90', ['80-90'], ['85-95']],
    ['ports 1 to 90', ['1-90'], 'all'],
    ['ports 90 to 65535', ['90-65535'], 'all'],
    ['all ports', 'all', 'all'],
  ])('%s', async (text, there, wanted) => {
    const table = tableOf({ ...web, ports: there })
    const { message } = await refusal(add(table, { ...web, mark: 8, ports: wanted }))
    expect(message).toContain(`-> mark 7" in ${text};`)
  })
})

test('the path of a single rule has no index', async () => {
  const { field, message } = await refusal(planAdd(tableOf(web), desiredRule(parse({ ...web, mark: 8 })), pauses))
  expect([field, message.includes('overlaps the existing')]).toEqual(['rule', true])
})

test('a rule that is given twice is planned once', async () => {
  expect((await desired([web, ftp, { ...web, ports: [443, 80] }, web])).map(({ path }) => path)).toEqual([
    'rules[0]',
    'rules[1]',
  ])
})

const problem = async (...rules: MarkRule[]) =>
  runAtOnce(overlapProblem(tableOf(web), await desired(rules), '; use other ports', pauses))

test('overlapProblem: with the table, between the rules, and none', async () => {
  expect(await problem(ftp)).toBeUndefined()
  expect((await problem({ ...web, mark: 8 }))?.message).toMatch(/overlaps the existing .*; use other ports$/)
  expect((await problem(ftp, { ...ftp, mark: 8 }))?.message).toMatch(/\(rules\[[01]\]\)/)
})

const single = (port: number): MarkRule => ({ ...web, ports: port })
const shown = async (count: number) => {
  const rules = Array.from({ length: count }, (_, index) => single(1000 + index))
  const { message } = await refusal(remove(tableOf(...rules), web))
  return [message.split('"tcp ').length - 2, message.includes(', ...')]
}

describe('a rule that does not exist', () => {
  test.each([1, 2, 3])('names %i existing rules', async (count) => {
    expect(await shown(count)).toEqual([count, false])
  })
  test.each([4, 7])('names three of %i existing rules', async (count) => {
    expect(await shown(count)).toEqual([3, true])
  })

  test('names no rule of other addresses, and no NAT rule', async () => {
    const nat = { action: 'redirect', address: web.address, protocol: 'tcp', ports: 80, toPort: 8080 } as const
    const table = tableOf(
      { ...web, address: '172.16.0.99' },
      { ...web, address: '172.16.0.101' },
      elementsOf(parseNatRule(nat, 'rule')),
    )
    expect((await refusal(remove(table, web))).message).toContain('the table has no rule for this address and protocol')
  })
})

describe('rules that exist in part', () => {
  const source = { ...web, source: '10.0.0.0/8' } as const

  test.each<[string, MarkRule, MarkRule]>([
    ['another address', { ...web, address: '172.16.0.0/16', ports: 'all' }, { ...web, ports: 80 }],
    ['another source', { ...source, ports: 'all' }, { ...source, source: '10.1.0.0/16', ports: 80 }],
    ['an interface too', { ...source, ports: 'all' }, { ...web, interface: 'eth0', ports: 80 }],
  ])('more ports, but %s: an overlap', async (_name, there, fewer) => {
    expect((await refusal(add(tableOf(there), fewer))).message).toContain('overlaps the existing')
  })

  test('a rule that the same change removes does not count as its part', async () => {
    const table = tableOf({ ...web, ports: 'all' })
    const gone = new Set(table.elements())
    const { added } = await planAdd(table, await desired([web]), pauses, gone)
    expect(added).toHaveLength(2)
  })

  test('elements of two larger rules are not removed as one rule', async () => {
    const [first] = elementsOf(parse({ ...web, ports: [80, 8080] }))
    const [, second] = elementsOf(parse({ ...web, ports: [81, 443] }))
    const { message } = await refusal(remove(tableOf([first as MarkElement, second as MarkElement]), web))
    expect(message).toContain('there is no rule')
  })

  test('elements with the id of the rule and without an id are one rule', async () => {
    const [first] = elementsOf(parse(web))
    const [, second] = foreign(web)
    const table = tableOf([first as MarkElement, second as MarkElement])
    expect((await remove(table, web)).removed).toHaveLength(2)
    expect(change(await add(table, web)).added).toEqual(['tcp 172.16.0.100 port 443 -> mark 7'])
  })
})

const sizes = async (there: MarkRule, wanted: MarkRule) => {
  const { removed, added } = await replace(tableOf(there), wanted)
  return [removed.length, added.length]
}

test('replace renews rules whose mark or counter differs', async () => {
  const counted = { ...web, counter: true }
  expect(await sizes(web, { ...web, mark: 8 })).toEqual([2, 2])
  expect(await sizes(web, counted)).toEqual([2, 2])
  expect(await sizes(counted, web)).toEqual([2, 2])
  expect(await sizes(counted, counted)).toEqual([0, 0])
})
