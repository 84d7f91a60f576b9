// Explains errnos of IPVS. The meaning of an errno depends on the operation.
import type { Failure } from '../binding/replies.ts'
import type { Explanation, FailureContext } from '../calls/context.ts'
import { schedulers } from './scheduler.ts'

// ENOENT of a service operation: no module for the scheduler or for the persistence engine; the kernel does not report which.
function missingModule({ scheduler, persistenceEngine }: FailureContext): Explanation {
  const schedulerText = scheduler === undefined ? 'the scheduler of the service' : `scheduler "${scheduler}"`
  const hint = scheduler === undefined ? '"modprobe ip_vs_NAME"' : `"modprobe ip_vs_${scheduler}"`
  if (persistenceEngine === undefined || persistenceEngine === '') {
    const problem = `the kernel does not know ${schedulerText}, and found no module for it; try ${hint} (ENOENT)`
    return { code: 'ERR_IPVS_SCHEDULER_NOT_FOUND', problem, attribute: 'service.scheduler' }
  }
  const problem =
    `the kernel does not know persistence engine "${persistenceEngine}" or ${schedulerText}, and does not say which; ` +
    `try "modprobe ip_vs_pe_${persistenceEngine}" and ${hint} (ENOENT)`
  const usual = scheduler === undefined || schedulers.includes(scheduler)
  return usual
    ? { code: 'ERR_IPVS_PERSISTENCE_ENGINE_NOT_FOUND', problem, attribute: 'service.persistenceEngine' }
    : { code: 'ERR_IPVS_SCHEDULER_NOT_FOUND', problem, attribute: 'service.scheduler' }
}

function missing(context: FailureContext): Explanation | undefined {
  switch (context.operation) {
    case 'addService':
    case 'updateService':
      return missingModule(context)
    case 'updateDestination':
    case 'removeDestination': {
      const problem = 'the service has no such destination (ENOENT)'
      return { code: 'ERR_IPVS_DESTINATION_NOT_FOUND', problem }
    }
    default:
      return undefined
  }
}

// ESRCH: the service, or the daemon, does not exist.
function absent({ operation }: FailureContext): Explanation {
  return operation === 'stopSyncDaemon'
    ? { code: 'ERR_IPVS_DAEMON_NOT_RUNNING', problem: 'no synchronisation daemon of this role runs (ESRCH)' }
    : { code: 'ERR_IPVS_SERVICE_NOT_FOUND', problem: 'there is no such service (ESRCH)' }
}

function exists({ operation }: FailureContext): Explanation | undefined {
  switch (operation) {
    case 'addService': {
      const problem = 'the service exists already; change it with updateService() (EEXIST)'
      return { code: 'ERR_IPVS_SERVICE_EXISTS', problem }
    }
    case 'addDestination': {
      const problem = 'the service has this destination already; change it with updateDestination() (EEXIST)'
      return { code: 'ERR_IPVS_DESTINATION_EXISTS', problem }
    }
    case 'startSyncDaemon': {
      const problem = 'a synchronisation daemon of this role runs already; stop it with stopSyncDaemon() (EEXIST)'
      return { code: 'ERR_IPVS_DAEMON_EXISTS', problem }
    }
    default:
      return undefined
  }
}

// EINVAL: the kernel refuses a value. The checks of netlink name the attribute. The checks of IPVS do not: the message then lists
// possible reasons, for a value that passed our own validation.
function refusedValue({ operation }: FailureContext, { attribute }: Failure): Explanation {
  if (attribute !== undefined && attribute !== '') {
    return { code: 'ERR_IPVS_INVALID_ARGUMENT', problem: `the kernel refuses the value of ${attribute} (EINVAL)` }
  }
  const problem = `the kernel refuses a value (EINVAL)${reasonsOf(operation)}`
  return { code: 'ERR_IPVS_INVALID_ARGUMENT', problem }
}

function reasonsOf(operation: string): string {
  if (operation.endsWith('Destination')) {
    return (
      '. The destination address must be unicast: not broadcast, multicast or, for IPv6, link-local; ' +
      'while a synchronisation daemon runs, it must have the address family of its service'
    )
  }
  if (operation === 'startSyncDaemon') {
    return (
      ', most likely because a service has a destination of the other address family (a tunnel): synchronisation ' +
      'daemons do not support that. Remove the destination first'
    )
  }
  return '; the kernel does not report which one, but its log may'
}

// Errors of the daemon's socket, the only part of IPVS that depends on interfaces and routes.
function refusedSocket({ operation }: FailureContext, errno: string): Explanation | undefined {
  if (operation !== 'startSyncDaemon') return undefined
  switch (errno) {
    case 'ENODEV': {
      const problem = "there is no such network interface in the handle's network namespace (ENODEV)"
      return { code: 'ERR_IPVS_INTERFACE_NOT_FOUND', problem, attribute: 'daemon.interface' }
    }
    case 'ENETUNREACH':
    case 'EADDRNOTAVAIL': {
      const problem = `the interface cannot send to the group; is it up, with an address of that family? (${errno})`
      return { code: 'ERR_IPVS_KERNEL', problem, attribute: 'daemon.interface' }
    }
    case 'EADDRINUSE': {
      const problem = 'the UDP port is in use in this network namespace (EADDRINUSE)'
      return { code: 'ERR_IPVS_KERNEL', problem, attribute: 'daemon.multicast.port' }
    }
    default:
      return undefined
  }
}

const PERMISSION =
  'IPVS needs CAP_NET_ADMIN in the initial user namespace, even for reading (EPERM). Run as root or give the process ' +
  'that capability; being root in a user namespace (rootless containers) is not enough'

/** Explains an errno that IPVS returned for an operation. */
export function explainServiceErrno(context: FailureContext, errno: string, failure: Failure): Explanation {
  const other: Explanation = { code: 'ERR_IPVS_KERNEL', problem: `the kernel refuses (${errno})` }
  switch (errno) {
    case 'EPERM':
      return { code: 'ERR_IPVS_PERMISSION_DENIED', problem: PERMISSION }
    case 'ESRCH':
      return absent(context)
    case 'EEXIST':
      return exists(context) ?? other
    case 'ENOENT':
      return missing(context) ?? other
    case 'EINVAL':
      return refusedValue(context, failure)
    case 'ERANGE': {
      const problem =
        'the kernel refuses a weight or threshold as out of range; is lowerThreshold above upperThreshold? (ERANGE)'
      return { code: 'ERR_IPVS_INVALID_ARGUMENT', problem }
    }
    case 'EAFNOSUPPORT': {
      const problem = 'IPv6 is disabled in this kernel, or IPVS was built without it, CONFIG_IP_VS_IPV6 (EAFNOSUPPORT)'
      return { code: 'ERR_IPVS_UNAVAILABLE', problem }
    }
    case 'ENOPROTOOPT':
      return { code: 'ERR_IPVS_UNAVAILABLE', problem: 'the kernel is just unloading IPVS (ENOPROTOOPT)' }
    default:
      return refusedSocket(context, errno) ?? other
  }
}
