// The model of a site: checked, with every default filled in. Durations are milliseconds, shares are 0 to 1.
// The other layers know this model, never the file's spelling.
import type { Forwarding, SchedulerFlag } from 'ipvs'

/** What one site file says. */
export interface Site {
  readonly services: readonly SiteService[]
  /** Mass removals are held. `undefined`: switched off. */
  readonly brake: Brake | undefined
  /** What happens to differences on what is ours: repaired and reported, or only reported. */
  readonly drift: 'repair' | 'report'
  /** Probed when the brake holds: a target that is up whatever the servers do, such as the gateway. */
  readonly control: Check | undefined
  /** Several directors. Absent: this one is alone. */
  readonly failover?: SiteFailover
  /** Where the site comes from. Absent: the file. */
  readonly source?: SiteSource
}

/** Several directors, one of which has the addresses. */
export interface SiteFailover {
  readonly engine: 'keepalived'
  /** 1 to 255. */
  readonly virtualRouterId: number
  readonly interface: string
  readonly advertIntervalMs: number
  /** The one address that the directors compare. It never changes. */
  readonly anchor: string
  /** Addresses of the directors, by name. */
  readonly directors: Readonly<Record<string, string>>
}

/** Paths of PEM files. */
export interface SiteSourceTls {
  readonly ca?: string | undefined
  readonly certificate?: string | undefined
  readonly key?: string | undefined
}

export type SiteSource =
  | 'file'
  | {
      readonly etcd: {
        readonly endpoints: readonly string[]
        readonly prefix: string
        readonly tls?: SiteSourceTls | undefined
        readonly cache?: string | undefined
      }
    }

/** One virtual service: one or several addresses and ports, and its servers. */
export interface SiteService {
  /** Unique in the site. */
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  /** At least one. */
  readonly virtuals: readonly Virtual[]
  /** By firewall mark or by address. One address with one port, or with all ports and persistence, and no `mark:` is `'address'`. */
  readonly by: 'mark' | 'address'
  /** The mark that the file names; `undefined` with `by: 'mark'`: allocated and kept. 1 to 4294967295. */
  readonly mark: number | undefined
  readonly scheduler: string
  readonly schedulerFlags: readonly SchedulerFlag[]
  readonly persistence: SitePersistence | undefined
  /** Each UDP packet on its own. */
  readonly onePacket: boolean
  readonly servers: readonly SiteServer[]
  /** Further servers from elsewhere. They have the settings of `template`. */
  readonly serversFrom: ServersFrom | undefined
  readonly checks: CheckRule
  /** A server that fails: its destination is removed, or gets weight 0. */
  readonly onFailure: 'remove' | 'drain'
  readonly slowStart: SlowStart | undefined
  readonly minimumHealthy: MinimumHealthy
  /** Gets the traffic when no server is left, or fewer than `minimumHealthy` with `below: 'sorry'`. */
  readonly sorry: SorryServer | undefined
  readonly drain: DrainSettings
  /** Masquerade of the servers' port 20 for active FTP. */
  readonly ftpActive: boolean
}

/** What clients connect to. */
export interface Virtual {
  /** IPv4 or IPv6 address; of mark services also a CIDR block or a range. */
  readonly address: string
  readonly family: 'ipv4' | 'ipv6'
  readonly protocol: 'tcp' | 'udp' | 'sctp'
  /** `'all'`: every port. */
  readonly ports: 'all' | readonly PortRange[]
}

/** Both ends included; equal for a single port. */
export interface PortRange {
  readonly from: number
  readonly to: number
}

export interface SitePersistence {
  readonly timeoutSeconds: number
  /** A mask such as `255.255.255.0`, or the length of an IPv6 prefix; `undefined`: each client address. */
  readonly netmask: string | number | undefined
  /** `'sip'`. */
  readonly engine: string | undefined
}

/** A real server of one service. */
export interface SiteServer {
  /** The same name in several services is the same server. */
  readonly name: string
  readonly address: string
  readonly family: 'ipv4' | 'ipv6'
  /** `undefined`: the port of the service. */
  readonly port: number | undefined
  readonly forwarding: Forwarding
  readonly tunnel:
    { readonly type: 'ipip' | 'gue' | 'gre'; readonly port?: number; readonly checksum?: string } | undefined
  /** As written, 0 to 65535. */
  readonly weight: number
  /** 0: no limit. */
  readonly upperThreshold: number
  /** 0: three quarters of the upper threshold. */
  readonly lowerThreshold: number
  /** Groups: servers of the lowest number that is healthy get the traffic. Default 0. */
  readonly priority: number
  readonly labels: Readonly<Record<string, string>>
  /** `undefined`: the checks of the service. */
  readonly checks: CheckRule | undefined
}

export type ServersFrom =
  | { readonly dns: string; readonly refreshMs: number; readonly template: ServerTemplate }
  | { readonly file: string; readonly template: ServerTemplate }

