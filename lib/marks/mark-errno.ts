// Explains errnos of nf_tables.
import type { Failure } from '../binding/replies.ts'
import { IpvsError, about } from '../values/errors.ts'
import { LEFTOVERS, errnoName, explainFailure, failureError } from '../calls/failure.ts'
import type { Explain, FailureContext } from '../calls/context.ts'

const UNAVAILABLE =
  'the running kernel does not offer what firewall marks need: nf_tables with the family inet. Load it with ' +
  '"modprobe nf_tables" (for a container, on the host), or use a kernel built with CONFIG_NF_TABLES and ' +
  'CONFIG_NF_TABLES_INET'

const PERMISSION =
  'nf_tables needs CAP_NET_ADMIN in the user namespace that owns the network namespace, even for reading (EPERM). Run ' +
  'as root or give the process that capability'

/** Errno of native code for a ruleset that changed since it was read. Node.js has no name for it. */
export const ERESTART = 85

/** Explains the errno with which nf_tables refused a change. */
export const explainMarkErrno: Explain = (_context, errno, failure) => {
  if (failure.errno === ERESTART) {
    const problem = 'other programs kept changing the nf_tables ruleset, so nothing was changed; try again (ERESTART)'
    return { code: 'ERR_IPVS_CONFLICT', problem }
  }
  switch (errno) {
    case 'EPERM':
      return { code: 'ERR_IPVS_PERMISSION_DENIED', problem: PERMISSION }
    case 'EEXIST': {
      const problem = 'the table has an element for some of these packets already; see list() (EEXIST)'
      return { code: 'ERR_IPVS_CONFLICT', problem }
    }
    default:
      return { code: 'ERR_IPVS_KERNEL', problem: `nf_tables refuses (${errno})` }
  }
}

const explainMissing: Explain = (_context, errno) => {
  return { code: 'ERR_IPVS_UNAVAILABLE', problem: `${UNAVAILABLE} (${errno})` }
}

const TOO_LARGE =
  'the change does not fit the send buffer that this process may have. A transaction cannot be split: make several ' +
  'smaller calls, raise the sysctl net.core.wmem_max, or run with CAP_NET_ADMIN in the initial user namespace (EMSGSIZE)'

const explainTooLarge: Explain = () => ({ code: 'ERR_IPVS_PERMISSION_DENIED', problem: TOO_LARGE })

// Detects a missing nf_tables, which has an explanation of its own.
function isMissing({ kind, errno }: Failure): boolean {
  return kind === 'unavailable' || (kind === 'local' && errnoName(errno) === 'EPROTONOSUPPORT')
}

/** The error of a change that was applied, but whose temporary rules may remain. `cause` becomes the error's cause. */
export function leftoversError(context: FailureContext, leftovers: Failure, cause?: unknown): IpvsError {
  const { code, problem } = explainFailure(context, { ...leftovers, unknown: true }, explainMarkErrno)
  return new IpvsError(code, `the change was applied, but its cleanup failed: ${problem}. ${LEFTOVERS}`, {
    ...about(context),
    errno: leftovers.errno === 0 ? undefined : leftovers.errno,
    outcome: 'applied',
    leftovers: true,
    cause,
  })
}

/** Converts a failure of a marks session to an error. `cause` becomes the error's cause. */
export function markError(context: FailureContext, failure: Failure, cause?: unknown): IpvsError {
  if (isMissing(failure)) return failureError(context, { ...failure, kind: 'rejected' }, explainMissing, cause)
  if (failure.kind === 'local' && errnoName(failure.errno) === 'EMSGSIZE') {
    return failureError(context, { ...failure, kind: 'rejected' }, explainTooLarge, cause)
  }
  if (failure.attribute !== 'table') return failureError(context, failure, explainMarkErrno, cause)
  // The table contains foreign objects that prevent the operation; native code describes them in `message`.
  const { message = '', ...rest } = failure
  const explain: Explain = (_context, errno) => ({
    code: 'ERR_IPVS_INVALID_ARGUMENT',
    problem: `${message} (${errno})`,
    attribute: 'options.table',
  })
  return failureError(context, rest, explain, cause)
}
