// Synchronisation daemons: kernel threads that send connections to a backup director by multicast, so that it can take them
// over.
import { addressKind, formatAddress, parseAddress } from '../values/address.ts'
import type { DaemonRow } from '../binding/record-types.ts'
import { InvalidInput, integer, oneOf, readFields, show } from '../values/validate.ts'

/** `master` sends connection updates, `backup` receives them. A network namespace may run one of each. */
export type SyncDaemonRole = 'master' | 'backup'

/** Multicast parameters; must be equal on both directors. Since Linux 4.3. */
export interface SyncMulticast {
  /** Multicast address, IPv4 or IPv6. Default `224.0.0.81`. Like `ipvsadm --mcast-group`. */
  readonly group?: string | undefined
  /**
   * First UDP port, 1 to 65535. Default 8848. A daemon has as many threads, each with its own port, as the sysctl
   * `net.ipv4.vs.sync_ports` (default 1). Like `ipvsadm --mcast-port`.
   */
  readonly port?: number | undefined
  /** TTL (hop limit) of messages, 1 to 255. Default 1: messages stay on the link. Like `ipvsadm --mcast-ttl`. */
  readonly ttl?: number | undefined
}

/** A daemon to start. Like the options of `ipvsadm --start-daemon`. */
export interface SyncDaemon {
  /** Role: sender or receiver. */
  readonly role: SyncDaemonRole
  /**
   * Name of the network interface for the multicast, in the network namespace of the handle; 1 to 15 bytes. Like
   * `ipvsadm --mcast-interface`.
   */
  readonly interface: string
  /**
   * Identifies a group of directors on a link, 0 to 255. Default 0. A backup accepts messages of masters with its own ID; a
   * backup with ID 0 accepts all messages. Like `ipvsadm --syncid`.
   */
  readonly syncId?: number | undefined
  /** Multicast parameters. Default: group `224.0.0.81`, port 8848, TTL 1. */
  readonly multicast?: SyncMulticast | undefined
  /**
   * Maximum length of a message in bytes, 1 to 65535. Default 1472, or 1452 with an IPv6 group; larger for a backup whose
   * interface has a larger MTU. The kernel raises it to at least 1024 for a backup, and lowers it to the maximum of a UDP
   * packet; listings show the effective value. Like `ipvsadm --sync-maxlen`, since Linux 4.3.
   */
  readonly maxLength?: number | undefined
}

/** A running daemon with its effective parameters. Valid input for `startSyncDaemon`. */
export interface ListedSyncDaemon {
  /** Role: sender or receiver. */
  readonly role: SyncDaemonRole
  /** Name of the network interface for the multicast. */
  readonly interface: string
  /** ID of the group of directors, 0 to 255. */
  readonly syncId: number
  /** Multicast parameters. */
  readonly multicast: {
    /** The multicast address. */
    readonly group: string
    /** The first UDP port. */
    readonly port: number
    /** TTL; 1: messages stay on the link. */
    readonly ttl: number
  }
  /** Maximum length of a message in bytes. */
  readonly maxLength: number
}

const roles: readonly SyncDaemonRole[] = ['master', 'backup'] // IP_VS_STATE_MASTER is 1, IP_VS_STATE_BACKUP 2
const daemonFields = ['role', 'interface', 'syncId', 'multicast', 'maxLength'] as const
const multicastFields = ['group', 'port', 'ttl'] as const
const LONGEST_NAME = 15 // IFNAMSIZ without the NUL

function roleNumber(value: unknown, path: string): number {
  return roles.indexOf(oneOf(value, path, roles)) + 1
}

function interfaceName(value: unknown, path: string): string {
  if (typeof value !== 'string') throw new InvalidInput(path, `${show(value)} is not the name of a network interface`)
  const problem = nameProblem(value)
  if (problem === undefined) return value
  throw new InvalidInput(path, `${show(value)} is not the name of a network interface: ${problem}`)
}

// Why the kernel does not accept an interface name; `undefined` if it does.
function nameProblem(name: string): string | undefined {
  if (name === '') return 'it is empty'
  if (Buffer.byteLength(name) > LONGEST_NAME) return `it is longer than ${LONGEST_NAME} bytes`
  if (name === '.' || name === '..') return 'no interface has that name'
  if (name.includes(':')) return 'an alias is an address; give the interface alone, such as "eth0"'
  if (/\p{Surrogate}/u.test(name)) return 'it contains a lone surrogate'
  return /[\s/\0]/.test(name) ? 'names must not contain white space, "/" or NUL' : undefined
}