/** A server without name and address. */
export type ServerTemplate = Omit<SiteServer, 'name' | 'address' | 'family'>

/** Which checks must succeed. `atLeast` is the number of all for `all`, and 1 for `any`. */
export interface CheckRule {
  readonly atLeast: number
  /** Empty: the server counts as up. */
  readonly checks: readonly Check[]
}

export interface CheckCommon {
  /** `undefined`: the server's own address. */
  readonly address: string | undefined
  readonly intervalMs: number
  /** While verdict and last result differ. */
  readonly whileFailingMs: number
  /** While down. */
  readonly whileDownMs: number
  /** Successes in a row until up. */
  readonly rise: number
  /** Failures in a row until down. */
  readonly fall: number
  readonly limits: PhaseLimits
  readonly from: { readonly address: string | undefined; readonly device: string | undefined }
  /** `'service'`: to the virtual address, through the data path. */
  readonly via: 'server' | 'service'
}

/** Limits of the phases of one probe, in milliseconds. A phase that a kind does not have is never used. */
export interface PhaseLimits {
  readonly connect: number
  readonly tls: number
  readonly firstByte: number
  readonly total: number
}

export interface TlsSettings {
  /** `undefined`: the address, or the `host` of HTTPS. */
  readonly serverName: string | undefined
  readonly verify: boolean
  /** Paths of PEM files. */
  readonly ca: string | undefined
  readonly certificate: string | undefined
  readonly key: string | undefined
  /** Fails when the certificate ends sooner. 0: when it has ended. */
  readonly minimumDaysValid: number
}

/** `port` is resolved: the check's own, or the service's only port. */
export type Check =
  | (CheckCommon & {
      readonly kind: 'tcp'
      readonly port: number
      /** Text with the escapes of JSON. */
      readonly send: string | undefined
      /** Regular expression on what comes back. */
      readonly expect: string | undefined
      readonly tls: TlsSettings | undefined
    })
  | (CheckCommon & {
      readonly kind: 'http'
      readonly port: number
      readonly method: string
      readonly path: string
      readonly host: string | undefined
      readonly headers: Readonly<Record<string, string>>
      /** Accepted statuses. */
      readonly status: readonly PortRange[]
      readonly body: BodyRule | undefined
      /** `undefined`: plain HTTP. */
      readonly tls: TlsSettings | undefined
    })
  | (CheckCommon & {
      readonly kind: 'dns'
      readonly port: number
      readonly query: string
      readonly type: string
      /** One of the answers must be this. */
      readonly expect: string | undefined
    })
  | (CheckCommon & {
      readonly kind: 'udp'
      readonly port: number
      readonly send: string
      /** `undefined`: any answer, or none; a port that the server refuses fails. */
      readonly expect: string | undefined
    })
  | (CheckCommon & { readonly kind: 'ping' })
  | (CheckCommon & {
      /** Greeting and one exchange. */
      readonly kind: 'smtp' | 'ftp' | 'imap' | 'pop' | 'ldap' | 'redis' | 'mysql' | 'postgres'
      readonly port: number
      readonly tls: TlsSettings | undefined
      /** TLS after the greeting, where the protocol has it. */
      readonly startTls: boolean
    })
  | (CheckCommon & {
      readonly kind: 'grpc'
      readonly port: number
      readonly service: string
      readonly tls: TlsSettings | undefined
    })
  | (CheckCommon & {
      readonly kind: 'command'
      /** Program and arguments; no shell. */
      readonly command: readonly string[]
    })
  | (CheckCommon & { readonly kind: 'agent'; readonly port: number })
  | (CheckCommon & {
      readonly kind: 'file'
      readonly path: string
      /** Up while the file is there, or while it is absent. */
      readonly upWhile: 'present' | 'absent'
    })

export interface BodyRule {
  /** Regular expressions. */
  readonly match: string | undefined
  readonly absent: string | undefined
  readonly maximumBytes: number
}

export interface SlowStart {
  readonly forMs: number
  /** Share of the weight at the start. */
  readonly from: number
}

export interface MinimumHealthy {
  /** Share of the configured weight; 0: never. */
  readonly share: number
  readonly below: 'keep' | 'sorry' | 'withdraw'
}

export interface SorryServer {
  readonly address: string
  readonly family: 'ipv4' | 'ipv6'
  readonly port: number | undefined
  readonly forwarding: Forwarding
}

export interface DrainSettings {
  /** Persistent clients: they stay until they go, or move at once. */
  readonly stickiness: 'keep' | 'move'
  /** Deadline. */
  readonly waitMs: number
  /** At the end: weight 0 stays, or the destination is removed. */
  readonly then: 'keep' | 'remove'
}

/** More than this share of all servers going down within the time is taken for our own fault. */
export interface Brake {
  readonly maximumLoss: number
  readonly perMs: number
}
