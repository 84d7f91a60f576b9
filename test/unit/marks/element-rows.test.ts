import { expect, test, vi } from 'vitest'

import { elementsOf } from '../../../lib/marks/mark-element.ts'
import { parseMarkRule, type MarkRule } from '../../../lib/marks/mark-rule.ts'
import { readElements, writeElements } from '../../../lib/marks/element-rows.ts'
import { RowReader } from '../../../lib/binding/row-reader.ts'
import { ruleId } from '../../../lib/marks/rule-id.ts'
import type { Protocol } from '../../../lib/values/protocol.ts'
import { Pauses } from '../../../lib/values/pauses.ts'
import { elementSchema } from '../support/fake-marks.ts'

vi.mock('../../../lib/binding/addon.ts', () => import('../support/fake-binding.ts'))

const parse = (rule: MarkRule) => parseMarkRule(rule, 'rule')
const reader = new RowReader<Record<string, unknown>>([elementSchema], 'element')
const fields = ['family', 'protocol', 'portFrom', 'portTo', 'place', 'mark', 'mask', 'rule', 'comment'] as const
const linkLocal = [0xfe, 0x80, ...new Uint8Array(12), 0x80, 0xff]
const [exact, ranges, hosts, special] = [0, 1, 2, 6]

test.each<[MarkRule, readonly number[], readonly number[]]>([
  [
    { mark: 0xffffffff, address: '203.0.113.255', protocol: 'tcp', ports: 65535 },
    [203, 0, 113, 255, 203, 0, 113, 255],
    [2, 6, 65535, 65535, exact],
  ],
  [
    { mark: 1, address: '10.0.0.1/32', protocol: 'udp', ports: 53, comment: 'dns' },
    [10, 0, 0, 1, 10, 0, 0, 1],
    [2, 17, 53, 53, exact],
  ],
  [
    { mark: 1, address: '10.0.0.0/8', protocol: 'tcp', ports: 80 },
    [10, 0, 0, 0, 10, 255, 255, 255],
    [2, 6, 80, 80, ranges],
  ],
  [
    { mark: 1, address: '10.0.0.1', protocol: '255' as Protocol, ports: '256-511' },
    [10, 0, 0, 1, 10, 0, 0, 1],
    [2, 255, 256, 511, ranges],
  ],
  [{ mark: 1, address: '10.0.0.1', protocol: 'all' }, [10, 0, 0, 1, 10, 0, 0, 1], [2, 0, 0, 65535, hosts]],
  [
    { mark: 1, address: '10.0.0.1', protocol: 'tcp', ports: 80, source: '10.0.0.0/8' },
    [10, 0, 0, 1, 10, 0, 0, 1],
    [2, 6, 80, 80, special],
  ],
  [
    { mark: 1, address: 'fe80::80ff', protocol: 'tcp', ports: 80 },
    [...linkLocal, ...linkLocal],
    [10, 6, 80, 80, exact],
  ],
])('%o as a row, and back', async (given, addresses, numbers) => {
  const rule = parse(given)
  const elements = elementsOf(rule)
  const rows = await writeElements(elements, new Pauses())
  const row = reader.rows(rows).at(0)
  const size = addresses.length / 2
  const bytes = (name: string) => [...(row[name] as Uint8Array)]
  expect([...bytes('addressFrom').slice(0, size), ...bytes('addressTo').slice(0, size)]).toEqual(addresses)
  expect([...bytes('addressFrom').slice(size), ...bytes('addressTo').slice(size)].every((byte) => byte === 0)).toBe(
    true,
  )
  const rest = [rule.mark, 0xffffffff, ruleId(rule), given.comment ?? '']
  expect(fields.map((name) => row[name])).toEqual([...numbers, ...rest])
  expect(await readElements(rows, new Pauses())).toEqual(elements)
})
