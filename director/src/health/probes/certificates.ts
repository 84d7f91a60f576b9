// TLS contexts from files, kept for a while, and the end of a server's certificate.
import { readFileSync } from 'node:fs'
import { type SecureContext, createSecureContext } from 'node:tls'
import type { TlsSettings } from '../../site/site.ts'
import { ProbeVoid, errorWords } from './errors.ts'

/** Files that were replaced are read again after this time. */
const keepMs = 60_000

const contexts = new Map<string, { readonly context: SecureContext; readonly until: number }>()

/** Throws {@link ProbeVoid} when a file cannot be used. */
export function secureContext(settings: TlsSettings): SecureContext {
  const key = JSON.stringify([settings.ca, settings.certificate, settings.key])
  const now = performance.now()
  const kept = contexts.get(key)
  if (kept !== undefined && kept.until > now) return kept.context
  const context = newContext(settings)
  for (const [other, { until }] of contexts) if (until <= now) contexts.delete(other)
  contexts.set(key, { context, until: now + keepMs })
  return context
}

function newContext({ ca, certificate, key }: TlsSettings): SecureContext {
  try {
    return createSecureContext({
      ...(ca === undefined ? {} : { ca: readFileSync(ca) }),
      ...(certificate === undefined ? {} : { cert: readFileSync(certificate) }),
      ...(key === undefined ? {} : { key: readFileSync(key) }),
    })
  } catch (error) {
    const files = [ca, certificate, key].filter((path) => path !== undefined)
    throw new ProbeVoid(`the files of tls (${files.join(', ')}) cannot be used: ${errorWords(error)}`)
  }
}

const dayMs = 86_400_000

/** Why a certificate that ends at this time is not accepted at `now`; `undefined`: it is. */
export function certificateFault(ends: number, minimumDaysValid: number, now: number): string | undefined {
  const date = new Date(ends).toISOString()
  if (ends <= now) return `the certificate ended at ${date}`
  if (ends - now >= minimumDaysValid * dayMs) return undefined
  return `the certificate ends at ${date}, in less than ${String(minimumDaysValid)} days`
}
