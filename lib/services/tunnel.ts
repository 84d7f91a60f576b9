// Encapsulation of packets to destinations with forwarding `tunnel`.
import type { DestinationRow } from '../binding/record-types.ts'
import { InvalidInput, integer, oneOf, readFields } from '../values/validate.ts'

/** IP in IP, the default. Like `ipvsadm -i`. */
export interface IpipTunnel {
  /** IP in IP, the default. */
  readonly type?: 'ipip' | undefined
  /** IP in IP has no port. */
  readonly port?: never
  /** IP in IP has no checksum. */
  readonly checksum?: 'none' | undefined
}

/** Generic UDP encapsulation, Linux 5.2. Like `ipvsadm --tun-type gue --tun-port 6080`. */
export interface GueTunnel {
  /** Generic UDP encapsulation. */
  readonly type: 'gue'
  /** UDP port of the destination's decapsulator, 1 to 65535. Like `--tun-port`. */
  readonly port: number
  /**
   * UDP checksum of the outer packet (Linux 5.3). `'none'`, the default (`--tun-nocsum`); `'local'`: computed by the director
   * (`--tun-csum`); `'remote'`: remote checksum offload (`--tun-remcsum`).
   */
  readonly checksum?: 'none' | 'local' | 'remote' | undefined
}

/** Generic routing encapsulation, Linux 5.3. Like `ipvsadm --tun-type gre`. */
export interface GreTunnel {
  /** Generic routing encapsulation. */
  readonly type: 'gre'
  /** GRE has no port. */
  readonly port?: never
  /** GRE checksum. `'none'`, the default (`--tun-nocsum`); `'local'`: computed by the director (`--tun-csum`). */
  readonly checksum?: 'none' | 'local' | undefined
}

/** Encapsulation of packets. */
export type Tunnel = IpipTunnel | GueTunnel | GreTunnel

type TunnelType = NonNullable<Tunnel['type']>
type Checksum = NonNullable<Tunnel['checksum']>

// The index is the kernel's number: IP_VS_CONN_F_TUNNEL_TYPE_* and IP_VS_TUNNEL_ENCAP_FLAG_*.
const types: readonly TunnelType[] = ['ipip', 'gue', 'gre']
const checksums: readonly Checksum[] = ['none', 'local', 'remote']
const checksumsOf: Readonly<Record<TunnelType, readonly Checksum[]>> = {
  ipip: ['none'],
  gue: checksums,
  gre: ['none', 'local'],
}

/** Tunnel fields of a row for IP in IP. */
export const noTunnel: DestinationRow = { tunnelType: 0, tunnelPort: 0, tunnelFlags: 0 }

/** Parses tunnel options. Always returns all three fields, since the kernel interprets them together. */
export function parseTunnel(value: unknown, path: string): DestinationRow {
  const { type = 'ipip', port, checksum = 'none' } = readFields(value, path, ['type', 'port', 'checksum'])
  const name = oneOf(type, `${path}.type`, types)
  if (port !== undefined && name !== 'gue') {
    throw new InvalidInput(
      `${path}.port`,
      `a tunnel of type "${name}" has no port; set type to "gue" or leave port out`,
    )
  }
  const sum = oneOf(checksum, `${path}.checksum`, checksums)
  if (!checksumsOf[name].includes(sum)) {
    throw new InvalidInput(`${path}.checksum`, `"${sum}" does not exist for type "${name}"`)
  }
  return {
    tunnelType: types.indexOf(name),
    tunnelPort: name === 'gue' ? integer(port, `${path}.port`, 1, 65535) : 0,
    tunnelFlags: checksums.indexOf(sum),
  }
}

/** The tunnel options of a row; `undefined` for an unknown type. */
export function listedTunnel({ tunnelType = 0, tunnelPort = 0, tunnelFlags = 0 }: DestinationRow): Tunnel | undefined {
  const checksum = checksums[tunnelFlags] ?? 'none'
  switch (types[tunnelType]) {
    case 'ipip':
      return { type: 'ipip' }
    case 'gue':
      return { type: 'gue', port: tunnelPort, checksum }
    case 'gre':
      return { type: 'gre', checksum: checksum === 'remote' ? 'none' : checksum }
    default:
      return undefined
  }
}
