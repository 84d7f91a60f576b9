// Patches of services. The kernel replaces a service's settings as a whole; the native side completes the row of a patch
// with what the service has. Some patches cannot even be understood without knowing the service: those ask for it.
import { DEFAULT_TIMEOUT_SECONDS, fullNetmask, parsePersistence, type PersistenceChange } from './persistence.ts'
import type { Flags } from '../binding/row-layout.ts'
import type { SentServiceRow, ServiceRow } from '../binding/record-types.ts'
import {
  SCHEDULER_FLAGS,
  dependOnScheduler,
  moduleName,
  parseSchedulerFlags,
  schedulerFlagBits,
  schedulers,
  type SchedulerFlag,
} from './scheduler.ts'
import { assertSameService, type ServiceIdentity } from './service-key.ts'
import { ONE_PACKET, PERSISTENT, parseEngine, type ServiceFields } from './service.ts'
import { boolean } from '../values/validate.ts'

/** A checked patch. */
export interface ServiceChange {
  /** Whether `row` has to be told the service as it is. */
  readonly needsCurrent: boolean
  readonly scheduler: string | undefined
  readonly persistenceEngine: string | undefined
  /** Key and what changes. */
  row(current?: ServiceRow): ServiceRow
}

// `undefined` stays as it is; `null` persistence, an empty engine and empty flags are removed.
interface Wishes {
  readonly scheduler: string | undefined
  readonly flags: readonly SchedulerFlag[] | undefined
  readonly onePacket: boolean | undefined
  readonly engine: string | undefined
  readonly persistence: PersistenceChange | null | undefined
}

function parse(identity: ServiceIdentity, fields: ServiceFields): Wishes {
  const { scheduler, schedulerFlags, onePacket, persistenceEngine, persistence } = fields
  return {
    scheduler: scheduler === undefined ? undefined : moduleName(scheduler, 'patch.scheduler', schedulers),
    flags: schedulerFlags === undefined ? undefined : parseSchedulerFlags(schedulerFlags ?? [], 'patch.schedulerFlags'),
    onePacket: onePacket === undefined ? undefined : boolean(onePacket, 'patch.onePacket'),
    engine: parseEngineChange(persistenceEngine),
    persistence:
      persistence === undefined || persistence === null
        ? persistence
        : parsePersistence(persistence, identity.family, 'patch'),
  }
}

function parseEngineChange(value: unknown): string | undefined {
  if (value === undefined) return undefined
  return value === null ? '' : parseEngine(value, 'patch.persistenceEngine')
}

/** Checks a patch whose properties were read. */
export function serviceChange(identity: ServiceIdentity, fields: ServiceFields): ServiceChange {
  assertSameService(identity, fields)
  const wishes = parse(identity, fields)
  const { scheduler, flags = [], engine, persistence } = wishes
  if (scheduler !== undefined) schedulerFlagBits(flags, scheduler, 'patch.schedulerFlags') // wrong for any service
  return {
    scheduler,
    persistenceEngine: engine,
    needsCurrent:
      (scheduler === undefined && dependOnScheduler(flags)) || // do the names fit its scheduler?
      (persistence !== undefined && persistence !== null && persistence.timeout === undefined), // is it persistent?
    row: (current = {}) => changedRow(identity, wishes, current),
  }
}

function changedRow(identity: ServiceIdentity, wishes: Wishes, current: ServiceRow): SentServiceRow {
  const wasPersistent = ((current.flags?.value ?? 0) & PERSISTENT) !== 0
  const { family, fwmark, protocol, address, port } = identity.row
  const { timeout, netmask } = changedPersistence(identity, wishes, wasPersistent)
  return {
    family,
    fwmark,
    protocol,
    address,
    port,
    scheduler: wishes.scheduler,
    persistenceEngine: wishes.engine ?? (wishes.persistence === null ? '' : undefined), // it does nothing without persistence
    flags: changedFlags(wishes, current),
    timeout,
    netmask,
  }
}

// The mask has just the bits that change: the kernel keeps the others.
function changedFlags({ scheduler, flags, onePacket, persistence }: Wishes, current: ServiceRow): Flags | undefined {
  let value = 0
  let mask = 0
  if (flags !== undefined) {
    mask |= SCHEDULER_FLAGS
    value |= schedulerFlagBits(flags, scheduler ?? current.scheduler ?? 'none', 'patch.schedulerFlags')
  }
  if (onePacket !== undefined) {
    mask |= ONE_PACKET
    value |= onePacket ? ONE_PACKET : 0
  }
  if (persistence !== undefined) {
    mask |= PERSISTENT
    value |= persistence === null ? 0 : PERSISTENT
  }
  return mask === 0 ? undefined : { value, mask }
}

function changedPersistence({ family }: ServiceIdentity, { persistence }: Wishes, wasPersistent: boolean): ServiceRow {
  if (persistence === undefined) return {}
  if (persistence === null) return { timeout: 0, netmask: fullNetmask(family) }
  const { timeout, netmask } = persistence
  return { timeout: timeout ?? (wasPersistent ? undefined : DEFAULT_TIMEOUT_SECONDS), netmask }
}
