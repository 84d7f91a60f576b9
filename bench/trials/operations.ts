// The writes of a phase, as operations of `Ipvs.batch`.
import type { Destination, DestinationKey, DestinationPatch, Service, ServiceKey } from 'ipvs'

import { destinationAt, serviceAt, serviceKey, type Table } from './table.ts'
import type { Phase } from './trials.ts'

export type Operation =
  | { readonly operation: 'addService'; readonly service: Service }
  | { readonly operation: 'removeService'; readonly service: ServiceKey }
  | { readonly operation: 'addDestination'; readonly service: ServiceKey; readonly destination: Destination }
  | { readonly operation: 'removeDestination'; readonly service: ServiceKey; readonly destination: DestinationKey }
  | {
      readonly operation: 'updateDestination'
      readonly service: ServiceKey
      readonly destination: DestinationKey
      readonly patch: DestinationPatch
    }

/** The weight that updates set. */
export const newWeight = 2

type Make = (table: Table, service: number, destination: number) => Operation

const eachService =
  (make: (table: Table, service: number) => Operation, each?: Make) =>
  (table: Table): Operation[] => {
    const operations: Operation[] = []
    for (let service = 0; service < table.services; service++) {
      operations.push(make(table, service))
      if (each === undefined) continue
      for (let i = 0; i < table.destinations; i++) operations.push(each(table, service, i))
    }
    return operations
  }

const eachDestination =
  (make: Make) =>
  (table: Table): Operation[] =>
    Array.from({ length: table.services * table.destinations }, (_, index) =>
      make(table, Math.floor(index / table.destinations), index % table.destinations),
    )

const keyAt = (table: Table, service: number, destination: number): DestinationKey => {
  const { address, port } = destinationAt(table, service, destination)
  return port === undefined ? { address } : { address, port }
}

const makers: Partial<Record<Phase, (table: Table) => Operation[]>> = {
  add: eachService(
    (table, service) => ({ operation: 'addService', service: serviceAt(table, service) }),
    (table, service, i) => ({
      operation: 'addDestination',
      service: serviceKey(table, service),
      destination: destinationAt(table, service, i),
    }),
  ),
  remove: eachService((table, service) => ({ operation: 'removeService', service: serviceKey(table, service) })),
  update: eachDestination((table, service, i) => ({
    operation: 'updateDestination',
    service: serviceKey(table, service),
    destination: keyAt(table, service, i),
    patch: { weight: newWeight },
  })),
  removeDestinations: eachDestination((table, service, i) => ({
    operation: 'removeDestination',
    service: serviceKey(table, service),
    destination: keyAt(table, service, i),
  })),
}

/** Returns undefined for phases without writes. */
export function operationsOf(phase: Phase, table: Table): Operation[] | undefined {
  return makers[phase]?.(table)
}
