// Items of a batch, and their conversion to writes.
import type { Destination, DestinationKey, DestinationPatch, ListedDestination } from '../services/destination-types.ts'
import type { PreparedWrite, Write } from '../calls/requests.ts'
import * as requests from '../services/writes.ts'
import type { RequestContext } from '../calls/context.ts'
import type { ServiceKey } from '../services/service-key.ts'
import type { Service, ServicePatch } from '../services/service.ts'
import { FieldSet, InvalidInput, oneOf, type Fields, type PickFields } from '../values/validate.ts'

/**
 * One item of a batch: the name of a method of `Ipvs` with its arguments by name. `operation` is the method; `service`,
 * `destination` and `patch` are what the method accepts. `zeroCounters` without `service` zeroes all counters.
 */
export type BatchOperation =
  | { readonly operation: 'addService'; readonly service: Service }
  | { readonly operation: 'updateService'; readonly service: ServiceKey; readonly patch: ServicePatch }
  | { readonly operation: 'removeService'; readonly service: ServiceKey }
  | {
      readonly operation: 'addDestination'
      readonly service: ServiceKey
      readonly destination: Destination | ListedDestination
    }
  | {
      readonly operation: 'updateDestination'
      readonly service: ServiceKey
      readonly destination: DestinationKey
      readonly patch: DestinationPatch | ListedDestination
    }
  | { readonly operation: 'removeDestination'; readonly service: ServiceKey; readonly destination: DestinationKey }
  | { readonly operation: 'zeroCounters'; readonly service?: ServiceKey | undefined }
  | { readonly operation: 'flush' }

type OperationName = BatchOperation['operation']

const itemNames = ['operation', 'service', 'destination', 'patch'] as const
type ItemFields = Fields<(typeof itemNames)[number]>

const pickItem: PickFields<(typeof itemNames)[number]> = (given, present, bit) => ({
  operation: present & bit.operation ? given.operation : undefined,
  service: present & bit.service ? given.service : undefined,
  destination: present & bit.destination ? given.destination : undefined,
  patch: present & bit.patch ? given.patch : undefined,
})
export const itemFields: FieldSet<(typeof itemNames)[number]> = new FieldSet(itemNames, pickItem)

interface Preparation {
  readonly prepare: (context: RequestContext, fields: ItemFields) => Write | PreparedWrite
  readonly destination?: true
  readonly patch?: true
}

const preparations: Readonly<Record<OperationName, Preparation>> = {
  addService: { prepare: (context, { service }) => requests.addService(context, service) },
  updateService: {
    prepare: (context, { service, patch }) => requests.updateService(context, service, patch),
    patch: true,
  },
  removeService: { prepare: (context, { service }) => requests.removeService(context, service) },
  addDestination: {
    prepare: (context, { service, destination }) => requests.addDestination(context, service, destination),
    destination: true,
  },
  updateDestination: {
    prepare: (context, { service, destination, patch }) =>
      requests.updateDestination(context, service, destination, patch),
    destination: true,
    patch: true,
  },
  removeDestination: {
    prepare: (context, { service, destination }) => requests.removeDestination(context, service, destination),
    destination: true,
  },
  zeroCounters: { prepare: (context, { service }) => requests.zeroCounters(context, service) },
  flush: {
    prepare: (context, { service }) => {
      if (service !== undefined) throw new InvalidInput('item.service', 'flush removes all services')
      return requests.flush(context)
    },
  },
}
const names = Object.keys(preparations) as OperationName[]
const byName = new Map<unknown, Preparation>(Object.entries(preparations))

/** Validates an item. Throws `InvalidInput`; `context` then has the details that were parsed before. */
export function prepareItem(context: RequestContext & { operation: string }, item: unknown): Write | PreparedWrite {
  context.operation = 'batch'
  context.target = ''
  const fields = itemFields.read(item, 'item')
  const { operation } = fields
  const preparation = byName.get(operation) ?? preparations[oneOf(operation, 'item.operation', names)]
  context.operation = operation as OperationName
  if (fields.destination !== undefined && preparation.destination === undefined) throw unused('destination', operation)
  if (fields.patch !== undefined && preparation.patch === undefined) throw unused('patch', operation)
  return preparation.prepare(context, fields)
}

function unused(field: string, operation: unknown): InvalidInput {
  return new InvalidInput(`item.${field}`, `${operation as string} takes no ${field}; remove it`)
}
