// The form of the file after its values have been read: durations in milliseconds, shares 0 to 1, defaults not filled in.
import type { Forwarding } from 'ipvs'
import type { AddressField } from './fields.ts'
import type { PortRange, SiteSource } from './site.ts'

type Optional<Form> = { readonly [Key in keyof Form]?: Form[Key] | undefined }

/** What every check may say. */
export type CommonForm = Optional<{
  address: AddressField
  interval: number
  timeout: number
  rise: number
  fall: number
  whileFailing: number
  whileDown: number
  limits: Optional<{ connect: number; tls: number; firstByte: number; total: number }>
  from: Optional<{ address: AddressField; device: string }>
  via: 'server' | 'service'
}>

export type TlsForm = Optional<{
  serverName: string
  verify: boolean
  ca: string
  certificate: string
  key: string
  minimumDaysValid: number
}>

type PortForm = CommonForm & { readonly port?: number | undefined }

export type TcpForm = PortForm & Optional<{ send: string; expect: string; tls: boolean | TlsForm }>
export type HttpForm = PortForm &
  Optional<{
    method: string
    path: string
    host: string
    headers: Readonly<Record<string, string>>
    status: readonly PortRange[]
    body: Optional<{ match: string; absent: string; maximumBytes: number }>
  }>
export type DnsForm = PortForm & { readonly query: string } & Optional<{ type: string; expect: string }>
export type UdpForm = PortForm & Optional<{ send: string; expect: string }>
export type BannerForm = PortForm & Optional<{ tls: boolean | TlsForm; startTls: boolean }>
export type GrpcForm = PortForm & Optional<{ service: string; tls: boolean | TlsForm }>
export type CommandForm = CommonForm & { readonly run: readonly string[] }
export type FileForm = CommonForm & { readonly path: string; readonly upWhile?: 'present' | 'absent' | undefined }

/** The kinds with a greeting and one exchange. */
export type BannerKind = 'smtp' | 'ftp' | 'imap' | 'pop' | 'ldap' | 'redis' | 'mysql' | 'postgres'

/** One check: exactly one of the keys is there. */
export type CheckForm = Optional<
  {
    tcp: TcpForm
    http: HttpForm
    https: HttpForm & TlsForm
    dns: DnsForm
    udp: UdpForm
    ping: CommonForm
    grpc: GrpcForm
    command: CommandForm
    agent: PortForm
    file: FileForm
  } & Record<BannerKind, BannerForm>
>

export type ChecksForm =
  | readonly CheckForm[]
  | {
      readonly require?: 'all' | 'any' | { readonly atLeast: number } | undefined
      readonly of: readonly CheckForm[]
    }

export type SchedulerForm = string | ({ readonly name: string } & Optional<{ fallback: boolean; port: boolean }>)

export interface VirtualForm {
  readonly address: AddressField
  readonly protocol: 'tcp' | 'udp' | 'sctp'
  readonly port?: number | undefined
  readonly ports?: 'all' | readonly PortRange[] | undefined
}

export interface TunnelForm {
  readonly type: 'ipip' | 'gue' | 'gre'
  readonly port?: number | undefined
  readonly checksum?: 'none' | 'local' | 'remote' | undefined
}

/** A server without name and address. */
export type ServerSettingsForm = Optional<{
  port: number
  forwarding: Forwarding
  weight: number
  priority: number
  labels: Readonly<Record<string, string>>
  thresholds: Optional<{ upper: number; lower: number }>
  tunnel: TunnelForm
  checks: ChecksForm
}>

export type ServerForm = ServerSettingsForm & { readonly name: string; readonly address: AddressField }

export type ServersFromForm =
  | { readonly dns: string; readonly refresh?: number | undefined; readonly template?: ServerSettingsForm | undefined }
  | { readonly file: string; readonly template?: ServerSettingsForm | undefined }

export type ServiceForm = { readonly virtual: VirtualForm | readonly VirtualForm[] } & Optional<{
  labels: Readonly<Record<string, string>>
  mark: number
  scheduler: SchedulerForm
  persistence: Optional<{ timeout: number; netmask: string | number; engine: string }>
  onePacket: boolean
  forwarding: Forwarding
  servers: readonly ServerForm[]
  serversFrom: ServersFromForm
  checks: ChecksForm
  onFailure: 'remove' | 'drain'
  slowStart: { readonly for: number; readonly from?: number | undefined }
  minimumHealthy: { readonly share: number; readonly below?: 'keep' | 'sorry' | 'withdraw' | undefined }
  sorry: { readonly address: AddressField } & Optional<{ port: number; forwarding: Forwarding }>
  drain: Optional<{ stickiness: 'keep' | 'move'; wait: number; then: 'keep' | 'remove' }>
  ftp: Optional<{ active: boolean }>
}>

export type DefaultsForm = Optional<{
  forwarding: Forwarding
  scheduler: SchedulerForm
  onFailure: 'remove' | 'drain'
  check: Omit<CommonForm, 'address'>
}>

export interface FailoverForm {
  readonly engine: 'keepalived'
  readonly virtualRouterId: number
  readonly interface: string
  readonly advertInterval?: number | undefined
  readonly anchor: AddressField
  readonly directors: Readonly<Record<string, AddressField>>
}

/** Everything besides the services. */
export type SiteForm = { readonly version: 1; readonly services: Readonly<Record<string, unknown>> } & Optional<{
  defaults: DefaultsForm
  brake: false | { readonly maximumLoss: number; readonly per: number }
  drift: 'repair' | 'report'
  control: CheckForm
  failover: FailoverForm
  source: SiteSource
}>
