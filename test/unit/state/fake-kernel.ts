// A kernel in memory with the calls that state/ makes. A second writer can act before each operation.
import {
  IpvsError,
  normalizeDestination,
  normalizeService,
  type BatchOperation,
  type DestinationAsListed,
  type FirewallMarks,
  type Ipvs,
  type IpvsErrorCode,
  type ListedSyncDaemon,
  type MarkRule,
  type ServiceAsListed,
  type ServiceKey,
  type SyncDaemon,
  type SyncDaemonRole,
  type Timeouts,
  type TimeoutsPatch,
} from 'ipvs'
import { endpointText, serviceText } from '../../../state/key-text.ts'
import { markKey } from '../../../state/rule-kinds.ts'

interface Entry {
  service: ServiceAsListed
  destinations: Map<string, DestinationAsListed>
}

function refuse(code: IpvsErrorCode, operation: string, attribute?: string): never {
  throw new IpvsError(code, 'the fake kernel refuses it', { operation, target: '', ...(attribute && { attribute }) })
}

const withoutAbsent = <Row extends object>(row: Row): Row =>
  Object.fromEntries(Object.entries(row).filter(([, value]) => value !== null && value !== undefined)) as Row

export class FakeKernel {
  readonly services: Map<string, Entry> = new Map()
  readonly rules: Map<string, MarkRule> = new Map()
  readonly daemons: Map<SyncDaemonRole, ListedSyncDaemon> = new Map()
  timeouts: Timeouts = { tcpSeconds: 900, tcpFinSeconds: 120, udpSeconds: 300 }
  /** Called before each operation. */
  interfere: () => void = () => {}

  /** Throws as the kernel's errors are thrown by the handles. */
  execute(item: BatchOperation): void {
    const { operation } = item
    if (!('service' in item)) throw new Error(`not in the fake: ${operation}`)
    const key = serviceText(normalizeService(item.service as ServiceKey))
    const entry = this.services.get(key)
    if (operation === 'addService') {
      if (entry !== undefined) refuse('ERR_IPVS_SERVICE_EXISTS', operation)
      this.services.set(key, { service: normalizeService(item.service), destinations: new Map() })
      return
    }
    if (entry === undefined) return refuse('ERR_IPVS_SERVICE_NOT_FOUND', operation)
    if (operation === 'removeService') this.services.delete(key)
    else if (operation === 'updateService') {
      entry.service = normalizeService(withoutAbsent({ ...entry.service, ...item.patch }) as ServiceAsListed)
    } else this.#destination(entry, item)
  }

  #destination({ service, destinations }: Entry, item: BatchOperation): void {
    if (!('destination' in item)) throw new Error(`not in the fake: ${item.operation}`)
    const row = item.destination as DestinationAsListed
    const endpoint = endpointText(row.address, row.port ?? service.port ?? 0)
    const old = destinations.get(endpoint)
    if (item.operation === 'addDestination') {
      if (old !== undefined) refuse('ERR_IPVS_DESTINATION_EXISTS', item.operation)
      // The newest is listed first.
      const rest = [...destinations]
      destinations.clear()
      destinations.set(endpoint, normalizeDestination(service, row))
      for (const [key, each] of rest) destinations.set(key, each)
      return
    }
    if (old === undefined) refuse('ERR_IPVS_DESTINATION_NOT_FOUND', item.operation)
    if (item.operation === 'removeDestination') destinations.delete(endpoint)
    else if (item.operation === 'updateDestination') {
      // A patch to another forwarding method removes the tunnel options.
      const { forwarding = 'tunnel' } = item.patch
      const kept = { ...old, ...(forwarding !== 'tunnel' && { tunnel: null }) }
      const changed = withoutAbsent({ ...kept, ...item.patch }) as DestinationAsListed
      destinations.set(endpoint, normalizeDestination(service, changed))
    }
  }

  get ipvs(): Ipvs {
    const counts = { activeConnections: 1, inactiveConnections: 2, persistentConnections: 3, statistics: {} }
    return {
      getTimeouts: () => Promise.resolve(this.timeouts),
      listSyncDaemons: () => Promise.resolve([...this.daemons.values()]),
      snapshotTable: () =>
        Promise.resolve(
          [...this.services.values()].map(({ service, destinations }) => ({
            ...service,
            statistics: {},
            destinations: [...destinations.values()].map((each) => ({ ...each, ...counts })),
          })),
        ),
      setTimeouts: (timeouts: TimeoutsPatch) => {
        this.interfere()
        this.timeouts = { ...this.timeouts, ...timeouts } as Timeouts
        return Promise.resolve()
      },
      startSyncDaemon: async (daemon: SyncDaemon) => {
        if (this.daemons.has(daemon.role)) refuse('ERR_IPVS_DAEMON_EXISTS', 'startSyncDaemon')
        this.daemons.set(daemon.role, { maxLength: 1472, ...daemon } as ListedSyncDaemon)
      },
      stopSyncDaemon: async (role: SyncDaemonRole) => {
        if (!this.daemons.delete(role)) refuse('ERR_IPVS_DAEMON_NOT_RUNNING', 'stopSyncDaemon')
      },
      batch: (operations: readonly BatchOperation[], { stopOnError = false } = {}) =>
        Promise.resolve(this.#batch(operations, stopOnError)),
    } as unknown as Ipvs
  }

  #batch(operations: readonly BatchOperation[], stopOnError: boolean): object {
    const failures: object[] = []
    let [applied, done] = [0, 0]
    for (const [index, operation] of operations.entries()) {
      this.interfere()
      done++
      try {
        this.execute(operation)
        applied++
      } catch (error) {
        failures.push({ index, operation, error })
        if (stopOnError) break
      }
    }
    return { applied, done, failures }
  }

  get marks(): FirewallMarks {
    return {
      list: () => Promise.resolve([...this.rules.values()]),
      listNat: () => Promise.resolve([]),
      status: () => Promise.resolve({ inEffect: true, problems: [] }),
      change: async ({ remove, add }: { remove: MarkRule[]; add: MarkRule[] }) => {
        this.interfere()
        const next = new Map(this.rules)
        for (const rule of remove) {
          if (!next.delete(markKey(rule))) refuse('ERR_IPVS_INVALID_ARGUMENT', 'change', 'changes.remove[0]')
        }
        for (const rule of add) next.set(markKey(rule), rule)
        this.rules.clear()
        for (const [key, rule] of next) this.rules.set(key, rule)
      },
    } as unknown as FirewallMarks
  }
}
