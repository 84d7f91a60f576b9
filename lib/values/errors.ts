// The one class of errors that this package rejects with.
import { InvalidInput, printable } from './validate.ts'

/** What went wrong, for programs. The message says it to people. */
export type IpvsErrorCode =
  /** No such service. */
  | 'ERR_IPVS_SERVICE_NOT_FOUND'
  /** There is such a service already. */
  | 'ERR_IPVS_SERVICE_EXISTS'
  /** The service has no such destination. */
  | 'ERR_IPVS_DESTINATION_NOT_FOUND'
  /** The service has such a destination already. */
  | 'ERR_IPVS_DESTINATION_EXISTS'
  /** The kernel has no such scheduler: no module `ip_vs_NAME`. */
  | 'ERR_IPVS_SCHEDULER_NOT_FOUND'
  /** The kernel has no such persistence engine: no module `ip_vs_pe_NAME`. */
  | 'ERR_IPVS_PERSISTENCE_ENGINE_NOT_FOUND'
  /** A synchronisation daemon of that role runs already. */
  | 'ERR_IPVS_DAEMON_EXISTS'
  /** No synchronisation daemon of that role runs. */
  | 'ERR_IPVS_DAEMON_NOT_RUNNING'
  /** No such network interface. */
  | 'ERR_IPVS_INTERFACE_NOT_FOUND'
  /**
   * CAP_NET_ADMIN in the initial user namespace is missing, or CAP_SYS_ADMIN to enter a network namespace, or a sandbox does not
   * let the process have netlink sockets.
   */
  | 'ERR_IPVS_PERMISSION_DENIED'
  /** The running kernel has no IPVS, or not what was asked of it. */
  | 'ERR_IPVS_UNAVAILABLE'
  /** A value that cannot be used; nothing was sent, or the kernel refused it. `attribute` names it. */
  | 'ERR_IPVS_INVALID_ARGUMENT'
  /** No answer within `timeoutMs`. */
  | 'ERR_IPVS_TIMEOUT'
  /** Ended by an `AbortSignal`, whose reason is the error's `cause`. */
  | 'ERR_IPVS_ABORTED'
  /** The handle was closed. */
  | 'ERR_IPVS_CLOSED'
  /** The kernel's answer got lost in a full receive queue. */
  | 'ERR_IPVS_RECEIVE_OVERRUN'
  /** Others kept changing the table. */
  | 'ERR_IPVS_CONFLICT'
  /** Any other refusal of the kernel; see `errno`. */
  | 'ERR_IPVS_KERNEL'

/**
 * Whether anything was changed: `not-applied`, surely nothing was; `unknown`, the kernel may have carried the operation
 * out, so read it back before trying again; `partial`, a batch ended early, and `batch` says how far it got; `applied`,
 * a change of marks was carried out, and what failed came after it: see `leftovers`. Always `not-applied` for operations
 * that only read.
 */
export type Outcome = 'not-applied' | 'partial' | 'unknown' | 'applied'

/** An item of a batch that failed. */
export interface BatchFailure<Item = unknown> {
  /** Its place in the batch, from 0. */
  readonly index: number
  /** The item as it was given: put those of all failures into another batch to try again. */
  readonly operation: Item
  /** Why. */
  readonly error: IpvsError
}

/** What a batch did. */
export interface BatchResult<Item = unknown> {
  /** Items that were carried out. */
  readonly applied: number
  /** Items that were not, in the order of the batch; with `error.outcome` `unknown`: nobody can say. */
  readonly failures: readonly BatchFailure<Item>[]
  /** Both together: the items from `done` on were not applied, whatever ended the batch; go on there. */
  readonly done: number
}

