// The handle that everything about services and destinations goes through.
import { binding } from './binding.ts'
import { Connections } from './connections.ts'
import {
  listedDestination,
  type Destination,
  type DestinationKey,
  type DestinationPatch,
  type ListedDestination,
} from './destination.ts'
import { infoOf, type Info } from './info.ts'
import { parseListOptions, parseOpenOptions, type ListOptions, type OpenOptions } from './options.ts'
import { parseCallOptions, type CallOptions } from './pending.ts'
import { Pipeline } from './pipeline.ts'
import {
  daemonReader,
  destinationReader,
  infoReader,
  operationCode,
  rowWriters,
  serviceReader,
  timeoutsReader,
} from './records.ts'
import * as requests from './requests.ts'
import { checked, serviceOf, type RequestContext } from './requests.ts'
import type { ServiceKey } from './service-key.ts'
import { listedService, type ListedService, type Service, type ServicePatch } from './service.ts'
import { convertRows } from './slices.ts'
import { convertSnapshot, type ServiceSnapshot, type SnapshotOptions } from './snapshot.ts'
import type { Write } from './steps.ts'
import { listedSyncDaemon, type ListedSyncDaemon, type SyncDaemon, type SyncDaemonRole } from './sync-daemon.ts'
import { listedTimeouts, type Timeouts, type TimeoutsPatch } from './timeouts.ts'

/**
 * The virtual services of a network namespace.
 *
 * Operations of one handle are carried out in the order in which they were called, whether awaited or not; writes that
 * are called in one tick share datagrams, so do not await each of many. All methods reject with `IpvsError`: bad
 * arguments as `ERR_IPVS_INVALID_ARGUMENT` before anything is sent, and everything after `close` as `ERR_IPVS_CLOSED`.
 */
export class Ipvs extends Connections implements AsyncDisposable {
  readonly #pipeline: Pipeline
  readonly #netns: string | undefined

  private constructor(pipeline: Pipeline, netns: string | undefined) {
    super(netns)
    this.#pipeline = pipeline
    this.#netns = netns
  }

  /**
   * Opens a handle. Needs CAP_NET_ADMIN in the initial user namespace, and the kernel module `ip_vs`, which kernels
   * since 6.1 load by themselves.
   *
   * Rejects with `ERR_IPVS_UNAVAILABLE` without IPVS; with `ERR_IPVS_INVALID_ARGUMENT` or `ERR_IPVS_PERMISSION_DENIED`
   * when the namespace cannot be entered. Missing CAP_NET_ADMIN shows with the first operation.
   */
  static async open(options: OpenOptions = {}): Promise<Ipvs> {
    const context: RequestContext = { operation: 'open', target: 'current network namespace' }
    const { netns, timeoutMs, signal } = checked(context, () => parseOpenOptions(options))
    if (netns !== undefined) context.target = netns
    const session = new binding.IpvsSession(netns === undefined ? {} : { netns })
    const pipeline = new Pipeline(session, { timeoutMs, writers: rowWriters })
    try {
      await pipeline.open({ ...context, netns }, signal)
      return new Ipvs(pipeline, netns)
    } catch (error) {
      await pipeline.close()
      throw error
    }
  }

  /** Version of IPVS and size of its connection table. Like the head of `ipvsadm -L`. */
  async info(options: CallOptions = {}): Promise<Info> {
    const rows = await this.#read('info', 'IPVS', options)
    return infoOf(infoReader.rows(rows).at(0))
  }

  /**
   * Adds a service. Like `ipvsadm -A`.
   *
   * Rejects with `ERR_IPVS_SERVICE_EXISTS`, `ERR_IPVS_SCHEDULER_NOT_FOUND`, `ERR_IPVS_PERSISTENCE_ENGINE_NOT_FOUND`.
   */
  async addService(service: Service, options: CallOptions = {}): Promise<void> {
    return this.#write('addService', options, (context) => requests.addService(context, service))
  }

  /**
   * Changes what the patch names and nothing else (`ipvsadm -E` resets the rest).
   *
   * Rejects with `ERR_IPVS_SERVICE_NOT_FOUND`, `ERR_IPVS_SCHEDULER_NOT_FOUND`, `ERR_IPVS_PERSISTENCE_ENGINE_NOT_FOUND`.
   */
  async updateService(key: ServiceKey, patch: ServicePatch, options: CallOptions = {}): Promise<void> {
    const context = this.#context('updateService')
    const [{ read, write }, signal] = checked(context, () => [
      requests.updateService(context, key, patch),
      parseCallOptions(options),
    ])
    if (read === undefined) return this.#pipeline.write(write(), context, signal)
    return this.#pipeline.writeAfterRead(read, write, context, signal)
  }

