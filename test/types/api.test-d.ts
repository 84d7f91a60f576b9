// What must compile and what must not: checked by tsc, never run.
import { Ipvs, IpvsError } from 'ipvs'
import type {
  BatchOperation,
  BatchResult,
  CallOptions,
  ConnectionFilter,
  ConnectionTable,
  Destination,
  DestinationKey,
  DestinationPatch,
  ListedDestination,
  ListedService,
  ListedSyncDaemon,
  Service,
  ServiceKey,
  ServicePatch,
  ServiceSnapshot,
  SyncDaemon,
  Timeouts,
  TimeoutsPatch,
  Tunnel,
} from 'ipvs'

declare const ipvs: Ipvs
declare const listed: ListedService
declare const listedDestination: ListedDestination
declare const listedDaemon: ListedSyncDaemon
declare const timeouts: Timeouts
declare const entry: ServiceSnapshot
declare const maybe: { family?: 'ipv4' | 'ipv6'; persistence: { timeoutSeconds: number } | undefined }

// ---- keys
export const keys: ServiceKey[] = [
  { fwmark: 7 },
  { fwmark: '0x7', family: 'ipv6' },
  { protocol: 'tcp', address: '172.16.0.100', port: 80 },
  // @ts-expect-error either a mark or an address
  { fwmark: 7, protocol: 'tcp', address: '172.16.0.100', port: 80 },
  // @ts-expect-error either a mark or an address
  { fwmark: 7, protocol: 'tcp' },
  // @ts-expect-error the port is missing
  { protocol: 'tcp', address: '172.16.0.100' },
  // @ts-expect-error the address is missing
  { protocol: 'tcp', port: 80 },
  // @ts-expect-error no such protocol
  { protocol: 'icmp', address: '172.16.0.100', port: 80 },
  // @ts-expect-error ports are numbers
  { protocol: 'tcp', address: '172.16.0.100', port: '80' },
  // @ts-expect-error no such family
  { fwmark: 7, family: 4 },
  // @ts-expect-error nothing at all
  {},
]

export function narrow(key: ServiceKey): number | string {
  return key.fwmark === undefined ? key.port : key.fwmark
}

// ---- services
export const services: Service[] = [
  { fwmark: 7, scheduler: 'rr' },
  { fwmark: 7, scheduler: 'a-module-of-mine' },
  { fwmark: 7, persistence: {} },
  { fwmark: 7, persistence: { timeoutSeconds: 360, netmask: 24 }, persistenceEngine: 'sip' },
  { protocol: 'udp', address: '2001:db8::1', port: 53, onePacket: true, scheduler: 'sh', schedulerFlags: ['sh-port'] },
  { fwmark: 7, family: maybe.family, persistence: maybe.persistence },
  // @ts-expect-error unknown property
  { fwmark: 7, sched: 'rr' },
  // @ts-expect-error unknown property of persistence
  { fwmark: 7, persistence: { timeout: 360 } },
  // @ts-expect-error no such flag
  { fwmark: 7, schedulerFlags: ['sh-prot'] },
  // @ts-expect-error only patches remove with null
  { fwmark: 7, persistence: null },
  // @ts-expect-error only patches remove with null
  { fwmark: 7, persistence: { netmask: null } },
]

export const patches: ServicePatch[] = [
  {},
  { persistence: null, persistenceEngine: null, schedulerFlags: null },
  { persistence: { netmask: '255.255.255.0' } },
  { persistence: { netmask: null } },
  // @ts-expect-error the key cannot change
  { fwmark: 8 },
  // @ts-expect-error a service always has a scheduler
  { scheduler: null },
]

// ---- destinations
export const destinations: Destination[] = [
  { address: '10.0.0.7' },
  { address: '10.0.0.7', port: 8080, forwarding: 'masquerade', weight: 0, upperThreshold: 10, lowerThreshold: 5 },
  { address: '10.0.0.7', forwarding: 'tunnel', tunnel: { type: 'gue', port: 6080, checksum: 'remote' } },
  // @ts-expect-error the address is missing
  { port: 80 },
  { address: '10.0.0.7', forwarding: 'local' },
  // @ts-expect-error unknown property
  { address: '10.0.0.7', wieght: 1 },
  // @ts-expect-error only patches remove with null
  { address: '10.0.0.7', upperThreshold: null },
]

export const tunnels: Tunnel[] = [
  {},
  { type: 'gre', checksum: 'local' },
  // @ts-expect-error a gue tunnel needs a port
  { type: 'gue' },
  // @ts-expect-error only gue tunnels have a port
  { type: 'gre', port: 6080 },
  // @ts-expect-error only gue tunnels have remote checksums
  { type: 'gre', checksum: 'remote' },
]

