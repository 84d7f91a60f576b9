// Whether the rules of our table are in effect, and what keeps them from that.
import type { FoundText } from '../binding/replies.ts'

/** Something that is not as it should be around the rules. */
export interface MarksProblem {
  /**
   * `dormant`: the table is switched off. `missing`: a chain, a jump or a lookup that leads packets to rules. `obstacle`: a
   * rule that somebody else has made ends the way of all packets before they get to ours; `repair` leaves it alone.
   * `surplus`: a jump or lookup is there twice or too late, which costs time. `temporary`: a rule of a change that is under
   * way or was cut off.
   */
  readonly kind: 'dormant' | 'missing' | 'obstacle' | 'surplus' | 'temporary'
  /** In words, e.g. `chain prerouting is missing`. */
  readonly text: string
  /** Chain that the problem is in, or that is missing. */
  readonly chain?: string
  /** The kernel's number of the rule that is too much. */
  readonly handle?: bigint
}

/** What `FirewallMarks.status` finds. */
export interface MarksStatus {
  /** False: packets do not get the marks, or the translation, of at least some of the rules that are listed. */
  readonly inEffect: boolean
  /** Empty: all is as it should be. */
  readonly problems: readonly MarksProblem[]
}

function ruleProblem(kind: MarksProblem['kind'], [chain = '', handle = '0']: readonly string[]): MarksProblem {
  const texts: Partial<Record<MarksProblem['kind'], string>> = {
    obstacle: 'is not one of ours and keeps packets from the rules behind it',
    surplus: 'is there twice, or too late to be of use',
    temporary: 'is temporary: a change is under way, or was cut off',
  }
  return { kind, text: `rule ${handle} of chain ${chain} ${texts[kind]}`, chain, handle: BigInt(handle) }
}

function problemOf(line: string): MarksProblem {
  const [word = '', ...words] = line.split(' ')
  const [first = '', second = ''] = words
  switch (word) {
    case 'dormant':
      return { kind: 'dormant', text: 'the table is dormant: no packet sees it' }
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

/** From what the native side says. */
export function readStatus({ text }: FoundText): MarksStatus {
  const lines = Buffer.from(text).toString('utf8').split('\n')
  const problems = lines.filter((line) => line !== '').map(problemOf)
  return { inEffect: problems.every(({ kind }) => HARMLESS.has(kind)), problems }
}
