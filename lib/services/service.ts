// Virtual services: public types, and their conversion from and to rows.
import type { Family } from '../values/address.ts'
import {
  DEFAULT_TIMEOUT_SECONDS,
  formatNetmask,
  fullNetmask,
  parsePersistence,
  type ListedPersistence,
  type Persistence,
  type PersistencePatch,
} from './persistence.ts'
import type { SentServiceRow, ServiceRow } from '../binding/record-types.ts'
import {
  moduleName,
  parseSchedulerFlags,
  schedulerFlagBits,
  schedulerFlagsOf,
  schedulers,
  type Scheduler,
  type SchedulerFlag,
} from './scheduler.ts'
import {
  listedServiceKey,
  serviceKeyNames,
  serviceIdentity,
  type ListedServiceKey,
  type ServiceIdentity,
  type ServiceKey,
  type ServiceKeyField,
} from './service-key.ts'
import { statisticsOf, type Statistics } from './statistics.ts'
import { FieldSet, boolean, namesOf, type Fields, type PickFields } from '../values/validate.ts'

/** Settings of a service. */
export interface ServiceSettings {
  /** Scheduler. Default `'wlc'`. The kernel loads the module `ip_vs_NAME` on demand. Like `ipvsadm -s`. */
  readonly scheduler?: Scheduler | undefined
  /** Flags of the scheduler. Default: none. A flag named after a scheduler requires that scheduler. Like `ipvsadm -b`. */
  readonly schedulerFlags?: readonly SchedulerFlag[] | undefined
  /**
   * Persistence: sends all connections of a client to the same destination. `{}`: with a timeout of 360 seconds. Default:
   * none. Like `ipvsadm -p`.
   */
  readonly persistence?: Persistence | undefined
  /**
   * Identifies clients by packet content instead of the address alone: `'sip'` by the SIP Call-ID. Effective for UDP with
   * persistence only. The kernel loads the module `ip_vs_pe_NAME` on demand. Default: none. Like `ipvsadm --pe`.
   */
  readonly persistenceEngine?: string | undefined
  /**
   * Schedules each UDP packet on its own, without a connection. Effective for services with protocol `udp` or a mark only.
   * Default false. Like `ipvsadm -o`.
   */
  readonly onePacket?: boolean | undefined
}

/**
 * A virtual service to add. Like the options of `ipvsadm -A`. Every listed service is valid input; properties of listings,
 * such as `statistics` and the `destinations` of a snapshot, are ignored.
 */
export type Service = ServiceKey & ServiceSettings

/**
 * Changes of a service. Absent properties keep their value (`ipvsadm -E` resets them to the default); `null` removes a
 * setting. The key cannot change. A listed service is a valid patch: its key must match, and `statistics` are ignored.
 */
export interface ServicePatch {
  /** New scheduler. The change takes the kernel 10 to 20 ms. */
  readonly scheduler?: Scheduler | undefined
  /** Replaces all flags; `null` or `[]`: none. */
  readonly schedulerFlags?: readonly SchedulerFlag[] | null | undefined
  /** Absent properties of it keep their value. `null`: removes persistence and the persistence engine. */
  readonly persistence?: PersistencePatch | null | undefined
  /** New persistence engine; `null`: none, clients are identified by address. */
  readonly persistenceEngine?: string | null | undefined
  /** Schedules each UDP packet on its own. Effective for services with protocol `udp` or a mark only. */
  readonly onePacket?: boolean | undefined
}

/** Settings of a listed service. */
export interface ListedServiceSettings {
  /** Scheduler; `'none'`: no new connections. */
  readonly scheduler: Scheduler
  /** Flags; named after the scheduler for `sh` and `mh`, else `flag-1` to `flag-3`. */
  readonly schedulerFlags: readonly SchedulerFlag[]
  /** Persistence. Absent: none. */
  readonly persistence?: ListedPersistence
  /** Persistence engine. Absent: none. */
  readonly persistenceEngine?: string
  /** True if each UDP packet is scheduled on its own. */
  readonly onePacket: boolean
}

/** A service in the kernel. Valid input for `addService` and `updateService`, and as a key. */
export type ListedService = ListedServiceKey &
  ListedServiceSettings & {
    /** Counters and rates. Ignored as input. */
    readonly statistics: Statistics
  }

export const PERSISTENT = 0x1 // IP_VS_SVC_F_PERSISTENT
export const ONE_PACKET = 0x4 // IP_VS_SVC_F_ONEPACKET
const ALL_FLAGS = 0xffffffff

const settingNames = namesOf<keyof ServiceSettings>({
  scheduler: true,
  schedulerFlags: true,
  persistence: true,
  persistenceEngine: true,
  onePacket: true,
})
type ServiceField = ServiceKeyField | keyof ServiceSettings
const serviceNames: readonly ServiceField[] = [...serviceKeyNames, ...settingNames]
export type ServiceFields = Fields<ServiceField>

// Properties of listings and snapshots that input may have too.
const listedOnly = ['statistics', 'destinations']