export const destinationKeys: DestinationKey[] = [
  { address: '10.0.0.7' },
  // @ts-expect-error settings are no part of the key
  { address: '10.0.0.7', weight: 1 },
]

export const destinationPatches: DestinationPatch[] = [
  { weight: 0 },
  { upperThreshold: null, lowerThreshold: null, tunnel: null },
  // @ts-expect-error a destination always has a weight
  { weight: null },
  // @ts-expect-error the key cannot change
  { address: '10.0.0.8' },
]

// ---- settings
export const daemons: SyncDaemon[] = [
  { role: 'master', interface: 'eth0' },
  {
    role: 'backup',
    interface: 'eth0',
    syncId: 1,
    multicast: { group: '224.0.0.81', port: 8848, ttl: 1 },
    maxLength: 1472,
  },
  listedDaemon,
  // @ts-expect-error the interface is missing
  { role: 'master' },
  // @ts-expect-error one role at a time
  { role: 'both', interface: 'eth0' },
  // @ts-expect-error unknown property
  { role: 'master', interface: 'eth0', multicast: { address: '224.0.0.81' } },
]

export const timeoutPatches: TimeoutsPatch[] = [
  { tcpSeconds: 900 },
  timeouts,
  // @ts-expect-error units are in the names
  { tcp: 900 },
]

// ---- what is listed can be passed back
export const passed: Promise<void>[] = [
  ipvs.addService(listed),
  ipvs.updateService(listed, listed),
  ipvs.updateService(listed, { ...listed, scheduler: 'rr' }),
  ipvs.removeService(listed),
  ipvs.addDestination(listed, listedDestination),
  ipvs.addDestination(listed, { ...listedDestination, weight: 0 }),
  ipvs.updateDestination(listed, listedDestination, listedDestination),
  ipvs.updateDestination(listed, listedDestination, { ...listedDestination, weight: 0 }),
  ipvs.removeDestination(listed, listedDestination),
  ipvs.removeService(entry),
  ipvs.zeroCounters(entry),
  ipvs.startSyncDaemon(listedDaemon),
  ipvs.stopSyncDaemon(listedDaemon.role),
  ipvs.setTimeouts(timeouts),
]

// ---- calls
const options: CallOptions = { signal: AbortSignal.timeout(1000) }
export const calls: Promise<unknown>[] = [
  Ipvs.open(),
  Ipvs.open({ netns: '/run/netns/blue', timeoutMs: 100, ...options }),
  // @ts-expect-error unknown option
  Ipvs.open({ namespace: 'blue' }),
  ipvs.listServices({ consistent: false, ...options }),
  // @ts-expect-error only listings can be inconsistent
  ipvs.getService({ fwmark: 7 }, { consistent: false }),
  // @ts-expect-error the patch is missing
  ipvs.updateService({ fwmark: 7 }),
  ipvs.flush(options),
  ipvs.zeroCounters(undefined, options),
  ipvs.snapshot({ consistent: false, ...options }),
  // @ts-expect-error the whole daemon is not its role
  ipvs.stopSyncDaemon(listedDaemon),
  ipvs.close(),
]

// @ts-expect-error handles are opened
export const made: Ipvs = new Ipvs()

export function counters({ statistics }: ListedService): readonly [bigint, number] {
  return [statistics.inBytes, statistics.rates.inBytes]
}

export function explain(error: unknown): string {
  if (!(error instanceof IpvsError)) throw error
  // @ts-expect-error no such code
  if (error.code === 'ERR_IPVS_NO_SUCH_CODE') return ''
  if (error.code === 'ERR_IPVS_SERVICE_EXISTS' && error.outcome === 'not-applied') return error.target
  return error.attribute ?? String(error.errno)
}

export async function disposes(): Promise<void> {
  await using handle = await Ipvs.open()
  await handle.flush()
}

// ---- connections
export const filters: ConnectionFilter[] = [
  {},
  { protocol: 'tcp', state: ['ESTABLISHED', 'SYN_RECV'], client: '10.0.0.0/8', templates: 'only', limit: 10 },
  { protocol: ['ip', '50'], virtual: { port: 80 }, destination: { address: '10.0.0.7' }, fwmark: '0x7' },
  // @ts-expect-error the kernel spells states in upper case
  { state: 'established' },
  // @ts-expect-error protocols have names
  { protocol: 6 },
  // @ts-expect-error no such choice
  { templates: 'no' },
  // @ts-expect-error no such property
  { port: 80 },
]