  /**
   * Removes a service with its destinations. Connections stay; what happens to their packets is up to the sysctl
   * `net.ipv4.vs.expire_nodest_conn`. Like `ipvsadm -D`.
   *
   * Rejects with `ERR_IPVS_SERVICE_NOT_FOUND`.
   */
  async removeService(key: ServiceKey, options: CallOptions = {}): Promise<void> {
    return this.#write('removeService', options, (context) => requests.removeService(context, key))
  }

  /** One service. Rejects with `ERR_IPVS_SERVICE_NOT_FOUND`. */
  async getService(key: ServiceKey, options: CallOptions = {}): Promise<ListedService> {
    const context = this.#context('getService')
    const [identity, signal] = checked(context, () => [serviceOf(context, key), parseCallOptions(options)])
    const read = { code: operationCode('getService'), key: identity.row }
    const rows = await this.#pipeline.read(read, context, signal)
    return listedService(serviceReader.rows(rows).at(0))
  }

  /** All services; an empty table is `[]`. Like `ipvsadm -L`. May reject with `ERR_IPVS_CONFLICT`. */
  async listServices(options: ListOptions = {}): Promise<ListedService[]> {
    const context = this.#context('listServices', 'all services')
    const { consistent, signal } = checked(context, () => parseListOptions(options))
    const rows = await this.#pipeline.read({ code: operationCode('listServices'), consistent }, context, signal)
    return convertRows(serviceReader.rows(rows), listedService)
  }

  /**
   * Adds a destination to a service. Like `ipvsadm -a`.
   *
   * Rejects with `ERR_IPVS_SERVICE_NOT_FOUND`, `ERR_IPVS_DESTINATION_EXISTS`.
   */
  async addDestination(
    service: ServiceKey,
    destination: Destination | ListedDestination,
    options: CallOptions = {},
  ): Promise<void> {
    return this.#write('addDestination', options, (context) => requests.addDestination(context, service, destination))
  }

