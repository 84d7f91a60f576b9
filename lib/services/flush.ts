// Removing all services, or those of one address family.
import type { Family } from '../values/address.ts'
import { IpvsError, type BatchResult } from '../values/errors.ts'
import type { CallOptions } from '../calls/options.ts'
import { parseSignal } from '../values/signals.ts'
import { oneOf, readFields } from '../values/validate.ts'

/** Options of `flush`. */
export interface FlushOptions extends CallOptions {
  /** Only services of this address family. The kernel has no command for that: they are listed and removed in one batch. */
  readonly family?: Family | undefined
}

interface ParsedFlushOptions {
  readonly family: Family | undefined
  readonly signal: AbortSignal | undefined
}

export function parseFlushOptions(value: unknown): ParsedFlushOptions {
  const { family, signal } = readFields(value, 'options', ['family', 'signal'])
  return {
    family: family === undefined ? undefined : oneOf<Family>(family, 'options.family', ['ipv4', 'ipv6']),
    signal: parseSignal(signal, 'options.signal'),
  }
}

/** The services of one family, one after the other. */
export function* ofFamily<Service extends { readonly family: Family }>(
  services: Iterable<Service>,
  family: Family,
): Generator<Service> {
  for (const service of services) if (service.family === family) yield service
}

/** Services that others removed meanwhile are gone, which is all that was asked for: they count as removed. */
export function assertGone({ applied, failures, done }: BatchResult): void {
  const failed = failures.filter(({ error }) => error.code !== 'ERR_IPVS_SERVICE_NOT_FOUND')
  const first = failed[0]?.error
  if (first === undefined) return
  const batch = { applied: applied + failures.length - failed.length, failures: failed, done }
  const { code, errno, attribute, kernelMessage } = first
  const unknown = failed.some(({ error }) => error.outcome === 'unknown')
  const problem = `${batch.applied} of ${done} services were removed; ${failed.length} failed, first ${first.message}`
  throw new IpvsError(code, problem, {
    operation: 'flush',
    target: '',
    errno,
    attribute,
    kernelMessage,
    outcome: unknown ? 'unknown' : batch.applied > 0 ? 'partial' : 'not-applied',
    batch,
    cause: first,
  })
}
