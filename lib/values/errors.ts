// IpvsError, the only class of errors that the public API rejects with.
import { InvalidInput, escapeControls } from './validate.ts'

/** The reason of an error, for programs. The message explains it to people. */
export type IpvsErrorCode =
  /** The service does not exist. */
  | 'ERR_IPVS_SERVICE_NOT_FOUND'
  /** The service already exists. */
  | 'ERR_IPVS_SERVICE_EXISTS'
  /** The service does not have this destination. */
  | 'ERR_IPVS_DESTINATION_NOT_FOUND'
  /** The service already has this destination. */
  | 'ERR_IPVS_DESTINATION_EXISTS'
  /** The kernel has no such scheduler: no module `ip_vs_NAME`. */
  | 'ERR_IPVS_SCHEDULER_NOT_FOUND'
  /** The kernel has no such persistence engine: no module `ip_vs_pe_NAME`. */
  | 'ERR_IPVS_PERSISTENCE_ENGINE_NOT_FOUND'
  /** A synchronisation daemon of this role is already running. */
  | 'ERR_IPVS_DAEMON_EXISTS'
  /** No synchronisation daemon of this role is running. */
  | 'ERR_IPVS_DAEMON_NOT_RUNNING'
  /** The network interface does not exist in the network namespace. */
  | 'ERR_IPVS_INTERFACE_NOT_FOUND'
  /**
   * The process lacks CAP_NET_ADMIN in the initial user namespace, or CAP_SYS_ADMIN to enter a network namespace, or a
   * sandbox forbids netlink sockets.
   */
  | 'ERR_IPVS_PERMISSION_DENIED'
  /** The running kernel has no IPVS, or lacks the requested feature. */
  | 'ERR_IPVS_UNAVAILABLE'
  /** A value was refused, before anything was sent or by the kernel. `attribute` names it. */
  | 'ERR_IPVS_INVALID_ARGUMENT'
  /** The kernel did not reply within `timeoutMs`. */
  | 'ERR_IPVS_TIMEOUT'
  /** An `AbortSignal` ended the call; its reason is the error's `cause`. */
  | 'ERR_IPVS_ABORTED'
  /** The handle is closed. */
  | 'ERR_IPVS_CLOSED'
  /** The kernel's reply was lost because the receive queue was full. */
  | 'ERR_IPVS_RECEIVE_OVERRUN'
  /** Other programs kept changing the table. */
  | 'ERR_IPVS_CONFLICT'
  /** Any other kernel error; see `errno`. */
  | 'ERR_IPVS_KERNEL'

/**
 * Whether a failed call changed anything. `not-applied`: it changed nothing. `unknown`: the kernel may have applied the
 * change, so read the state back before trying again. `partial`: a batch ended early; see `batch`. `applied`: a change of
 * marks was applied, but its cleanup failed; see `leftovers`. Reads always have `not-applied`.
 */
export type Outcome = 'not-applied' | 'partial' | 'unknown' | 'applied'

/** A failed item of a batch. */
export interface BatchFailure<Item = unknown> {
  /** Index of the item in the batch, from 0. */
  readonly index: number
  /** The item as passed in: collect it from all failures to retry them in another batch. */
  readonly operation: Item
  /** Why the item failed. */
  readonly error: IpvsError
}

/** The result of a batch. */
export interface BatchResult<Item = unknown> {
  /** Number of items that were applied. */
  readonly applied: number
  /** Failed items, in the order of the batch. An item whose `error.outcome` is `unknown` may have been applied. */
  readonly failures: readonly BatchFailure<Item>[]
  /** `applied` plus the number of failures. The items from index `done` on were not sent: resume there. */
  readonly done: number
}

