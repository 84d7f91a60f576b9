// A kernel that is lists of services: it lists them, adds and removes services, and refuses when told to.
import { IpvsError, type BatchOperation, type Service } from 'ipvs'
import { stateEntries, type CurrentService } from 'ipvs/state'
import type { OpenKernel } from '../../src/control/kernel.ts'

const statistics = { connections: 0n, inPackets: 0n, outPackets: 0n, inBytes: 0n, outBytes: 0n }
const idle = { activeConnections: 0, inactiveConnections: 0, persistentConnections: 0, statistics }

export class FakeKernel {
  services: CurrentService[] = []
  /** Every change fails with this text. */
  refuses: string | undefined
  /** Listing fails with this text. */
  silent: string | undefined

  /** As the daemon and the loop use it; no rules. */
  get handles(): OpenKernel {
    const ipvs = {
      getTimeouts: async () => ({ tcp: 900, tcpFin: 120, udp: 300 }),
      listSyncDaemons: async () => [],
      snapshotTable: async () => {
        if (this.silent !== undefined) throw this.#error('snapshot', this.silent)
        return this.services.map(({ service, destinations }) => ({ ...service, destinations, statistics: {} }))
      },
      snapshot: async () => {
        if (this.silent !== undefined) throw this.#error('snapshot', this.silent)
        return this.services.map(({ service, destinations }) => ({
          ...service,
          destinations: destinations.map((each) => ({ ...each, ...idle })),
        }))
      },
      batch: async (operations: readonly BatchOperation[]) => this.#batch(operations),
    }
    const marks = {
      list: async () => [],
      listNat: async () => [],
      findMarks: async () => [],
      status: async () => ({ problems: [] }),
    }
    return { ipvs, marks } as unknown as OpenKernel
  }

  #error(operation: string, text: string): IpvsError {
    return new IpvsError('ERR_IPVS_KERNEL', text, { operation, target: '' })
  }

  #batch(operations: readonly BatchOperation[]): object {
    if (this.refuses !== undefined) {
      const error = this.#error('batch', this.refuses)
      const failures = operations.map((operation, index) => ({ index, operation, error }))
      return { applied: 0, failures, done: operations.length }
    }
    for (const each of operations) this.#apply(each)
    return { applied: operations.length, failures: [], done: operations.length }
  }

  #apply(given: BatchOperation): void {
    // Listed settings are what the loop sends: no defaults to fill in.
    const { operation, service, destination, patch } = given as unknown as Item
    const key = keyOf(service)
    const index = this.services.findIndex((each) => keyOf(each.service) === key)
    const found = this.services[index]
    if (operation === 'addService') this.services.push({ service, destinations: [] })
    else if (found === undefined) throw new Error(`the fake kernel has no ${key}`)
    else if (operation === 'removeService') this.services.splice(index, 1)
    else {
      const others = found.destinations.filter(({ address }) => address !== destination.address)
      const before = found.destinations.find(({ address }) => address === destination.address)
      const after = {
        addDestination: destination,
        updateDestination: { ...before, ...patch },
        removeDestination: undefined,
      }
      if (!(operation in after)) throw new Error(`the fake kernel cannot ${operation}`)
      const row = after[operation as keyof typeof after] as CurrentService['destinations'][number] | undefined
      this.services[index] = { ...found, destinations: row === undefined ? others : [row, ...others] }
    }
  }
}

interface Item {
  readonly operation: string
  readonly service: CurrentService['service']
  readonly destination: CurrentService['destinations'][number]
  readonly patch: object
}

const keyOf = (service: Service): string => (stateEntries({ services: [{ service }] })[0] as { key: string }).key