const pickService: PickFields<ServiceField> = (given, present, bit) => ({
  fwmark: present & bit.fwmark ? given.fwmark : undefined,
  family: present & bit.family ? given.family : undefined,
  protocol: present & bit.protocol ? given.protocol : undefined,
  address: present & bit.address ? given.address : undefined,
  port: present & bit.port ? given.port : undefined,
  scheduler: present & bit.scheduler ? given.scheduler : undefined,
  schedulerFlags: present & bit.schedulerFlags ? given.schedulerFlags : undefined,
  persistence: present & bit.persistence ? given.persistence : undefined,
  persistenceEngine: present & bit.persistenceEngine ? given.persistenceEngine : undefined,
  onePacket: present & bit.onePacket ? given.onePacket : undefined,
})
export const serviceFields: FieldSet<ServiceField> = new FieldSet(serviceNames, pickService, listedOnly)

const pickKey: PickFields<ServiceKeyField> = (given, present, bit) => ({
  fwmark: present & bit.fwmark ? given.fwmark : undefined,
  family: present & bit.family ? given.family : undefined,
  protocol: present & bit.protocol ? given.protocol : undefined,
  address: present & bit.address ? given.address : undefined,
  port: present & bit.port ? given.port : undefined,
})
const keyFields = new FieldSet(serviceKeyNames, pickKey, [...settingNames, ...listedOnly])

/** Reads each property of a service or of a patch once. */
export function readService(value: unknown, path: 'service' | 'patch'): ServiceFields {
  return serviceFields.read(value, path)
}

// Consecutive destinations usually have the same service: remember the last parsed key.
let last: { readonly fields: Fields<ServiceKeyField>; readonly identity: ServiceIdentity } | undefined

/** Parses a key. A whole service is a valid key; its settings are ignored. */
export function parseServiceKey(value: unknown): ServiceIdentity {
  const fields = keyFields.read(value, 'service')
  if (last !== undefined && sameFields(fields, last.fields)) return last.identity
  const identity = serviceIdentity(fields, 'service')
  last = { fields, identity }
  return identity
}

function sameFields(left: Fields<ServiceKeyField>, right: Fields<ServiceKeyField>): boolean {
  return (
    left.fwmark === right.fwmark &&
    left.address === right.address &&
    left.port === right.port &&
    left.protocol === right.protocol &&
    left.family === right.family
  )
}

export function parseEngine(value: unknown, path: string): string {
  return moduleName(value, path, ['sip'])
}

/** The row of a new service, with all settings, as the kernel requires. */
export function newServiceRow(identity: ServiceIdentity, fields: ServiceFields): SentServiceRow {
  const { persistenceEngine } = fields
  const scheduler =
    fields.scheduler === undefined ? 'wlc' : moduleName(fields.scheduler, 'service.scheduler', schedulers)
  let value = newSchedulerFlags(fields.schedulerFlags, scheduler)
  if (fields.onePacket !== undefined && boolean(fields.onePacket, 'service.onePacket')) value |= ONE_PACKET
  const persistence =
    fields.persistence === undefined ? undefined : parsePersistence(fields.persistence, identity.family, 'service')
  if (persistence !== undefined) value |= PERSISTENT
  const { family, fwmark, protocol, address, port } = identity.row // several times as fast as spreading the row
  return {
    family,
    fwmark,
    protocol,
    address,
    port,
    scheduler,
    persistenceEngine:
      persistenceEngine === undefined ? undefined : parseEngine(persistenceEngine, 'service.persistenceEngine'),
    flags: { value, mask: ALL_FLAGS },
    timeout: persistence === undefined ? 0 : (persistence.timeout ?? DEFAULT_TIMEOUT_SECONDS),
    netmask: persistence?.netmask ?? fullNetmask(identity.family),
  }
}

function newSchedulerFlags(value: unknown, scheduler: string): number {
  if (value === undefined) return 0
  return schedulerFlagBits(parseSchedulerFlags(value, 'service.schedulerFlags'), scheduler, 'service.schedulerFlags')
}

type Writable<Type> = { -readonly [Name in keyof Type]?: Type[Name] }

/** Converts a row of a listing. Assigning properties is several times as fast as spreading, for long listings. */
export function listedService(row: ServiceRow): ListedService {
  const key = listedServiceKey(row)
  const service: ListedServiceKey & Writable<ListedServiceSettings & { statistics: Statistics }> = key
  const flags = row.flags?.value ?? 0
  const { scheduler = 'none', persistenceEngine } = row
  service.scheduler = scheduler
  service.schedulerFlags = schedulerFlagsOf(flags, scheduler)
  if (flags & PERSISTENT) service.persistence = listedPersistence(row, key.family)
  if (persistenceEngine) service.persistenceEngine = persistenceEngine
  service.onePacket = (flags & ONE_PACKET) !== 0
  service.statistics = statisticsOf(row.statistics)
  return service as ListedService
}

function listedPersistence(row: ServiceRow, family: Family): ListedPersistence {
  return { timeoutSeconds: row.timeout ?? 0, netmask: formatNetmask(row.netmask ?? fullNetmask(family), family) }
}
