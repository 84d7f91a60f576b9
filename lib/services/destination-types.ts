// Destinations (real servers): the public types.
import type { Statistics } from './statistics.ts'
import type { Tunnel } from './tunnel.ts'

/**
 * Forwarding method. `direct`: direct routing; the packet is sent unchanged to the destination's MAC address, and the
 * destination replies to the client itself (`ipvsadm -g`). `tunnel`: the packet is encapsulated, and the destination
 * replies to the client itself (`-i`). `masquerade`: NAT; both directions pass the director (`-m`). ipvsadm has no option
 * for the other two: `local`, the director delivers the packet to itself, and `bypass`, the packet is routed to its
 * original destination address.
 */
export type Forwarding = 'masquerade' | 'direct' | 'tunnel' | 'local' | 'bypass'

/** Alias of `Forwarding`: listed values are valid input. */
export type ListedForwarding = Forwarding

/** Identifies a destination of a service. */
export interface DestinationKey {
  /** Unicast IPv4 or IPv6 address. The family may differ from the service's with forwarding `tunnel` only (Linux 3.18). */
  readonly address: string
  /** Port, 0 to 65535. Default: the service's port; 0, the packet's own port, in fwmark services. */
  readonly port?: number | undefined
}

/** Settings of a destination. */
export interface DestinationSettings {
  /**
   * Forwarding method. Default `'direct'`, as in ipvsadm. Only `masquerade` rewrites the packet's port; the other methods
   * ignore the destination's port. A port that differs from the service's (from 0 in fwmark services) therefore requires an
   * explicit `forwarding`.
   */
  readonly forwarding?: Forwarding | undefined
  /** Relative capacity, 0 to 2147483647. Default 1. With 0, only persistent clients open new connections. Like `ipvsadm -w`. */
  readonly weight?: number | undefined
  /**
   * Maximum number of connections, 0 to 4294967295. Default 0: no limit. Newer kernels refuse values above 2147483647. Like
   * `ipvsadm -x`.
   */
  readonly upperThreshold?: number | undefined
  /**
   * A destination that reached `upperThreshold` gets new connections again below this number of connections. 0 to
   * `upperThreshold`. Default 0: three quarters of `upperThreshold`. Like `ipvsadm -y`.
   */
  readonly lowerThreshold?: number | undefined
  /** Encapsulation; requires forwarding `tunnel`. Default: IP in IP. */
  readonly tunnel?: Tunnel | undefined
}

/** A destination to add. Like the options of `ipvsadm -a`. Properties of listings, such as `statistics`, are ignored. */
export interface Destination extends DestinationKey, DestinationSettings {}

/**
 * Changes of a destination. Absent properties keep their value (`ipvsadm -e` resets them to the default); `null` resets to
 * the default. A listed destination is a valid patch: its key must match, and counters are ignored.
 */
export interface DestinationPatch extends Pick<DestinationSettings, 'forwarding' | 'weight'> {
  /** `null`: no limit; also removes the lower threshold unless it is set too. */
  readonly upperThreshold?: number | null | undefined
  /** `null`: the default, three quarters of the upper threshold. */
  readonly lowerThreshold?: number | null | undefined
  /**
   * Replaces all tunnel options; requires `forwarding: 'tunnel'` in the same patch. A patch to another forwarding method
   * removes them. `null`: the default, IP in IP.
   */
  readonly tunnel?: Tunnel | null | undefined
}

/** A destination in the kernel. Valid input for `addDestination` and `updateDestination`, and as a key. */
export interface ListedDestination {
  /** Address; IPv6 in the canonical form of RFC 5952. */
  readonly address: string
  /** Port; 0 keeps the packet's own port. */
  readonly port: number
  /** Forwarding method. */
  readonly forwarding: Forwarding
  /** Relative capacity; 0: new connections of persistent clients only. */
  readonly weight: number
  /** Maximum number of connections; 0: no limit. */
  readonly upperThreshold: number
  /** 0: three quarters of the upper threshold. */
  readonly lowerThreshold: number
  /** Encapsulation. Present with forwarding `tunnel` only, unless the kernel reports an unknown type. */
  readonly tunnel?: Tunnel
  /** Opening or established TCP connections, and established SCTP connections. */
  readonly activeConnections: number
  /** Other TCP and SCTP connections that have not expired, and all UDP connections. */
  readonly inactiveConnections: number
  /** Persistence templates: clients bound to this destination. */
  readonly persistentConnections: number
  /** Counters and rates. */
  readonly statistics: Statistics
}

/** Properties that only listings have. */
export type DestinationCounts = 'activeConnections' | 'inactiveConnections' | 'persistentConnections' | 'statistics'
