// Firewall marks: every change is one transaction, and nothing temporary outlives it.
import type { MarkRule } from 'ipvs'
import type { Clean, Ended, Scenario } from '../scenario.ts'
import { abortedWhen, differenceText, judgeChange, judgeRead, outcomeOf } from '../scenario.ts'
import { sameLines, type Lines, type World } from '../world.ts'

const web: MarkRule = { mark: 7, address: '172.16.0.100', protocol: 'tcp', ports: [80, 443] }
const ftp: MarkRule = { mark: 21, address: '192.168.1.11', protocol: 'tcp', ports: [21, '10000-20000'] }
const block: MarkRule = { mark: 8, address: '172.16.0.0/16', protocol: 'tcp', ports: 'all' }
const inner: MarkRule = { mark: 9, address: '172.16.5.0/24', protocol: 'tcp', ports: 'all' }
const guests: MarkRule = { mark: 30, address: '172.16.0.100', protocol: 'tcp', ports: [80], source: '10.9.0.0/16' }

// The rules that stand in for ranges while these change hands bear this comment.
const isTemporary = (line: string) => line.startsWith('rule ') && line.endsWith('"temporary"')

// An error that says `leftovers` has told of them: what is promised then is the rest.
function judgeMarks(ended: Ended, now: Lines, clean: Clean): string | undefined {
  const left = [...now].filter(isTemporary)
  if (saysLeftovers(ended)) {
    const rest = new Set([...now].filter((line) => !isTemporary(line)))
    if (outcomeOf(ended) !== 'applied') return judgeChange(ended, rest, clean)
    return sameLines(rest, clean.after) ? undefined : `applied, it says, but ${differenceText(rest, clean.after)}`
  }
  if (left.length > 0) return `${left.length} temporary rules are left; ${judgeWithout(left, ended, now, clean)}`
  return judgeChange(ended, now, clean)
}

function saysLeftovers(ended: Ended): boolean {
  return (
    'error' in ended && ended.error instanceof Error && 'leftovers' in ended.error && ended.error.leftovers === true
  )
}

function judgeWithout(left: readonly string[], ended: Ended, now: Lines, clean: Clean): string {
  const rest = new Set([...now].filter((line) => !left.includes(line)))
  return judgeChange(ended, rest, clean) ?? `else true: ${'error' in ended ? String(ended.error) : 'resolved'}`
}

function change(name: string, before: readonly MarkRule[], run: Scenario['run']): Scenario {
  const prepare = ({ marks }: World) => marks.replace(before)
  return { name, handles: ['marks'], calls: 2, prepare, overwrites: true, run, judge: judgeMarks }
}

export const marks: readonly Scenario[] = [
  change('marks: add', [web], ({ marks: handle }) => handle.add(ftp)),
  change('marks: add to nothing', [], ({ marks: handle }) => handle.add(web)),
  change('marks: add special', [web], ({ marks: handle }) => handle.add(guests)),
  change('marks: remove', [web, ftp, guests], ({ marks: handle }) => handle.remove([ftp, guests])),
  change('marks: replace', [web], ({ marks: handle }) => handle.replace([ftp])),
  change('marks: replace block', [block], ({ marks: handle }) => handle.replace([inner])),
  {
    ...change('marks: replace block, aborted', [block], ({ marks: handle }, struck) =>
      abortedWhen(struck, (signal) => handle.replace([inner], { signal })),
    ),
    faults: ({ call }) => call === 'sendmsg' || call === 'datagram',
  },
  change('marks: flush', [web, ftp], ({ marks: handle }) => handle.flush()),
  {
    name: 'marks: list',
    handles: ['marks'],
    calls: 1,
    prepare: ({ marks: handle }) => handle.replace([web, ftp, guests]),
    run: ({ marks: handle }) => handle.list(),
    judge: judgeRead,
  },
]
