// What an errno of the kernel means: the same number means different things for different operations.
import type { Failure } from './binding.ts'
import type { Explanation, FailureContext } from './failure.ts'
import { schedulers } from './scheduler.ts'

// ENOENT stands for whatever a module would have brought: scheduler, persistence engine. The errno does not say which.
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
    default:
      return undefined
  }
}

// IPVS never says why it refuses a value: these are the reasons left after our own checks.
function refusedValue({ operation }: FailureContext, { attribute }: Failure): Explanation {
  if (attribute !== undefined && attribute !== '') {
    return { code: 'ERR_IPVS_INVALID_ARGUMENT', problem: `the kernel refuses the value of ${attribute} (EINVAL)` }
  }
  const reasons = operation.endsWith('Destination')
    ? '. Its address must be one that the director would send to: not broadcast, multicast or, for IPv6, link-local; ' +
      'and one of the other address family excludes a running synchronisation daemon'
    : ' without saying which; the kernel log may tell'
  return { code: 'ERR_IPVS_INVALID_ARGUMENT', problem: `the kernel refuses a value (EINVAL)${reasons}` }
}

const PERMISSION =
  'IPVS needs CAP_NET_ADMIN in the initial user namespace, even for reading (EPERM). Run as root or give the process ' +
  'that capability; being root in a user namespace (rootless containers) is not enough'

/** Explains the errno with which IPVS refused an operation. */
export function explainRejection(context: FailureContext, errno: string, failure: Failure): Explanation {
  const other: Explanation = { code: 'ERR_IPVS_KERNEL', problem: `the kernel refuses (${errno})` }
  switch (errno) {
    case 'EPERM':
      return { code: 'ERR_IPVS_PERMISSION_DENIED', problem: PERMISSION }
    case 'ESRCH':
      return { code: 'ERR_IPVS_SERVICE_NOT_FOUND', problem: 'there is no such service (ESRCH)' }
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
      return other
  }
}
