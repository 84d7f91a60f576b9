// Status of our table: whether its rules are in effect, and problems that prevent it.
import type { FoundText } from '../binding/replies.ts'

/** A problem of the table. */
export interface MarksProblem {
  /**
   * `dormant`: the table has the flag dormant and sees no packets. `missing`: a chain, jump or lookup that leads packets to
   * rules is missing. `obstacle`: a foreign rule ends the evaluation of a chain before our rules; `repair` does not remove
   * it. `surplus`: a jump or lookup is a duplicate, or comes too late, which costs time. `temporary`: a rule of a change that
   * is in progress or was interrupted.
   */
  readonly kind: 'dormant' | 'missing' | 'obstacle' | 'surplus' | 'temporary'
  /** Description, e.g. `chain prerouting is missing`. */
  readonly text: string
  /** The chain with the problem, or the missing chain. */
  readonly chain?: string
  /** Handle of the rule that causes the problem, as `nft -a list ruleset` shows it. */
  readonly handle?: bigint
}

/** Result of `FirewallMarks.status`. */
export interface MarksStatus {
  /** False if at least one listed rule has no effect on packets. */
  readonly inEffect: boolean
  /** Problems of the table; empty if there are none. */
  readonly problems: readonly MarksProblem[]
}

function ruleProblem(kind: MarksProblem['kind'], [chain = '', handle = '0']: readonly string[]): MarksProblem {
  const texts: Partial<Record<MarksProblem['kind'], string>> = {
    obstacle: 'is foreign and keeps packets from the rules after it',
    surplus: 'is a duplicate, or comes too late to have an effect',
    temporary: 'is temporary: a change is in progress or was interrupted',
  }
  return { kind, text: `rule ${handle} of chain ${chain} ${texts[kind]}`, chain, handle: BigInt(handle) }
}

function problemOf(line: string): MarksProblem {
  const [word = '', ...words] = line.split(' ')
  const [first = '', second = ''] = words
  switch (word) {
    case 'dormant':
      return { kind: 'dormant', text: 'the table is dormant: it sees no packets' }
    case 'chain':
      return { kind: 'missing', text: `chain ${first} is missing`, chain: first }
    case 'jump':
      return { kind: 'missing', text: `chain ${first} lacks the rule "jump ${second}"`, chain: first }
    case 'lookup':
      return { kind: 'missing', text: `chain marks lacks the lookup in map ${first}`, chain: 'marks' }
    default:
      return ruleProblem(word as MarksProblem['kind'], words)
  }
}

const HARMLESS: ReadonlySet<MarksProblem['kind']> = new Set(['surplus', 'temporary'])

/** Parses the status lines of native code, see native/nftables/status.h. */
export function readStatus({ text }: FoundText): MarksStatus {
  const lines = Buffer.from(text).toString('utf8').split('\n')
  const problems = lines.filter((line) => line !== '').map(problemOf)
  return { inEffect: problems.every(({ kind }) => HARMLESS.has(kind)), problems }
}