// ---- batches and tables
export const operations: BatchOperation[] = [
  { operation: 'addService', service: { fwmark: 7, scheduler: 'rr' } },
  { operation: 'updateService', service: { fwmark: 7 }, patch: { persistence: null } },
  { operation: 'removeService', service: listed },
  { operation: 'addDestination', service: { fwmark: 7 }, destination: listedDestination },
  {
    operation: 'updateDestination',
    service: { fwmark: 7 },
    destination: { address: '10.0.0.7' },
    patch: { weight: 0 },
  },
  { operation: 'removeDestination', service: { fwmark: 7 }, destination: { address: '10.0.0.7' } },
  { operation: 'zeroCounters' },
  { operation: 'flush' },
  // @ts-expect-error no such operation
  { operation: 'addServices', service: { fwmark: 7 } },
  // @ts-expect-error the patch is missing
  { operation: 'updateService', service: { fwmark: 7 } },
  // @ts-expect-error the destination is missing
  { operation: 'addDestination', service: { fwmark: 7 } },
  // @ts-expect-error nothing to flush in particular
  { operation: 'flush', service: { fwmark: 7 } },
]

async function* source(): AsyncGenerator<BatchOperation> {
  yield* operations
}

export async function batches(): Promise<void> {
  const { applied, failures, done }: BatchResult<BatchOperation> = await ipvs.batch(source(), { stopOnError: true })
  const again = await ipvs.batch(failures.map(({ operation }) => operation))
  await ipvs.addServices(new Set<Service>([{ fwmark: 1 }]), { onProgress: ({ done: so, total }) => void [so, total] })
  await ipvs.removeServices(await ipvs.listServices())
  await ipvs.addDestinations({ fwmark: 7 }, [{ address: '10.0.0.7' }])
  await ipvs.removeDestinations({ fwmark: 7 }, await ipvs.listDestinations({ fwmark: 7 }))
  await ipvs.flush({ family: 'ipv6' })
  // @ts-expect-error one service is no list of services
  await ipvs.addServices({ fwmark: 1 })
  const error: IpvsError | undefined = failures[0]?.error
  const progress: number | undefined = error?.batch?.done
  void [applied, done, again, progress]
}

export async function tables(): Promise<void> {
  const table = await ipvs.serviceTable({ consistent: false })
  const marks: (number | undefined)[] = await table.column('fwmark')
  const schedulers: string[] = await table.column('scheduler')
  // @ts-expect-error no such column
  void table.column('sched')
  const first: ListedService | undefined = table.at(0)
  const snapshots: ServiceSnapshot[] = await (await ipvs.snapshotTable()).toArray()
  for (const { weight } of await ipvs.destinationTable({ fwmark: 7 })) void weight
  void [marks, schedulers, first, snapshots, table.length]
}

export async function connections(table: ConnectionTable): Promise<void> {
  for await (const connection of ipvs.connections({ signal: AbortSignal.timeout(1) })) {
    const port: number = connection.client.port
    // @ts-expect-error templates of marks have no virtual end
    const address: string = connection.virtual.address
    void [port, address]
  }
  const counted = await table.countBy('destination', 'state')
  const one: { destination: { address: string; port: number }; state: string; count: number } | undefined = counted[0]
  // @ts-expect-error not asked for
  void counted[0]?.client
  // @ts-expect-error no such field
  void table.countBy('port')
  const ports: number[] = await table.column('clientPort')
  // @ts-expect-error no such column
  void table.column('ports')
  void [one, ports, [...table].length, table.at(-1)?.expiresSeconds]
  for await (const { opened, changed, closed } of ipvs.watchConnections({ intervalMs: 1000 })) {
    for (const { previousState, connection } of changed) void [previousState, connection.state]
    void [opened.length, closed.at(0)]
  }
  // @ts-expect-error how often?
  void ipvs.watchConnections({})
  const { rates, cpus } = await ipvs.statistics()
  const bytes: bigint | undefined = cpus[0]?.inBytes
  void [rates.inBytes, bytes]
}

// ---- every setting is listed and can be changed, and what is listed can be passed back
type Same<Left, Right> = [Left] extends [Right] ? ([Right] extends [Left] ? true : never) : never
type DestinationCounts = 'activeConnections' | 'inactiveConnections' | 'persistentConnections' | 'statistics'
export const destinationNames: Same<keyof ListedDestination, keyof Destination | DestinationCounts> = true
export const serviceNames: Same<keyof ListedService, keyof Service | 'statistics'> = true
export const timeoutNames: Same<keyof Timeouts, keyof TimeoutsPatch> = true
export const daemonNames: Same<keyof ListedSyncDaemon, keyof SyncDaemon> = true
export const destinationPatchNames: Same<
  keyof DestinationPatch,
  Exclude<keyof Destination, keyof DestinationKey>
> = true
export const servicePatchNames: Same<keyof ServicePatch, Exclude<keyof Service, keyof ServiceKey>> = true
