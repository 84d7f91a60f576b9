// Which faults each call can have: all that a kernel may do, and what no kernel should do but a careful reader can notice.
import { errnos, type Counts, type ErrnoName, type Fault, type CallName, type FaultKind } from './control.ts'

interface Variety {
  readonly kind: FaultKind
  readonly argument: number
  /** Also from the occurrence on for good. */
  readonly lasting: boolean
}

const fails = (...names: ErrnoName[]): Variety[] =>
  names.map((name) => ({ kind: 'errno', argument: errnos[name], lasting: true }))
// Of what a caller has to try again, as often as it takes.
const failsOnce = (...names: ErrnoName[]): Variety[] => fails(...names).map((each) => ({ ...each, lasting: false }))
const does = (kind: FaultKind, argument = 0, lasting = false): Variety => ({ kind, argument, lasting })

/** Milliseconds; longer than no scenario's time-out, so that the call is only slow. */
const SLOW_MS = 60

const varieties: Readonly<Record<CallName, readonly Variety[]>> = {
  socket: fails('EMFILE', 'ENFILE', 'ENOMEM', 'ENOBUFS', 'EPERM', 'EACCES', 'EAFNOSUPPORT'),
  bind: fails('EPERM', 'EADDRINUSE', 'ENOMEM'),
  connect: fails('EPERM', 'ENOMEM'),
  getsockname: fails('ENOBUFS'),
  setsockopt: fails('ENOPROTOOPT', 'EPERM', 'ENOMEM'),
  getsockopt: fails('ENOPROTOOPT'),
  sendmsg: [
    ...fails('EPERM', 'ENOBUFS', 'ENOMEM', 'EAGAIN', 'EMSGSIZE', 'ECONNREFUSED'),
    ...failsOnce('EINTR'),
    does('swallow', 0, true),
    does('short'),
    does('delay', SLOW_MS),
    does('fork', 3 * SLOW_MS),
  ],
  recvmsg: [...fails('ENOBUFS', 'ENOMEM', 'ECONNREFUSED'), ...failsOnce('EAGAIN', 'EINTR'), does('delay', SLOW_MS)],
  datagram: [
    does('drop', 0, true), // and all behind it: netlink loses nothing in the middle without saying so
    ...(
      ['overrun', 'twice', 'truncated', 'cut', 'torn', 'badSequence', 'badPort', 'forged', 'overrunMessage'] as const
    ).map((kind) => does(kind)),
    ...(['shortMessage', 'lengthZero', 'lengthHuge', 'unaligned', 'garbage', 'empty'] as const).map((kind) =>
      does(kind),
    ),
    does('late', SLOW_MS),
  ],
  poll: [...fails('ENOMEM'), ...failsOnce('EINTR'), does('spurious'), does('delay', SLOW_MS)],
  eventfd: fails('EMFILE', 'ENFILE', 'ENOMEM'),
  open: fails('ENOENT', 'EACCES', 'EMFILE', 'ENFILE', 'ENOMEM', 'EPERM'),
  read: [...fails('EIO', 'ENOMEM'), ...failsOnce('EINTR'), does('short', 0, true), does('delay', SLOW_MS)],
  write: failsOnce('EINTR'),
  setns: fails('EPERM', 'EINVAL', 'ENOMEM'),
  thread: fails('EAGAIN'),
}

// After which nothing is heard any more.
const silent = new Set<FaultKind>(['drop'])

// Of calls made again and again in the same way (a listing of many maps): so many of the first, of the last, and between.
const ENDS = 4
const BETWEEN = 4

function occurrencesOf(call: CallName, count: number): number[] {
  const all = Array.from({ length: count }, (_, index) => index + 1)
  if (call === 'sendmsg' || count <= 2 * ENDS + BETWEEN) return all
  const step = (count - 2 * ENDS) / (BETWEEN + 1)
  const between = Array.from({ length: BETWEEN }, (_, index) => ENDS + Math.round(step * (index + 1)))
  return [...new Set([...all.slice(0, ENDS), ...between, ...all.slice(-ENDS)])]
}

/** All faults: of sends at every occurrence, of other calls at all of a few and at the ends of many. */
export function faultsOf(counts: Counts): Fault[] {
  const faults: Fault[] = []
  for (const [call, occurrences] of Object.entries(counts) as [CallName, number][]) {
    for (const nth of occurrencesOf(call, occurrences)) {
      for (const { kind, argument, lasting } of varieties[call]) {
        if (!silent.has(kind)) faults.push({ call, nth, times: 1, kind, argument })
        if (lasting) faults.push({ call, nth, times: 0, kind, argument })
      }
    }
  }
  return faults
}

const namesByErrno = new Map<number, string>(Object.entries(errnos).map(([name, errno]) => [errno, name]))

/** `sendmsg EPERM #2`, with `+` at the end when all later ones are hit as well. */
export function faultText({ call, nth, times, kind, argument }: Fault): string {
  const what = kind === 'errno' ? (namesByErrno.get(argument) ?? String(argument)) : kind
  return `${call} ${what} #${nth}${times === 0 ? '+' : ''}`
}

/** What kind of fault it is, for counting. */
export function faultClass({ call, kind }: Fault): 'system calls' | 'datagrams' {
  return call === 'datagram' || kind === 'swallow' ? 'datagrams' : 'system calls'
}
