// Checks and targets for tests: every field has a value, a test names the ones it is about.
import { setMaxListeners } from 'node:events'
import type { ProbeTarget } from '../../../src/health/probes/probe.ts'
import type { CheckCommon, PhaseLimits, TlsSettings } from '../../../src/site/site.ts'

export const limits: PhaseLimits = { connect: 5000, tls: 5000, firstByte: 5000, total: 10_000 }

export const common: CheckCommon = {
  address: undefined,
  intervalMs: 5000,
  whileFailingMs: 1000,
  whileDownMs: 5000,
  rise: 2,
  fall: 3,
  limits,
  from: { address: undefined, device: undefined },
  via: 'server',
}

export const local: ProbeTarget = { address: '127.0.0.1', family: 'ipv4', mark: undefined }

export const anyTls: TlsSettings = {
  serverName: undefined,
  verify: false,
  ca: undefined,
  certificate: undefined,
  key: undefined,
  minimumDaysValid: 0,
}

/** A signal that never comes. */
export const never: AbortSignal = new AbortController().signal
setMaxListeners(0, never)
