// Items of a batch on their way: collected as rows, sent in one native call, and remembered until the answer is there.
import { familyName } from './address.ts'
import type { Failure, Reply } from './binding.ts'
import { DestinationIdentity } from './destination.ts'
import type { FailureContext } from './failure.ts'
import { destinationReader, serviceReader, type DestinationRow, type ServiceRow } from './records.ts'
import type { RowBlock } from './rows.ts'
import { ServiceIdentity, protocolName } from './service-key.ts'
import type { Channel, Write } from './steps.ts'

/** An item with its place in the batch. */
export interface Placed<Item> {
  readonly index: number
  readonly item: Item
}

/** A block that was sent. */
export interface SentBlock<Item> {
  readonly length: number
  readonly reply: Promise<Reply>
  readonly callId: number
  /** The item that a failure is about. */
  placed(failure: Pick<Failure, 'index'>): Placed<Item>
  /** What that was about, from the row that was sent: the item may have changed since. */
  context(failure: Failure): FailureContext
}

export class BatchBlock<Item> {
  readonly #services: RowBlock<ServiceRow>
  readonly #destinations: RowBlock<DestinationRow>
  readonly #triples: Uint32Array
  #items: Placed<Item>[] = []
  #names: string[] = []

  constructor({ writers }: Channel, capacity: number) {
    this.#services = writers.services.block(capacity)
    this.#destinations = writers.destinations.block(capacity)
    this.#triples = new Uint32Array(capacity * 3)
  }

  get length(): number {
    return this.#items.length
  }

  /** Throws `InvalidInput`, and adds nothing, when a value does not fit its row. */
  add(operation: string, { code, service, destination }: Write, placed: Placed<Item>): void {
    const first = service === undefined ? 0 : this.#services.append(service)
    const second = destination === undefined ? 0 : this.#destinations.append(destination)
    const at = this.#items.length * 3
    this.#triples[at] = code
    this.#triples[at + 1] = first
    this.#triples[at + 2] = second
    this.#items.push(placed)
    this.#names.push(operation)
  }

  /** Sends what is there and starts anew. */
  send(channel: Channel, stopOnError: boolean): SentBlock<Item> {
    const items = this.#items
    const names = this.#names
    const triples = this.#triples.slice(0, items.length * 3)
    const services = this.#services.toBuffer()
    const destinations = this.#destinations.toBuffer()
    this.#items = []
    this.#names = []
    this.#services.clear()
    this.#destinations.clear()
    const call = { ...channel.nextCall(), stopOnError }
    return {
      length: items.length,
      callId: call.id,
      reply: (async () => channel.session.execute(call, triples, services, destinations))(),
      placed: ({ index }) => items[index] as Placed<Item>,
      context: ({ index }) => {
        const [, service, destination] = triples.subarray(index * 3) as unknown as [number, number, number]
        const operation = names[index] as string
        const aboutDestination = operation.endsWith('Destination')
        const row = services.byteLength === 0 ? {} : serviceReader.rows(services).at(service)
        const other = aboutDestination ? destinationReader.rows(destinations).at(destination) : undefined
        return contextOf(operation, row, other)
      },
    }
  }
}

function contextOf(operation: string, row: ServiceRow, destination: DestinationRow | undefined): FailureContext {
  if (row.family === undefined) return { operation, target: 'all services' }
  const family = familyName(row.family)
  const protocol = row.fwmark === undefined ? protocolName(row.protocol ?? 0) : undefined
  const service = new ServiceIdentity(row, family, protocol)
  const { scheduler, persistenceEngine } = row
  if (destination === undefined) return { operation, target: service, scheduler, persistenceEngine }
  const { address, port = 0 } = destination
  const identity = new DestinationIdentity(
    service,
    { family: familyName(destination.family), bytes: address as Uint8Array },
    port,
  )
  return { operation, target: identity }
}
