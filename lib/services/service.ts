// Virtual services: what users give and get, and how it maps to rows.
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

/** How a service works. */
export interface ServiceSettings {
  /** Default `'wlc'`. The kernel loads the module `ip_vs_NAME` when needed. Like `ipvsadm -s`. */
  readonly scheduler?: Scheduler | undefined
  /** Flags of the scheduler, default none. Those named after a scheduler need that scheduler. Like `ipvsadm -b`. */
  readonly schedulerFlags?: readonly SchedulerFlag[] | undefined
  /** Sends a client always to the same destination; `{}` means 360 seconds. Default: no persistence. Like `ipvsadm -p`. */
  readonly persistence?: Persistence | undefined
  /**
   * Tells clients apart by more than their address: `'sip'` by SIP's Call-ID. It has an effect on UDP and with persistence
   * only. The kernel loads the module `ip_vs_pe_NAME` when needed. Like `ipvsadm --pe`.
   */
  readonly persistenceEngine?: string | undefined
  /**
   * Schedules every UDP packet for itself, without connections: for services of `udp` or a mark, on others it has no effect.
   * Like `ipvsadm -o`.
   */
  readonly onePacket?: boolean | undefined
}

/**
 * A virtual service. Like the options of `ipvsadm -A`. Whatever the kernel keeps is accepted, so that everything that is
 * listed can be added again. What only listings have, such as `statistics` and a snapshot's `destinations`, is ignored.
 */
export type Service = ServiceKey & ServiceSettings

/**
 * What to change of a service: what is not named stays as it is (`ipvsadm -E` resets it). `null` removes. The key cannot
 * change. A listed service is a valid patch: its key must be the same, and what only listings have is ignored.
 */
export interface ServicePatch {
  /** Changing it takes the kernel some 10 to 20 ms. */
  readonly scheduler?: Scheduler | undefined
  /** The complete new set; `null` or `[]`: none. */
  readonly schedulerFlags?: readonly SchedulerFlag[] | null | undefined
  /** What is not named in it stays. `null` ends persistence and removes the persistence engine with it. */
  readonly persistence?: PersistencePatch | null | undefined
  /** `null`: none, which tells clients apart by their address. It has an effect with persistence only. */
  readonly persistenceEngine?: string | null | undefined
  /** On services of `udp` or a mark; on others it has no effect. */
  readonly onePacket?: boolean | undefined
}

/** Settings of a listed service. */
export interface ListedServiceSettings {
  /** `'none'`: no new connections. */
  readonly scheduler: Scheduler
  /** Those of `sh` and `mh` by their own names, others as `flag-1` to `flag-3`. */
  readonly schedulerFlags: readonly SchedulerFlag[]
  /** Absent: not persistent. */
  readonly persistence?: ListedPersistence
  /** Absent: none. */
  readonly persistenceEngine?: string
  /** Whether every UDP packet is scheduled for itself. */
  readonly onePacket: boolean
}

/** A service as the kernel has it. Pass it back to `addService` or `updateService`, or use it as a key. */
export type ListedService = ListedServiceKey &
  ListedServiceSettings & {
    /** Only listed: ignored where services are passed in. */
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

// What only listings have; in snapshots services have destinations.
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

/** Reads all properties of a service, or of a patch, once. */
export function readService(value: unknown, path: 'service' | 'patch'): ServiceFields {
  return serviceFields.read(value, path)
}

// Destinations of one service come in rows: its key is parsed once for all of them.
let last: { readonly fields: Fields<ServiceKeyField>; readonly identity: ServiceIdentity } | undefined

/** Checks a key. Whole services are keys, too: their settings are not looked at. */
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

/** The row of a new service: the kernel wants all settings. */
export function newServiceRow(identity: ServiceIdentity, fields: ServiceFields): SentServiceRow {
  const { persistenceEngine } = fields
  const scheduler =
    fields.scheduler === undefined ? 'wlc' : moduleName(fields.scheduler, 'service.scheduler', schedulers)
  let value = newSchedulerFlags(fields.schedulerFlags, scheduler)
  if (fields.onePacket !== undefined && boolean(fields.onePacket, 'service.onePacket')) value |= ONE_PACKET
  const persistence =
    fields.persistence === undefined ? undefined : parsePersistence(fields.persistence, identity.family, 'service')
  if (persistence !== undefined) value |= PERSISTENT
  const { family, fwmark, protocol, address, port } = identity.row // several times as fast as spreading it
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

/** A row of a listing as users get it. Filled in one by one: several times as fast as spreading, for long listings. */
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