function optional(value: unknown, path: string, most: number): number | undefined {
  return value === undefined ? undefined : integer(value, path, 1, most)
}

type MulticastRow = Pick<DaemonRow, 'group' | 'group6' | 'port' | 'ttl'>

// Absent parameters stay absent: the kernel has defaults.
function multicastRow(value: unknown): MulticastRow {
  if (value === undefined) return {}
  const { group, port, ttl } = readFields(value, 'daemon.multicast', multicastFields)
  return {
    ...(group !== undefined && groupRow(group, 'daemon.multicast.group')),
    port: optional(port, 'daemon.multicast.port', 65535),
    ttl: optional(ttl, 'daemon.multicast.ttl', 255),
  }
}

function groupRow(value: unknown, path: string): MulticastRow {
  const address = parseAddress(value, path)
  if (addressKind(address) !== 'multicast') {
    const ranges = 'an IPv4 address from 224.0.0.0 to 239.255.255.255, or an IPv6 address from ff00::'
    throw new InvalidInput(path, `${show(value)} is not a multicast address: ${ranges}`)
  }
  return address.family === 'ipv6' ? { group6: address.bytes } : { group: address.bytes.subarray(0, 4) }
}

/** A validated daemon; `target` describes it in errors. */
export interface SyncDaemonRequest {
  readonly row: DaemonRow
  readonly target: string
}

export function newSyncDaemon(value: unknown): SyncDaemonRequest {
  const { role, interface: name, syncId = 0, multicast, maxLength } = readFields(value, 'daemon', daemonFields)
  const row = {
    state: roleNumber(role, 'daemon.role'),
    interface: interfaceName(name, 'daemon.interface'),
    syncId: integer(syncId, 'daemon.syncId', 0, 255),
    ...multicastRow(multicast),
    maxLength: optional(maxLength, 'daemon.maxLength', 65535),
  }
  return { row, target: `${roles[row.state - 1]} on ${row.interface}` }
}

/** The row for stopping the daemon of a role. */
export function syncDaemonOf(role: unknown): SyncDaemonRequest {
  const state = roleNumber(role, 'role')
  return { row: { state }, target: roles[state - 1] as string }
}

/** Converts a row of a listing. */
export function listedSyncDaemon(row: DaemonRow): ListedSyncDaemon {
  const { group, group6, port = 0, ttl = 0 } = row
  const address =
    group6 === undefined ? formatAddress(group ?? new Uint8Array(4), 'ipv4') : formatAddress(group6, 'ipv6')
  return {
    role: row.state === 2 ? 'backup' : 'master',
    interface: row.interface ?? '',
    syncId: row.syncId ?? 0,
    multicast: { group: address, port, ttl },
    maxLength: row.maxLength ?? 0,
  }
}

const DEFAULT_GROUP = Uint8Array.of(224, 0, 0, 81)
const [IPV4_AND_UDP, IPV6_AND_UDP] = [20 + 8, 40 + 8] // headers
const USUAL_MTU = 1500
const LEAST_OF_BACKUP = 1024

/** A daemon as it will be listed. `maxLength` is missing where it depends on the interface: in a backup that names none. */
export function completeSyncDaemon(value: unknown): Omit<ListedSyncDaemon, 'maxLength'> & { maxLength?: number } {
  const { row } = newSyncDaemon(value)
  const defaults: DaemonRow = { ...(row.group6 === undefined && { group: DEFAULT_GROUP }), port: 8848, ttl: 1 }
  const named = Object.entries(row).filter(([, field]) => field !== undefined)
  const { maxLength: _listed, ...daemon } = listedSyncDaemon({
    ...defaults,
    ...(Object.fromEntries(named) as DaemonRow),
  })
  const length = usedLength(row, daemon.role)
  return { ...daemon, ...(length !== undefined && { maxLength: length }) }
}

// As start_sync_thread of the kernel has it.
function usedLength({ maxLength, group6 }: DaemonRow, role: SyncDaemonRole): number | undefined {
  const headers = group6 === undefined ? IPV4_AND_UDP : IPV6_AND_UDP
  if (maxLength === undefined) return role === 'backup' ? undefined : USUAL_MTU - headers
  return Math.min(Math.max(maxLength, role === 'backup' ? LEAST_OF_BACKUP : 1), 65535 - headers)
}
