// Removal of all services, or of all services of one address family.
import type { Family } from '../values/address.ts'
import { IpvsError, type BatchResult } from '../values/errors.ts'
import type { CallOptions } from '../calls/options.ts'
import { parseSignal } from '../values/signals.ts'
import { oneOf, readFields } from '../values/validate.ts'

/** Options of `flush`. */
export interface FlushOptions extends CallOptions {
  /**
   * Removes services of this address family only. The kernel has no command for it: the services are listed, then removed
   * in one batch. Default: both families.
   */
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

/** The services of one family. */
export function* ofFamily<Service extends { readonly family: Family }>(
  services: Iterable<Service>,
  family: Family,
): Generator<Service> {
  for (const service of services) if (service.family === family) yield service
}

/** Throws unless all services are gone. A service that another program removed meanwhile counts as removed. */
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
