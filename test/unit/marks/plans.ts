// Plans of the marks table in few words, for tests.
import { expect } from 'vitest'
import { MarkElement, elementsOf, ruleOf } from '../../../lib/marks/mark-element.ts'
import { planAdd, planRemove, planReplace, desiredRules, type DesiredRules } from '../../../lib/marks/plan.ts'
import { describeRule, type CheckedRule } from '../../../lib/marks/checked-rule.ts'
import { parseMarkRule, type MarkRule } from '../../../lib/marks/mark-rule.ts'
import { MarkTable, type MarkChange } from '../../../lib/marks/mark-table.ts'
import { Pauses } from '../../../lib/values/pauses.ts'
import { InvalidInput } from '../../../lib/values/validate.ts'

export const pauses: Pauses = new Pauses()
export const web = { mark: 7, address: '172.16.0.100', protocol: 'tcp', ports: [80, 443] } as const
export const ftp = { mark: 21, address: '192.168.1.11', protocol: 'tcp', ports: [21, '10000-20000'] } as const

export const parse = (rule: MarkRule): CheckedRule => parseMarkRule(rule, 'rule')
export const desired = (rules: readonly MarkRule[]): Promise<DesiredRules> => desiredRules(rules.map(parse), pauses)

/** The same elements as somebody would make them with nft: without ids. */
export const foreign = (rule: MarkRule): MarkElement[] =>
  elementsOf(parse(rule)).map(({ key, mark, comment }) => new MarkElement(key, mark, 0n, comment))

export const tableOf = (...parts: readonly (MarkRule | readonly MarkElement[])[]): MarkTable =>
  new MarkTable(
    parts.flatMap((part) =>
      Array.isArray(part) ? (part as readonly MarkElement[]) : elementsOf(parse(part as MarkRule)),
    ),
    5,
  )

export const texts = (elements: readonly MarkElement[]): string[] =>
  elements.map((element) => describeRule(ruleOf([element])))
export const change = ({ removed, added }: MarkChange): { removed: string[]; added: string[] } => ({
  removed: texts(removed),
  added: texts(added),
})
export const refusal = async (plan: Promise<unknown>): Promise<InvalidInput> => {
  const error = await plan.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(InvalidInput)
  return error as InvalidInput
}

export const add = async (table: MarkTable, ...rules: MarkRule[]): Promise<MarkChange> =>
  planAdd(table, await desired(rules), pauses)
export const remove = async (table: MarkTable, ...rules: MarkRule[]): Promise<MarkChange> =>
  planRemove(table, await desired(rules), pauses)
export const replace = async (table: MarkTable, ...rules: MarkRule[]): Promise<MarkChange> =>
  planReplace('marks', table, await desired(rules), pauses)
