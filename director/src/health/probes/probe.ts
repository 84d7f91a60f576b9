// What a probe takes and returns. The kinds have a file each; all.ts chooses.
import type { Check, CheckCommon } from '../../site/site.ts'
import type { AgentLine } from './agent-line.ts'

/** `void`: the prober itself was at fault, or could not probe. It says nothing of the server. */
export type Verdict = 'success' | 'failure' | 'void'

/** Where a probe goes: the server, or with `mark` the virtual address. */
export interface ProbeTarget {
  readonly address: string
  readonly family: 'ipv4' | 'ipv6'
  /** Firewall mark of the private service of `via: service`. `undefined`: a plain socket. */
  readonly mark: number | undefined
}

/** In the order of their time. `body` has no limit of its own, only the total one. */
export type Phase = 'connect' | 'tls' | 'firstByte' | 'body'

export interface ProbeResult {
  readonly verdict: Verdict
  /** One line for people, printable: `status 503, not 200-299`. Equal results have equal words. */
  readonly words: string
  /** A failure that is the server's own word, such as a refused connection. Silence is none. */
  readonly answered: boolean
  /** Milliseconds spent in each phase that began. */
  readonly phases: Readonly<Partial<Record<Phase, number>>>
  /** When the certificate ends: milliseconds since 1970. */
  readonly certificateEnds: number | undefined
  /** What an agent said. */
  readonly agent: AgentLine | undefined
  /** What was sent and received, a line each, control characters escaped. */
  readonly transcript: readonly string[]
}

export interface SocketOptions {
  readonly family: 'ipv4' | 'ipv6'
  /** SO_MARK. */
  readonly mark: number | undefined
  /** SO_BINDTODEVICE. */
  readonly device: string | undefined
}

/** Makes sockets that Node.js cannot make, non-blocking, and returns the descriptors. Failures throw with `code`. */
export interface Sockets {
  tcp(options: SocketOptions): number
  udp(options: SocketOptions): number
  /** An ICMP echo socket: `SOCK_DGRAM` with `IPPROTO_ICMP` or `IPPROTO_ICMPV6`. */
  ping(options: SocketOptions): number
}

/** Whether the probe needs a socket that Node.js cannot make. */
export function needsSockets(check: CheckCommon & { readonly kind?: string }, target: ProbeTarget): boolean {
  return check.kind === 'ping' || target.mark !== undefined || check.from.device !== undefined
}

/**
 * One attempt. It never rejects, ends within the total limit of the check, and leaves no socket, timer or process behind.
 * An aborted signal ends it with a void verdict.
 */
export type Probe<C extends Check = Check> = (
  check: C,
  target: ProbeTarget,
  sockets: Sockets | undefined,
  signal: AbortSignal,
) => Promise<ProbeResult>

/** The check of one kind. */
export type CheckOf<Kind extends Check['kind']> = Extract<Check, { readonly kind: Kind }>

/** The checks with a greeting and one exchange. */
export type BannerCheck = Extract<Check, { readonly startTls: boolean }>
