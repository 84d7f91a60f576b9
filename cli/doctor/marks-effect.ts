// Rules in the table without effect, and leftovers of an interrupted change.
import type { MarksProblem } from 'ipvs'
import type { Check } from './facts.ts'
import { bad, risk, type Finding } from './finding.ts'

const texts = (problems: readonly MarksProblem[]): string => problems.map(({ text }) => text).join('; ')

// Obstacles are rules of other programs, so each one is removed by its own command.
const fixOf = (problems: readonly MarksProblem[]): readonly string[] => [
  ...problems
    .filter(({ kind }) => kind === 'obstacle')
    .map(({ chain, handle }) => `nft delete rule inet ipvs ${chain} handle ${handle}`),
  ...(problems.some(({ kind }) => kind !== 'obstacle') ? ['ipvs marks repair'] : []),
]

/** Codes: `marks-not-in-effect`, `marks-untidy`. */
export const marksEffect: Check = ({ marksStatus }) => {
  if (marksStatus === undefined) return []
  const untidy = marksStatus.problems.filter(({ kind }) => kind === 'surplus' || kind === 'temporary')
  const broken = marksStatus.problems.filter((problem) => !untidy.includes(problem))
  const findings: Finding[] = []
  if (broken.length > 0) {
    const what = `not all rules of the table are in effect: ${texts(broken)}`
    const why = 'packets do not get their marks, or are not translated'
    findings.push(bad('marks-not-in-effect', { what, why, fix: fixOf(broken) }))
  }
  if (untidy.length > 0) {
    const what = `the table of marks has rules that should not be there: ${texts(untidy)}`
    const why = 'each packet passes them, and temporary rules may set marks of removed rules'
    findings.push(risk('marks-untidy', { what, why, fix: fixOf(untidy) }))
  }
  return findings
}
