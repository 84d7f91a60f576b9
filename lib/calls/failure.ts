// Converts failures of native calls to errors with an explanation.
import { constants } from 'node:os'
import type { Failure, FailureKind, Reply } from '../binding/replies.ts'
import type { Explain, Explanation, FailureContext } from './context.ts'
import { IpvsError, MAYBE_APPLIED, about } from '../values/errors.ts'

/** Sentence for errors after which temporary rules may remain. */
export const LEFTOVERS: string =
  'Temporary rules of this change may remain in the chain "marks"; status() shows them, and the next change, or opening ' +
  'the table, removes them.'

const namesByNumber = new Map<number, string>(Object.entries(constants.errno).map(([name, number]) => [number, name]))
// Numbers with two names: use the names of the netlink manual pages.
namesByNumber.set(constants.errno.EAGAIN, 'EAGAIN').set(constants.errno.EOPNOTSUPP, 'EOPNOTSUPP')

/** `ESRCH` for 3. */
export function errnoName(errno: number): string {
  return namesByNumber.get(errno) ?? `errno ${errno}`
}

const UNAVAILABLE =
  'the running kernel offers no IPVS. Load it with "modprobe ip_vs" (kernels before 6.1 do not load it by themselves; ' +
  'for a container, load it on the host), or use a kernel built with CONFIG_IP_VS'

// Every kernel with networking has netlink, so only a sandbox refuses the socket. Whether the kernel has IPVS is not known then.
const FORBIDDEN =
  'socket refused: AF_NETLINK is not allowed in this process (EAFNOSUPPORT). A filter of system calls forbids it: in a ' +
  'systemd unit add AF_NETLINK to RestrictAddressFamilies=, in a container allow it in the seccomp profile'

const BAD_PATH = new Set(['ENOENT', 'ENOTDIR', 'EACCES', 'EINVAL', 'ELOOP', 'ENAMETOOLONG'])

function explainNamespace(netns: string, errno: string): Explanation | undefined {
  const path = JSON.stringify(netns)
  const attribute = 'options.netns'
  if (BAD_PATH.has(errno)) {
    const problem = `netns: ${path} cannot be opened as a network namespace (${errno}); give a path such as "/run/netns/NAME" or "/proc/PID/ns/net"`
    return { code: 'ERR_IPVS_INVALID_ARGUMENT', problem, attribute }
  }
  if (errno === 'EPERM') {
    const problem = `netns: entering the network namespace ${path} needs CAP_SYS_ADMIN (EPERM)`
    return { code: 'ERR_IPVS_PERMISSION_DENIED', problem, attribute }
  }
  return undefined
}

// A local system call failed before the kernel saw the request.
function explainLocal({ netns }: FailureContext, errno: string): Explanation {
  const namespace = netns === undefined ? undefined : explainNamespace(netns, errno)
  if (namespace !== undefined) return namespace
  switch (errno) {
    case 'EBUSY': {
      const problem =
        'another process was in the middle of a patch in this network namespace for the whole timeoutMs (lslocks shows its lock)'
      return { code: 'ERR_IPVS_CONFLICT', problem: `${problem}; nothing was changed` }
    }
    case 'ETIMEDOUT':
      return { code: 'ERR_IPVS_TIMEOUT', problem: 'the time was over before the request was sent; nothing was changed' }
    case 'EAFNOSUPPORT':
      return { code: 'ERR_IPVS_PERMISSION_DENIED', problem: FORBIDDEN }
    case 'EPROTONOSUPPORT':
      return { code: 'ERR_IPVS_UNAVAILABLE', problem: `generic netlink is missing (${errno}): ${UNAVAILABLE}` }
    case 'EPERM':
    case 'EACCES':
      return {
        code: 'ERR_IPVS_PERMISSION_DENIED',
        problem: `the system does not let this process use netlink (${errno})`,
      }
    default:
      return { code: 'ERR_IPVS_KERNEL', problem: `a system call failed (${errno}) before anything was sent` }
  }
}

// Failures without an errno.
const explanations: Readonly<Record<Exclude<FailureKind, 'rejected' | 'local'>, Explanation>> = {
  unavailable: { code: 'ERR_IPVS_UNAVAILABLE', problem: UNAVAILABLE },
  timeout: { code: 'ERR_IPVS_TIMEOUT', problem: 'the kernel did not reply in time' },
  overrun: { code: 'ERR_IPVS_RECEIVE_OVERRUN', problem: 'the reply was lost: the receive queue was full' },
  truncated: { code: 'ERR_IPVS_RECEIVE_OVERRUN', problem: 'the reply was lost: it did not fit the receive buffer' },
  malformed: { code: 'ERR_IPVS_KERNEL', problem: 'the reply of the kernel is malformed' },
  aborted: { code: 'ERR_IPVS_ABORTED', problem: 'aborted' },
  closed: { code: 'ERR_IPVS_CLOSED', problem: 'the handle was closed' },
  conflict: { code: 'ERR_IPVS_CONFLICT', problem: 'other programs kept changing the table; try again' },
}

export function explainFailure(context: FailureContext, failure: Failure, explain: Explain): Explanation {
  const { kind, unknown } = failure
  if (kind === 'local' && unknown) {
    const problem = `a system call failed (${errnoName(failure.errno)}) afterwards`
    return { code: 'ERR_IPVS_KERNEL', problem }
  }
  if (kind === 'rejected') return explain(context, errnoName(failure.errno), failure)
  return kind === 'local' ? explainLocal(context, errnoName(failure.errno)) : explanations[kind]
}

/** Converts a failure to an error. `explain`: explains errnos of IPVS or of nf_tables. `cause` becomes the error's cause. */
export function failureError(context: FailureContext, failure: Failure, explain: Explain, cause?: unknown): IpvsError {
  const { code, problem, attribute = failure.attribute } = explainFailure(context, failure, explain)
  const unknown = failure.unknown && context.reads !== true
  const said = failure.message === undefined || failure.message === '' ? [] : [`The kernel says: "${failure.message}".`]
  const more = [...said, ...(unknown ? [MAYBE_APPLIED] : []), ...(context.leftovers ? [LEFTOVERS] : [])]
  return new IpvsError(code, [`${problem}.`, ...more].join(' '), {
    ...about(context),
    errno: failure.errno === 0 ? undefined : failure.errno,
    attribute: attribute === '' ? undefined : attribute,
    kernelMessage: failure.message === '' ? undefined : failure.message,
    outcome: unknown ? 'unknown' : 'not-applied',
    leftovers: context.leftovers,
    cause,
  })
}

/** The problem in errors of unexpected exceptions: bugs of this package. Native code reports all other failures itself. */
export const UNEXPECTED = 'something failed unexpectedly'

/** The error of a call after an unexpected exception (a bug). The outcome of a write is unknown. */
export function unexpectedError(context: FailureContext, cause: unknown): IpvsError {
  const outcome = context.reads ? 'not-applied' : 'unknown'
  const problem = `${UNEXPECTED}.${context.reads ? '' : ` ${MAYBE_APPLIED}`}`
  return new IpvsError('ERR_IPVS_KERNEL', problem, { ...about(context), outcome, cause })
}

/** Returns the values of a reply. Throws its first failure, converted by `toError`. */
export function valuesOf<Values>(reply: Reply<Values>, toError: (failure: Failure) => IpvsError): Values {
  const [failure] = reply.failures
  if (failure !== undefined) throw toError(failure)
  return reply as Values
}
