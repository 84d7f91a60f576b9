// A block of batch items: collected as rows, sent in one native call, and kept until the reply.
import { Address, familyName } from '../values/address.ts'
import type { BatchCall } from '../binding/addon.ts'
import type { Failure, Reply } from '../binding/replies.ts'
import { DestinationIdentity } from '../services/destination.ts'
import type { FailureContext } from '../calls/context.ts'
import { UNUSUAL, packItems } from './native-packer.ts'
import { destinationReader, operationCode, operationName, serviceReader } from '../binding/records.ts'
import type { DestinationRow, ServiceRow } from '../binding/record-types.ts'
import type { RowBlock } from '../binding/row-writer.ts'
import { ServiceIdentity } from '../services/service-key.ts'
import { protocolName } from '../values/protocol.ts'
import { OperationTriples } from '../calls/operation-triples.ts'
import type { Channel, Write } from '../calls/requests.ts'

/** Blocks are reused: allocating megabytes per thousand items would take longer than filling them. */
export class BatchBlock<Item> {
  readonly #services: RowBlock<ServiceRow>
  readonly #destinations: RowBlock<DestinationRow>
  readonly #triples: OperationTriples
  readonly #indexes: Uint32Array
  #items: Item[] = []
  #first: number | undefined // if all items were packed: the index of the first; the rest are consecutive
  #last: ServiceRow | undefined
  #lastRow = 0

  constructor({ writers }: Channel, capacity: number) {
    this.#services = writers.services.block(capacity)
    this.#destinations = writers.destinations.block(capacity)
    this.#triples = new OperationTriples(capacity)
    this.#indexes = new Uint32Array(capacity)
  }

  get length(): number {
    return this.#items.length
  }

  /**
   * Packs items into an empty block. Returns how many items were not packed. If not 0, call `keep` for each item, in order.
   * `index`: index of the first item in the batch.
   */
  pack(items: Item[], index: number): number {
    const triples = this.#triples.words(items.length)
    const { services, destinations, unusual } = packItems(
      items,
      triples,
      this.#services.room(),
      this.#destinations.room(),
    )
    this.#services.adopt(services)
    this.#destinations.adopt(destinations)
    if (unusual > 0) return unusual
    this.#items = items
    this.#first = index
    return 0
  }

  /** Keeps item number `position` of the last `pack`. Returns false if the item was not packed: then call `add`. */
  keep(position: number, index: number, item: Item): boolean {
    const code = this.#triples.code(position)
    if (code === UNUSUAL) return false
    this.#place(code, this.#triples.row(position), this.#triples.destination(position), index, item)
    return true
  }

  /** Adds an item. `index`: its index in the batch. Throws `InvalidInput`, without adding it, if a value does not fit its row. */
  add({ code, service, destination }: Write, index: number, item: Item): void {
    const row = service === undefined ? 0 : this.#serviceRow(service)
    const destinationRow = destination === undefined ? 0 : this.#destinations.append(destination)
    this.#place(code, row, destinationRow, index, item)
  }

  #place(code: number, row: number, destination: number, index: number, item: Item): void {
    const place = this.#items.length
    this.#triples.put(place, code, row, destination)
    this.#indexes[place] = index
    this.#items.push(item)
  }

  // Consecutive items of a service share its row.
  #serviceRow(service: ServiceRow): number {
    if (service !== this.#last) {
      this.#lastRow = this.#services.append(service)
      this.#last = service
    }
    return this.#lastRow
  }

  send({ session }: Channel, call: BatchCall): Promise<Reply> {
    const triples = this.#triples.words(this.length)
    const services = this.#services.bytes()
    const destinations = this.#destinations.bytes()
    return (async () => session.execute(call, triples, services, destinations))()
  }

  clear(): void {
    this.#last = undefined
    this.#services.clear()
    this.#destinations.clear()
    this.#items = []
    this.#first = undefined
  }

  /** Index in the batch of item number `place` of this block. */
  indexAt(place: number): number {
    return this.#first === undefined ? (this.#indexes[place] as number) : this.#first + place
  }

  itemAt(place: number): Item {
    return this.#items[place] as Item
  }

  /** Context of a failure, from the sent rows: the user may have changed the item since. */
  context({ index }: Failure): FailureContext {
    const code = this.#triples.code(index)
    const operation = operationName(code)
    if (ofAllServices.has(code)) return { operation, target: 'all services' }
    const row = serviceReader.rows(bufferOf(this.#services)).at(this.#triples.row(index))
    if (!operation.endsWith('Destination')) return serviceContext(operation, row)
    const destination = destinationReader.rows(bufferOf(this.#destinations))
    const { address, family, port = 0 } = destination.at(this.#triples.destination(index))
    const place = new Address(familyName(family), address as Uint8Array)
    return { operation, target: new DestinationIdentity(identityOf(row), place, port) }
  }
}

const ofAllServices = new Set(['flush', 'zeroAll'].map(operationCode))

const bufferOf = (block: RowBlock<unknown>) => block.bytes().buffer as ArrayBuffer

function identityOf(row: ServiceRow): ServiceIdentity {
  const protocol = row.fwmark === undefined ? protocolName(row.protocol ?? 0) : undefined
  return new ServiceIdentity(row, familyName(row.family), protocol)
}

function serviceContext(operation: string, row: ServiceRow): FailureContext {
  const { scheduler, persistenceEngine } = row
  return { operation, target: identityOf(row), scheduler, persistenceEngine }
}
