// Patches of services. The kernel replaces all settings of a service; native code fills the absent fields of a patch's row
// from the current service. A few patches can only be validated against the current service: `needsCurrent`.
import { fullNetmask, parsePersistence, type PersistenceChange } from './persistence.ts'
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
  /** True if `row` requires the current service as argument. */
  readonly needsCurrent: boolean
  readonly scheduler: string | undefined
  readonly persistenceEngine: string | undefined
  /** The row of the patch: key and changed fields. */
  row(current?: ServiceRow): ServiceRow
}

// `undefined` keeps the current value; `null` persistence, an empty engine and empty flags remove it.
interface ParsedPatch {
  readonly scheduler: string | undefined
  readonly flags: readonly SchedulerFlag[] | undefined
  readonly onePacket: boolean | undefined
  readonly engine: string | undefined
  readonly persistence: PersistenceChange | null | undefined
}

function parse(identity: ServiceIdentity, fields: ServiceFields): ParsedPatch {
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

/** Validates the fields of a patch. */
export function serviceChange(identity: ServiceIdentity, fields: ServiceFields): ServiceChange {
  assertSameService(identity, fields)
  const patch = parse(identity, fields)
  const { scheduler, flags = [], engine } = patch
  if (scheduler !== undefined) schedulerFlagBits(flags, scheduler, 'patch.schedulerFlags') // throws for a mismatch
  return {
    scheduler,
    persistenceEngine: engine,
    needsCurrent: scheduler === undefined && dependOnScheduler(flags), // the flags must match its scheduler
    row: (current = {}) => changedRow(identity, patch, current),
  }
}

function changedRow(identity: ServiceIdentity, patch: ParsedPatch, current: ServiceRow): SentServiceRow {
  const { family, fwmark, protocol, address, port } = identity.row
  const { timeout, netmask } = changedPersistence(identity, patch)
  return {
    family,
    fwmark,
    protocol,
    address,
    port,
    scheduler: patch.scheduler,
    persistenceEngine: patch.engine ?? (patch.persistence === null ? '' : undefined), // no effect without persistence
    flags: changedFlags(patch, current),
    timeout,
    netmask,
  }
}

// The mask contains the changed bits only: the kernel keeps the rest.
function changedFlags(
  { scheduler, flags, onePacket, persistence }: ParsedPatch,
  current: ServiceRow,
): Flags | undefined {
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

// Native code fills in an absent timeout under the lock: the service's, or the default if it is not persistent.
function changedPersistence({ family }: ServiceIdentity, { persistence }: ParsedPatch): ServiceRow {
  if (persistence === undefined) return {}
  if (persistence === null) return { timeout: 0, netmask: fullNetmask(family) }
  return { timeout: persistence.timeout, netmask: persistence.netmask }
}