/** Fields of a new `IpvsError`: for programs that make such errors themselves, for example in tests. */
export interface IpvsErrorDetails {
  /** Name of the public method. */
  readonly operation: string
  /** What it was about: `FWM 7 ipv4`, `TCP 172.16.0.100:80 -> 10.0.0.7:80`. */
  readonly target: string
  /** The kernel's error number, positive. */
  readonly errno?: number | undefined
  /** The refused value, e.g. `service.scheduler`. */
  readonly attribute?: string | undefined
  /** The kernel's own words. */
  readonly kernelMessage?: string | undefined
  /** Default `'not-applied'`. */
  readonly outcome?: Outcome | undefined
  /** How far a batch got. */
  readonly batch?: BatchResult | undefined
  /** Temporary rules of a change of marks may have stayed. */
  readonly leftovers?: true | undefined
  /** The error behind it. */
  readonly cause?: unknown
}

/** Why an operation was rejected. */
export class IpvsError extends Error {
  /** What went wrong, for programs. */
  readonly code: IpvsErrorCode
  /** The kernel's error number, positive (17 for `EEXIST`); `undefined` when no system call failed. */
  readonly errno: number | undefined
  /** The method that was called, e.g. `addService`. */
  readonly operation: string
  /** What it was about, e.g. `FWM 7 ipv4` or `TCP 172.16.0.100:80 -> 10.0.0.7:80`. */
  readonly target: string
  /** The refused value, e.g. `service.persistence.timeoutSeconds`. */
  declare readonly attribute?: string
  /** The kernel's own words, when it had any. */
  declare readonly kernelMessage?: string
  /** Whether anything may have been changed. */
  readonly outcome: Outcome
  /** Of a batch that ended early, or a flush of one family that removed not all: how far it got. */
  declare readonly batch?: BatchResult
  /**
   * Of a change of marks: temporary rules of it may have stayed in the table. They say what the rules say, or said before;
   * `FirewallMarks.status` shows them, and the next change, or opening the table, removes them.
   */
  declare readonly leftovers?: true

  static {
    IpvsError.prototype.name = 'IpvsError'
  }

  constructor(code: IpvsErrorCode, problem: string, details: IpvsErrorDetails) {
    const subject = details.target === '' ? details.operation : `${details.operation} ${details.target}`
    super(printable(`${subject}: ${problem}`), details.cause === undefined ? undefined : { cause: details.cause })
    this.code = code
    this.errno = details.errno
    this.operation = details.operation
    this.target = details.target
    if (details.attribute !== undefined) this.attribute = details.attribute
    if (details.kernelMessage !== undefined) this.kernelMessage = details.kernelMessage
    this.outcome = details.outcome ?? 'not-applied'
    if (details.batch !== undefined) this.batch = details.batch
    if (details.leftovers !== undefined) this.leftovers = details.leftovers
  }
}

/** What failed, as long as nobody needs the text: making that takes time, and nearly nothing fails. */
export interface OperationContext {
  readonly operation: string
  readonly target: string | { readonly text: string }
}

/** The same for an error. */
export function about({ operation, target }: OperationContext): Pick<IpvsErrorDetails, 'operation' | 'target'> {
  return { operation, target: typeof target === 'string' ? target : target.text }
}

/** A refused argument as the user gets it. Other errors are our own mistakes and stay what they are. */
export function invalidArgument(context: OperationContext, error: unknown): unknown {
  if (!(error instanceof InvalidInput)) return error
  const { field: attribute, cause } = error
  return new IpvsError('ERR_IPVS_INVALID_ARGUMENT', error.message, { ...about(context), attribute, cause })
}

/** The `AbortSignal` of a call fired. */
export function abortedError(context: OperationContext, reason: unknown, outcome: Outcome): IpvsError {
  const problem = outcome === 'unknown' ? `aborted while under way. ${MAYBE_APPLIED}` : 'aborted; nothing was changed'
  return new IpvsError('ERR_IPVS_ABORTED', problem, { ...about(context), outcome, cause: reason })
}

/** The handle is closed. */
export function closedError(context: OperationContext): IpvsError {
  return new IpvsError('ERR_IPVS_CLOSED', 'the handle is closed; open another one', about(context))
}

/** The last sentence of every message whose outcome is `unknown`. */
export const MAYBE_APPLIED = 'It may or may not have been applied: read it back before trying again.'
