// Services as these tests write them, and the rows that they become.
import type { ServiceRow } from '../../../lib/binding/record-types.ts'
import { serviceIdentity, type ServiceIdentity } from '../../../lib/services/service-key.ts'
import { serviceChange } from '../../../lib/services/service-patch.ts'
import { newServiceRow, parseServiceKey, readService } from '../../../lib/services/service.ts'

export const ALL_FLAGS = 0xffffffff
export const host: Uint8Array = Uint8Array.of(255, 255, 255, 255)
export const vip = { protocol: 'tcp', address: '172.16.0.100', port: 80 } as const

/** A prefix length as IPv6 services have it. */
export const prefix = (length: number): Uint8Array => new Uint8Array(Uint32Array.of(length).buffer)
export const ipv4 = (...octets: number[]): number => octets.reduce((value, octet) => value * 256 + octet, 0)

/** Of IPv6 by its first bytes. */
export const ipv6 = (...first: number[]): Uint8Array => Uint8Array.from({ length: 16 }, (_, index) => first[index] ?? 0)

export const keyOf = (key: unknown): ServiceIdentity => parseServiceKey(key)

/** A row without the fields that are absent. */
export function present<Row extends object>(row: Row): Row {
  return Object.fromEntries(Object.entries(row).filter(([, value]) => value !== undefined)) as Row
}

export function added(service: unknown): ServiceRow {
  const fields = readService(service, 'service')
  return present(newServiceRow(serviceIdentity(fields, 'service'), fields))
}

/** What a patch sends, without what stays. */
export function changed(key: unknown, patch: unknown, current?: ServiceRow): ServiceRow {
  const row = serviceChange(keyOf(key), readService(patch, 'patch')).row(current)
  return present(row)
}

export function needsCurrent(key: unknown, patch: unknown): boolean {
  return serviceChange(keyOf(key), readService(patch, 'patch')).needsCurrent
}
