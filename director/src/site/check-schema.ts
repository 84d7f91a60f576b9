// The checks of a file.
import { z } from 'zod'
import { address, duration, filePath, hostName, pattern, port, statuses, oneLine, whole } from './fields.ts'
import type { ChecksForm, CheckForm, DefaultsForm } from './form.ts'

const limits = z
  .strictObject({
    connect: duration('Limit until the connection is there.').optional(),
    tls: duration('Limit of the TLS handshake.').optional(),
    firstByte: duration('Limit until the first byte of the answer.').optional(),
    total: duration('Limit of the whole probe; the same as timeout.').optional(),
  })
  .meta({ id: 'Limits', description: 'Limits of the phases of a probe. Default of each: timeout.' })

const timing = {
  interval: duration('Time from probe to probe. Default 5s.', 100).optional(),
  timeout: duration('Limit of the whole probe. Default 2s.', 10).optional(),
  rise: whole('Successes in a row until a server is up. Default 2.', 1, 1000).optional(),
  fall: whole('Failures in a row until a server is down. Default 3.', 1, 1000).optional(),
  whileFailing: duration(
    'Interval while the last result differs from the verdict. Default 1s, or interval if shorter.',
    100,
  ).optional(),
  whileDown: duration('Interval while the server is down. Default: interval.', 100).optional(),
  limits: limits.optional(),
  from: z
    .strictObject({
      address: address('Source address of the probe.').optional(),
      device: oneLine('Network interface of the probe.', 15).optional(),
    })
    .meta({ id: 'ProbeSource', description: 'Where probes come from. Default: the kernel chooses.' })
    .optional(),
  via: z
    .enum(['server', 'service'])
    .meta({
      description: 'server, the default: straight to it. service: to the virtual address, through the data path.',
    })
    .optional(),
}

const common = { ...timing, address: address("Address to probe. Default: the server's.").optional() }
const ported = {
  ...common,
  port: port
    .meta({
      description:
        "Port to probe. Default: the server's, or the service's only one, or the protocol's own if the service has it.",
    })
    .optional(),
}

const tlsFields = {
  serverName: hostName('Name for SNI and for the check of the certificate. Default: host, or the address.').optional(),
  verify: z.boolean().meta({ description: 'Check the certificate. Default true.' }).optional(),
  ca: filePath('PEM file of the authorities. Default: those of Node.js.').optional(),
  certificate: filePath('PEM file of the client certificate.').optional(),
  key: filePath('PEM file of its key.').optional(),
  minimumDaysValid: whole('Fails when the certificate ends sooner. Default 0.', 0, 3650).optional(),
}
const tls = z
  .union([z.boolean(), z.strictObject(tlsFields)])
  .meta({ id: 'Tls', description: 'TLS: true, or its settings.' })
  .optional()

const http = {
  ...ported,
  method: z
    .string()
    .regex(/^[A-Z]+$/, { error: 'is not a method\nwrite it such as GET' })
    .meta({ description: 'Default GET.' })
    .optional(),
  path: z
    .string()
    .regex(/^\/[!-~]*$/, { error: 'is not a path\nbegin with / and escape what is not ASCII' })
    .meta({ description: 'Path and query. Default /.' })
    .optional(),
  host: hostName('Host header. Default: the address.').optional(),
  headers: z
    .record(
      z
        .string()
        .regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, { error: 'is not the name of a header\nuse letters, digits and "-"' }),
      z.string().regex(/^[\x20-\x7E\xA0-\xFF]*$/, { error: 'has characters that no header may have\nuse ASCII' }),
    )
    .meta({ description: 'Further headers.' })
    .optional(),
  status: statuses.optional(),
  body: z
    .strictObject({
      match: pattern('Regular expression that the body must match.').optional(),
      absent: pattern('Regular expression that the body must not match.').optional(),
      maximumBytes: whole('A longer body fails. Default 65536.', 1, 16_777_216).optional(),
    })
    .optional(),
}

