// Sockets that Node.js cannot make itself, and one datagram to a Unix socket.
import type { Family } from './values/address.ts'
import { binding, type FailedCall } from './binding/addon.ts'
import { errnoName } from './calls/failure.ts'
import { IpvsError, invalidArgument, type IpvsErrorCode } from './values/errors.ts'
import { InvalidInput, integer, oneOf, readFields, show } from './values/validate.ts'

/** The kind and the options of a socket for {@link openSocket}. */
export interface SocketOptions {
  /**
   * `tcp`: for `new net.Socket({ fd })` and its `connect()`. `udp`: for `dgram.createSocket().bind({ fd })`. `ping`: the same,
   * for ICMP echo requests; the kernel fills in identifier and checksum. A ping socket requires that the process's group is in
   * `net.ipv4.ping_group_range`.
   */
  readonly type: 'tcp' | 'udp' | 'ping'
  /** Default `'ipv4'`. */
  readonly family?: Family | undefined
  /**
   * Firewall mark of all packets that the socket sends (`SO_MARK`), 0 to 4294967295: routing rules, nf_tables and, on a
   * director, services by mark see it. Requires CAP_NET_ADMIN. Default: none.
   */
  readonly mark?: number | undefined
  /** Network interface that all packets use (`SO_BINDTODEVICE`), at most 15 bytes. Default: as routed. */
  readonly device?: string | undefined
}

const types = ['tcp', 'udp', 'ping'] as const
const families = ['ipv4', 'ipv6'] as const
const LONGEST_DEVICE = 15
const LONGEST_PATH = 107 // sun_path with its terminator

function parseDevice(value: unknown, path: string): string {
  if (typeof value !== 'string' || !/^[^\s/:\p{Cc}\p{Surrogate}]+$/u.test(value) || ['.', '..'].includes(value)) {
    throw new InvalidInput(path, `${show(value)} is not the name of a network interface such as "eth0"`)
  }
  if (Buffer.byteLength(value) > LONGEST_DEVICE) {
    throw new InvalidInput(path, `${show(value)} is longer than ${LONGEST_DEVICE} bytes`)
  }
  return value
}

function parseOptions(options: unknown): Parameters<typeof binding.openSocket> {
  const given = readFields(options, 'options', ['type', 'family', 'mark', 'device'])
  const type = oneOf(given.type, 'options.type', types)
  const family = given.family === undefined ? 'ipv4' : oneOf(given.family, 'options.family', families)
  const mark = given.mark === undefined ? undefined : integer(given.mark, 'options.mark', 0, 0xffffffff)
  const device = given.device === undefined ? undefined : parseDevice(given.device, 'options.device')
  return [family === 'ipv6', type, mark, device]
}

function refusal({ call, errno }: FailedCall, type: string): readonly [IpvsErrorCode, string, attribute?: string] {
  const name = errnoName(errno)
  const forbidden = name === 'EPERM' || name === 'EACCES'
  if (forbidden && call === 'SO_MARK') {
    return ['ERR_IPVS_PERMISSION_DENIED', `a mark needs CAP_NET_ADMIN (${name})`, 'options.mark']
  }
  if (forbidden && call === 'socket' && type === 'ping') {
    const problem = `a ping socket needs this process's group in the sysctl net.ipv4.ping_group_range (${name})`
    return ['ERR_IPVS_PERMISSION_DENIED', problem]
  }
  if (forbidden) return ['ERR_IPVS_PERMISSION_DENIED', `the system does not let this process use ${call} (${name})`]
  if (call === 'SO_BINDTODEVICE' && name === 'ENODEV') {
    return ['ERR_IPVS_INTERFACE_NOT_FOUND', `there is no such network interface (${name})`, 'options.device']
  }
  return ['ERR_IPVS_KERNEL', `${call} failed (${name})`]
}

/**
 * Makes a non-blocking socket with options that Node.js does not offer, in the network namespace of the calling thread.
 *
 * @example
 * ```ts
 * // A connection whose packets have mark 7, to the virtual address.
 * const socket = new net.Socket({ fd: openSocket({ type: 'tcp', mark: 7 }) })
 * socket.connect({ host: '172.16.0.100', port: 80 })
 * ```
 *
 * @returns The descriptor. It belongs to the caller: give it to a socket of Node.js, which closes it, or close it with `fs`.
 * @throws IpvsError `ERR_IPVS_INVALID_ARGUMENT`, `ERR_IPVS_PERMISSION_DENIED`, `ERR_IPVS_INTERFACE_NOT_FOUND`, or
 * `ERR_IPVS_KERNEL`, for example with errno `EMFILE`. No descriptor is left open.
 */
export function openSocket(options: SocketOptions): number {
  const context = { operation: 'openSocket', target: '' }
  let parsed: Parameters<typeof binding.openSocket>
  try {
    parsed = parseOptions(options)
  } catch (error) {
    throw invalidArgument(context, error)
  }
  const result = binding.openSocket(...parsed)
  if (typeof result === 'number') return result
  const [code, problem, attribute] = refusal(result, parsed[1])
  throw new IpvsError(code, problem, { ...context, errno: result.errno, attribute })
}

/**
 * Sends one datagram to a Unix socket, for example a state to systemd: `sendDatagram(process.env.NOTIFY_SOCKET, 'READY=1')`.
 * It never waits.
 *
 * @param path - Path of the socket, at most 107 bytes. With `@` at the beginning it is an abstract name.
 * @param data - Text is sent as UTF-8.
 * @throws IpvsError `ERR_IPVS_INVALID_ARGUMENT`, or `ERR_IPVS_KERNEL` with an errno: `ENOENT` or `ECONNREFUSED` if nobody
 * listens, `EAGAIN` if the receiver's queue is full.
 */
export function sendDatagram(path: string, data: string | Uint8Array): void {
  const context = { operation: 'sendDatagram', target: '' }
  try {
    if (typeof path !== 'string' || path === '' || path === '@' || path.includes('\0')) {
      throw new InvalidInput('path', `${show(path)} is not the path of a socket`)
    }
    if (Buffer.byteLength(path) > LONGEST_PATH) {
      throw new InvalidInput('path', `${show(path)} is longer than ${LONGEST_PATH} bytes`)
    }
    if (typeof data !== 'string' && !(data instanceof Uint8Array)) {
      throw new InvalidInput('data', `${show(data)} is neither text nor a Uint8Array`)
    }
  } catch (error) {
    throw invalidArgument(context, error)
  }
  const failed = binding.sendToPath(path, typeof data === 'string' ? Buffer.from(data) : data)
  if (failed === undefined) return
  const [code, problem] = refusal(failed, 'unix')
  throw new IpvsError(code, problem, { operation: 'sendDatagram', target: JSON.stringify(path), errno: failed.errno })
}
