// Operations as arguments of ipvsadm.
import type { Destination, DestinationKey, ServiceKey } from 'ipvs'

import type { Operation } from './operations.ts'

function keyArguments(key: ServiceKey): string[] {
  return 'fwmark' in key ? ['-f', String(key.fwmark)] : ['-t', `${key.address}:${key.port}`]
}

function realServer(destination: Destination | DestinationKey): string[] {
  return ['-r', `${destination.address}:${destination.port ?? 0}`]
}

/** ipvsadm has no patch: `-e` sets all settings. */
export function commandOf(operation: Operation): string[] {
  const key = keyArguments(operation.service)
  switch (operation.operation) {
    case 'addService':
      return ['-A', ...key, '-s', String(operation.service.scheduler)]
    case 'removeService':
      return ['-D', ...key]
    case 'addDestination':
      return ['-a', ...key, ...realServer(operation.destination), '-m', '-w', String(operation.destination.weight)]
    case 'updateDestination':
      return ['-e', ...key, ...realServer(operation.destination), '-m', '-w', String(operation.patch.weight)]
    default:
      return ['-d', ...key, ...realServer(operation.destination)]
  }
}