  /**
   * Changes what the patch names and nothing else (`ipvsadm -e` resets the rest). `{ weight: 0 }` drains a destination.
   *
   * Rejects with `ERR_IPVS_SERVICE_NOT_FOUND`, `ERR_IPVS_DESTINATION_NOT_FOUND`.
   */
  async updateDestination(
    service: ServiceKey,
    destination: DestinationKey,
    patch: DestinationPatch | ListedDestination,
    options: CallOptions = {},
  ): Promise<void> {
    return this.#write('updateDestination', options, (context) =>
      requests.updateDestination(context, service, destination, patch),
    )
  }

  /**
   * Removes a destination. New connections go elsewhere at once; connections it has are dropped or expire, depending on
   * the sysctl `net.ipv4.vs.expire_nodest_conn`. Like `ipvsadm -d`.
   *
   * Rejects with `ERR_IPVS_SERVICE_NOT_FOUND`, `ERR_IPVS_DESTINATION_NOT_FOUND`.
   */
  async removeDestination(service: ServiceKey, destination: DestinationKey, options: CallOptions = {}): Promise<void> {
    return this.#write('removeDestination', options, (context) =>
      requests.removeDestination(context, service, destination),
    )
  }

  /**
   * The destinations of a service, newest first as the kernel has them.
   *
   * Rejects with `ERR_IPVS_SERVICE_NOT_FOUND`; a service without destinations has `[]`. May reject with
   * `ERR_IPVS_CONFLICT`.
   */
  async listDestinations(service: ServiceKey, options: ListOptions = {}): Promise<ListedDestination[]> {
    const context = this.#context('listDestinations')
    const [identity, { consistent, signal }] = checked(context, () => [
      serviceOf(context, service),
      parseListOptions(options),
    ])
    const read = { code: operationCode('listDestinations'), key: identity.row, consistent }
    const rows = await this.#pipeline.read(read, context, signal)
    return convertRows(destinationReader.rows(rows), (row) => listedDestination(row, identity))
  }

  /**
   * Removes all services of the namespace, whoever added them. Connections stay. Do not flush to load another table: change
   * what differs. Kernels are slow with destinations that were just removed, and Linux 7 may keep a service table that is
   * too small (docs/kernels.md). Like `ipvsadm -C`.
   */
  async flush(options: CallOptions = {}): Promise<void> {
    return this.#write('flush', options, requests.flush)
  }

  /**
   * All services with their destinations, at about the cost of `listServices` and one `listDestinations` for each. Like
   * `ipvsadm -L`, which reads once.
   *
   * What it takes is one service after the other, not one moment: each service's destinations were so when they were read,
   * and counters are those of the last pass. Services that are removed during a pass are left out of it. No service or
   * destination is ever in it twice. See `consistent` for what can be missing. All of it together has the handle's
   * `timeoutMs`.
   *
   * May reject with `ERR_IPVS_CONFLICT`.
   */
  async snapshot(options: SnapshotOptions = {}): Promise<ServiceSnapshot[]> {
    const context = this.#context('snapshot', 'all services')
    const { consistent, signal } = checked(context, () => parseListOptions(options))
    return convertSnapshot(await this.#pipeline.snapshot(consistent, context, signal))
  }

  /**
   * Sets the counters of a service and its destinations to zero; without a key, those of all services and the totals of
   * the namespace. Rates start again at zero; numbers of connections are no counters and stay. Zero is what counters showed:
   * the kernel updates them every 2 seconds, and what has passed since the last time counts from then on. Like `ipvsadm -Z`.
   *
   * Rejects with `ERR_IPVS_SERVICE_NOT_FOUND`.
   */
  async zeroCounters(service?: ServiceKey, options: CallOptions = {}): Promise<void> {
    return this.#write('zeroCounters', options, (context) => requests.zeroCounters(context, service))
  }

  /** How long idle connections are kept. Like `ipvsadm -L --timeout`. */
  async getTimeouts(options: CallOptions = {}): Promise<Timeouts> {
    const rows = await this.#read('getTimeouts', 'timeouts', options)
    return listedTimeouts(timeoutsReader.rows(rows).at(0))
  }

  /**
   * Changes the timeouts that are named and no other. Connections get them with their next packet. Like `ipvsadm --set`,
   * with 0 for those that are not named.
   */
  async setTimeouts(timeouts: TimeoutsPatch, options: CallOptions = {}): Promise<void> {
    return this.#write('setTimeouts', options, (context) => requests.setTimeouts(context, timeouts))
  }

  /**
   * Starts a synchronisation daemon. It ends with `stopSyncDaemon` or with its namespace, not with the handle. Like
   * `ipvsadm --start-daemon`.
   *
   * Rejects with `ERR_IPVS_DAEMON_EXISTS`, `ERR_IPVS_INTERFACE_NOT_FOUND`; with `ERR_IPVS_KERNEL`, errno `ENETUNREACH`,
   * when the interface of a master is down; with `ERR_IPVS_INVALID_ARGUMENT`, errno `EINVAL`, when a service has a
   * destination of the other address family (the messages cannot describe its connections), which cannot be added either
   * while a daemon runs.
   */
  async startSyncDaemon(daemon: SyncDaemon, options: CallOptions = {}): Promise<void> {
    return this.#write('startSyncDaemon', options, (context) => requests.startSyncDaemon(context, daemon))
  }

  /** Stops the daemon of a role. Like `ipvsadm --stop-daemon`. Rejects with `ERR_IPVS_DAEMON_NOT_RUNNING`. */
  async stopSyncDaemon(role: SyncDaemonRole, options: CallOptions = {}): Promise<void> {
    return this.#write('stopSyncDaemon', options, (context) => requests.stopSyncDaemon(context, role))
  }

  /** The daemons that run, the master first; `[]` when there is none. Like `ipvsadm -L --daemon`. */
  async listSyncDaemons(options: CallOptions = {}): Promise<ListedSyncDaemon[]> {
    const rows = daemonReader.rows(await this.#read('listSyncDaemons', 'daemons', options))
    return Array.from({ length: rows.length }, (_, index) => listedSyncDaemon(rows.at(index)))
  }

  /**
   * Closes the handle. What the kernel is doing ends first; what was not sent yet rejects with `ERR_IPVS_CLOSED`, as does
   * everything from now on. Services stay. Idempotent.
   */
  async close(): Promise<void> {
    await Promise.all([this.#pipeline.close(), this.closePasses()])
  }

  /** For `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #context(operation: string, target = ''): RequestContext {
    return { operation, target, netns: this.#netns }
  }

  // Reads that need no key.
  async #read(operation: string, target: string, options: CallOptions): Promise<ArrayBuffer> {
    const context = this.#context(operation, target)
    const signal = checked(context, () => parseCallOptions(options))
    return this.#pipeline.read({ code: operationCode(operation) }, context, signal)
  }

  async #write(operation: string, options: CallOptions, prepare: (context: RequestContext) => Write): Promise<void> {
    const context = this.#context(operation)
    const [write, signal] = checked(context, () => [prepare(context), parseCallOptions(options)])
    return this.#pipeline.write(write, context, signal)
  }
}