/** Fields of a new `IpvsError`, for programs that construct one, such as tests. */
export interface IpvsErrorDetails {
  /** The method that was called, e.g. `addService`. */
  readonly operation: string
  /** The object of the operation, e.g. `FWM 7 ipv4` or `TCP 172.16.0.100:80 -> 10.0.0.7:80`; may be empty. */
  readonly target: string
  /** The kernel's error number, positive. Default: none. */
  readonly errno?: number | undefined
  /** Path of the refused value, e.g. `service.scheduler`. Default: none. */
  readonly attribute?: string | undefined
  /** Text of the kernel's extended ACK. Default: none. */
  readonly kernelMessage?: string | undefined
  /** Default `'not-applied'`. */
  readonly outcome?: Outcome | undefined
  /** Result of a batch up to its early end. Default: none. */
  readonly batch?: BatchResult | undefined
  /** True if temporary rules of a change of marks may remain. Default: none remain. */
  readonly leftovers?: true | undefined
  /** The underlying error. Default: none. */
  readonly cause?: unknown
}

/** Why an operation was rejected. */
export class IpvsError extends Error {
  /** The reason, for programs. */
  readonly code: IpvsErrorCode
  /** The kernel's error number, positive (17 for `EEXIST`); `undefined` when no system call failed. */
  readonly errno: number | undefined
  /** The method that was called, e.g. `addService`. */
  readonly operation: string
  /** The object of the operation, e.g. `FWM 7 ipv4` or `TCP 172.16.0.100:80 -> 10.0.0.7:80`; empty if there is none. */
  readonly target: string
  /** Path of the refused value, e.g. `service.persistence.timeoutSeconds`. Absent if no value was refused. */
  declare readonly attribute?: string
  /** Text of the kernel's extended ACK. Absent if the kernel sent none. */
  declare readonly kernelMessage?: string
  /** Whether the failed call changed anything. */
  readonly outcome: Outcome
  /** The result up to the failure, for a batch that ended early or a flush of one family that was incomplete. */
  declare readonly batch?: BatchResult
  /**
   * True if temporary rules of a change of marks may remain in the table. They set the same marks as the rules before or
   * after the change. `FirewallMarks.status` lists them; the next change, or opening the table, removes them.
   */
  declare readonly leftovers?: true

  static {
    IpvsError.prototype.name = 'IpvsError'
  }

  constructor(code: IpvsErrorCode, problem: string, details: IpvsErrorDetails) {
    const subject = details.target === '' ? details.operation : `${details.operation} ${details.target}`
    super(escapeControls(`${subject}: ${problem}`), details.cause === undefined ? undefined : { cause: details.cause })
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

/** The operation and its target. The target's text is built only for an error, since building it is slow. */
export interface OperationContext {
  readonly operation: string
  readonly target: string | { readonly text: string }
}

/** Builds the fields `operation` and `target` of an error. */
export function about({ operation, target }: OperationContext): Pick<IpvsErrorDetails, 'operation' | 'target'> {
  return { operation, target: typeof target === 'string' ? target : target.text }
}

/** Converts `InvalidInput` to an `IpvsError`. Returns any other error, which is a bug of this package, unchanged. */
export function invalidArgument(context: OperationContext, error: unknown): unknown {
  if (!(error instanceof InvalidInput)) return error
  const { field: attribute, cause } = error
  return new IpvsError('ERR_IPVS_INVALID_ARGUMENT', error.message, { ...about(context), attribute, cause })
}

/** The error of a call that its `AbortSignal` ended. */
export function abortedError(context: OperationContext, reason: unknown, outcome: Outcome): IpvsError {
  const problem = outcome === 'unknown' ? `aborted while under way. ${MAYBE_APPLIED}` : 'aborted; nothing was changed'
  return new IpvsError('ERR_IPVS_ABORTED', problem, { ...about(context), outcome, cause: reason })
}

/** The error of a call on a closed handle. */
export function closedError(context: OperationContext): IpvsError {
  return new IpvsError('ERR_IPVS_CLOSED', 'the handle is closed; open another one', about(context))
}

/** Last sentence of each message with outcome `unknown`. */
export const MAYBE_APPLIED = 'It may or may not have been applied: read it back before trying again.'
