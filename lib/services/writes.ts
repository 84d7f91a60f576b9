// Builds the request of each write. All arguments are validated here, before anything is sent.
import { changedDestinationRow } from './destination-patch.ts'
import { destinationIdentity, newDestinationRow, parseDestinationKey, readDestination } from './destination.ts'
import type { RequestContext } from '../calls/context.ts'
import { operationCode, serviceReader } from '../binding/records.ts'
import { serviceIdentity, type ServiceIdentity } from './service-key.ts'
import { serviceChange } from './service-patch.ts'
import { newServiceRow, parseServiceKey, readService } from './service.ts'
import type { PreparedWrite, Write } from '../calls/requests.ts'
import { newSyncDaemon, syncDaemonOf } from './sync-daemon.ts'
import { timeoutsRow } from './timeouts.ts'

// Looked up once, since batches need a code for each item.
const codes = {
  addService: operationCode('addService'),
  updateService: operationCode('updateService'),
  removeService: operationCode('removeService'),
  addDestination: operationCode('addDestination'),
  updateDestination: operationCode('updateDestination'),
  removeDestination: operationCode('removeDestination'),
}

/** Parses the key of a service and makes it the target of errors. A whole service is a valid key. */
export function serviceOf(context: RequestContext, key: unknown): ServiceIdentity {
  const identity = parseServiceKey(key)
  context.target = identity
  return identity
}

export function addService(context: RequestContext, service: unknown): Write {
  const fields = readService(service, 'service')
  const identity = serviceIdentity(fields, 'service')
  context.target = identity
  const row = newServiceRow(identity, fields)
  context.scheduler = row.scheduler
  context.persistenceEngine = row.persistenceEngine
  return { code: codes.addService, service: row }
}

export function updateService(context: RequestContext, key: unknown, patch: unknown): PreparedWrite {
  const identity = serviceOf(context, key)
  const change = serviceChange(identity, readService(patch, 'patch'))
  context.scheduler = change.scheduler
  context.persistenceEngine = change.persistenceEngine
  return {
    read: change.needsCurrent ? { code: operationCode('getService'), key: identity.row } : undefined,
    write: (rows) => ({
      code: codes.updateService,
      service: change.row(rows === undefined ? undefined : serviceReader.rows(rows).at(0)),
    }),
  }
}

export function removeService(context: RequestContext, key: unknown): Write {
  return { code: codes.removeService, service: serviceOf(context, key).row }
}

export function addDestination(context: RequestContext, key: unknown, destination: unknown): Write {
  const service = serviceOf(context, key)
  const fields = readDestination(destination, 'destination')
  const identity = destinationIdentity(service, fields)
  context.target = identity
  const row = newDestinationRow(service, identity, fields)
  return { code: codes.addDestination, service: service.row, destination: row }
}

export function updateDestination(context: RequestContext, key: unknown, destination: unknown, patch: unknown): Write {
  const service = serviceOf(context, key)
  const identity = parseDestinationKey(service, destination)
  context.target = identity
  const row = changedDestinationRow(service, identity, readDestination(patch, 'patch'))
  return { code: codes.updateDestination, service: service.row, destination: row }
}

export function removeDestination(context: RequestContext, key: unknown, destination: unknown): Write {
  const service = serviceOf(context, key)
  const identity = parseDestinationKey(service, destination)
  context.target = identity
  return { code: codes.removeDestination, service: service.row, destination: identity.row }
}

export function flush(context: RequestContext): Write {
  context.target = 'all services'
  return { code: operationCode('flush') }
}

export function zeroCounters(context: RequestContext, key: unknown): Write {
  if (key !== undefined) return { code: operationCode('zeroService'), service: serviceOf(context, key).row }
  context.target = 'all services'
  return { code: operationCode('zeroAll') }
}

export function setTimeouts(context: RequestContext, timeouts: unknown): Write {
  context.target = 'timeouts'
  return { code: operationCode('setTimeouts'), timeouts: timeoutsRow(timeouts) }
}

export function startSyncDaemon(context: RequestContext, daemon: unknown): Write {
  const { row, target } = newSyncDaemon(daemon)
  context.target = target
  return { code: operationCode('startSyncDaemon'), daemon: row }
}

export function stopSyncDaemon(context: RequestContext, role: unknown): Write {
  const { row, target } = syncDaemonOf(role)
  context.target = target
  return { code: operationCode('stopSyncDaemon'), daemon: row }
}
