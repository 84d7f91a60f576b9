// What went wrong, as ipvsadm says it where it has words of its own.
import type { IpvsError, IpvsErrorCode } from 'ipvs'

const sentences: Partial<Record<IpvsErrorCode, string>> = {
  ERR_IPVS_SERVICE_EXISTS: 'Service already exists',
  ERR_IPVS_DESTINATION_NOT_FOUND: 'No such destination',
  ERR_IPVS_DESTINATION_EXISTS: 'Destination already exists',
  ERR_IPVS_SCHEDULER_NOT_FOUND: 'Scheduler or persistence engine not found',
  ERR_IPVS_PERSISTENCE_ENGINE_NOT_FOUND: 'Scheduler or persistence engine not found',
  ERR_IPVS_DAEMON_EXISTS: 'Daemon has already run',
  ERR_IPVS_DAEMON_NOT_RUNNING: 'No daemon is running',
  ERR_IPVS_INTERFACE_NOT_FOUND: 'No such device',
  ERR_IPVS_PERMISSION_DENIED: 'Permission denied (you must be root)',
}

/** One line for an error; what scripts may know is said in the same words. */
export function messageOf(error: IpvsError): string {
  if (error.code === 'ERR_IPVS_SERVICE_NOT_FOUND') {
    return error.operation.endsWith('Destination') ? 'Service not defined' : 'No such service'
  }
  return sentences[error.code] ?? error.message
}