const banner = z.strictObject({
  ...ported,
  tls,
  startTls: z.boolean().meta({ description: 'TLS after the greeting. Default false.' }).optional(),
})
const plainBanner = z.strictObject({ ...ported, tls })

/** Those that a question can be made of. */
const dnsTypes = [
  'A',
  'AAAA',
  'ANY',
  'CAA',
  'CNAME',
  'DNAME',
  'DNSKEY',
  'DS',
  'HINFO',
  'LOC',
  'MX',
  'NAPTR',
  'NS',
  'NSEC',
  'PTR',
  'RP',
  'RRSIG',
  'SOA',
  'SPF',
  'SRV',
  'SSHFP',
  'TLSA',
  'TXT',
] as const

const bytes = z.string().min(1)
/** One check: a map with one key, its kind. */
const kinds = {
  tcp: z.strictObject({
    ...ported,
    send: bytes.meta({ description: 'Text to send.' }).optional(),
    expect: pattern('Regular expression on what comes back.').optional(),
    tls,
  }),
  http: z.strictObject(http),
  https: z.strictObject({ ...http, ...tlsFields }),
  dns: z.strictObject({
    ...ported,
    query: hostName('Name to ask for.'),
    type: z.enum(dnsTypes).meta({ description: 'Type of the records. Default A.' }).optional(),
    expect: oneLine('One of the answers must be this.').optional(),
  }),
  udp: z.strictObject({
    ...ported,
    send: bytes.meta({ description: 'Text to send. Default: nothing.' }).optional(),
    expect: pattern('Regular expression on the answer. Default: any answer, or none.').optional(),
  }),
  ping: z.strictObject(common),
  smtp: banner,
  ftp: banner,
  imap: banner,
  pop: banner,
  ldap: banner,
  redis: plainBanner,
  mysql: banner,
  postgres: banner,
  grpc: z.strictObject({
    ...ported,
    service: z.string().meta({ description: 'Name of the service; empty, the default: the whole server.' }).optional(),
    tls,
  }),
  command: z.strictObject({
    ...common,
    run: z
      .array(z.string().regex(/^[^\0]*$/))
      .min(1)
      .meta({ description: 'Program and arguments; no shell.', examples: [['/usr/local/lib/check', '--fast']] }),
  }),
  agent: z.strictObject(ported),
  file: z.strictObject({
    ...common,
    path: filePath('File on this host.'),
    upWhile: z.enum(['present', 'absent']).meta({ description: 'Default present.' }).optional(),
  }),
}

/** The names of the kinds. */
export const checkKinds: readonly string[] = Object.keys(kinds)

const one = z
  .strictObject(Object.fromEntries(Object.entries(kinds).map(([kind, form]) => [kind, form.optional()])))
  .superRefine((given, context) => {
    const found = Object.keys(given)
    if (found.length === 1) return
    const message =
      found.length === 0
        ? `has no kind\nwrite one of ${checkKinds.join(', ')}`
        : `has several kinds: ${found.join(', ')}\nmake a check of each`
    context.addIssue({ code: 'custom', message })
  })
  .meta({ id: 'Check', description: 'One check: a map with one key, its kind.', minProperties: 1, maxProperties: 1 })

export const checkSchema: z.ZodType<CheckForm> = one

export const checksSchema: z.ZodType<ChecksForm> = z
  .union([
    z.array(checkSchema),
    z.strictObject({
      require: z
        .union([z.enum(['all', 'any']), z.strictObject({ atLeast: whole('Number of checks.', 1, 1000) })])
        .meta({ description: 'How many must succeed. Default all.' })
        .optional(),
      of: z.array(checkSchema).min(1),
    }),
  ])
  .meta({
    id: 'Checks',
    description: 'Checks of each server. A list: all must succeed. None: the server counts as up.',
  })

export const checkDefaultsSchema: z.ZodType<NonNullable<DefaultsForm['check']>> = z
  .strictObject(timing)
  .meta({ description: 'Of each check that says nothing else.' })
