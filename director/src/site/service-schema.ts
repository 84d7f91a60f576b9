// One service of a file.
import { z } from 'zod'
import { checksSchema } from './check-schema.ts'
import {
  address,
  addressBlock,
  duration,
  filePath,
  hostName,
  name,
  percent,
  port,
  ports,
  oneLine,
  whole,
} from './fields.ts'
import type { SchedulerForm, ServiceForm } from './form.ts'

const forwardings = ['masquerade', 'direct', 'tunnel', 'local', 'bypass'] as const
export const forwarding: z.ZodType<(typeof forwardings)[number]> = z
  .enum(forwardings)
  .meta({ description: 'How packets reach a server. Default direct.' })

export const onFailure: z.ZodType<'remove' | 'drain'> = z.enum(['remove', 'drain']).meta({
  description:
    'A server that is down: removed, or kept with weight 0. Default remove with persistence, drain otherwise.',
})

const labels = z
  .record(name, z.string().regex(/^[^\p{Cc}\p{Cs}]*$/u, { error: 'has control characters\nremove them' }))
  .meta({ id: 'Labels', description: 'Labels for people and tools.' })

export const schedulerSchema: z.ZodType<SchedulerForm> = z
  .union([
    oneLine('Name of a scheduler.'),
    z.strictObject({
      name: oneLine('Name of a scheduler.'),
      fallback: z
        .boolean()
        .meta({ description: 'mh and sh: clients of a server with weight 0 go to another one. Default true.' })
        .optional(),
      port: z
        .boolean()
        .meta({ description: 'mh and sh: the port of the client counts too. Default false.' })
        .optional(),
    }),
  ])
  .meta({ id: 'Scheduler', description: 'Scheduler. Default wlc.', examples: ['rr', { name: 'mh', port: true }] })

const virtual = z
  .strictObject({
    address: addressBlock,
    protocol: z.enum(['tcp', 'udp', 'sctp']).meta({ description: 'Protocol.' }),
    port: port.optional(),
    ports: ports.optional(),
  })
  .superRefine((given, context) => {
    if ((given.port === undefined) !== (given.ports === undefined)) return
    const message =
      given.port === undefined
        ? 'has no port\nadd port, or ports with a list or all'
        : 'has port and ports\nkeep one of them'
    context.addIssue({ code: 'custom', message })
  })
  .meta({ id: 'Virtual', description: 'What clients connect to: an address with a port or ports.' })

const tunnel = z
  .strictObject({
    type: z.enum(['ipip', 'gue', 'gre']).meta({ description: 'Encapsulation.' }),
    port: port.optional(),
    checksum: z
      .enum(['none', 'local', 'remote'])
      .meta({ description: 'Checksum of the outer packet. Default none.' })
      .optional(),
  })
  .meta({ id: 'Tunnel', description: 'Of servers with forwarding tunnel. Default ipip.' })

const MOST_CONNECTIONS = 0xffffffff
const settings = {
  port: port
    .meta({ description: 'Port of the server. Default: the port that the client chose. Another one needs masquerade.' })
    .optional(),
  forwarding: forwarding.optional(),
  weight: whole('Share of new connections. 0: none. Default 1.', 0, 65_535).optional(),
  priority: whole(
    'Servers with the lowest number that has a healthy server get the traffic. Default 0.',
    0,
    1000,
  ).optional(),
  labels: labels.optional(),
  thresholds: z
    .strictObject({
      upper: whole('No new connections above this number. 0: no limit.', 0, MOST_CONNECTIONS).optional(),
      lower: whole(
        'New connections again below this number. 0: three quarters of upper.',
        0,
        MOST_CONNECTIONS,
      ).optional(),
    })
    .meta({ description: 'Limits of connections.' })
    .optional(),
  tunnel: tunnel.optional(),
  checks: checksSchema.optional(),
}

const server = z
  .strictObject({ name, address: address('IPv4 or IPv6 address.'), ...settings })
  .meta({ id: 'Server', description: 'A server. The same name in several services is the same server.' })

const template = z.strictObject(settings).meta({ description: 'Settings of the servers that are found.' }).optional()
const serversFrom = z
  .strictObject({
    dns: hostName('Name whose A and AAAA records are the servers.').optional(),
    refresh: duration('Time between two questions. Default 30s.', 1000).optional(),
    file: filePath('File with targets in the file_sd form of Prometheus.').optional(),
    template,
  })
  .superRefine((given, context) => {
    if ((given.dns === undefined) === (given.file === undefined)) {
      context.addIssue({ code: 'custom', message: 'names no source, or two\nwrite dns or file' })
    } else if (given.file !== undefined && given.refresh !== undefined) {
      context.addIssue({ code: 'custom', path: ['refresh'], message: 'belongs to dns; a file is watched\nremove it' })
    }
  })
  .meta({ description: 'Further servers, from DNS or a file.' })

const MONTH = 31 * 24 * 60 * 60 * 1000

const service = z
  .strictObject({
    labels: labels.optional(),
    virtual: z.union([virtual, z.array(virtual).min(1)]),
    mark: whole('Firewall mark. Default: allocated where one is needed.', 1, 0xffffffff).optional(),
    scheduler: schedulerSchema.optional(),
    persistence: z
      .strictObject({
        timeout: duration('How long a client stays at its server. Default 6m.', 1000, MONTH).optional(),
        netmask: z
          .union([z.string(), z.int()])
          .meta({ description: 'Clients with equal bits are one client: 255.255.255.0, or a prefix length for IPv6.' })
          .optional(),
        engine: oneLine('sip: clients are told apart by Call-ID. UDP only.').optional(),
      })
      .meta({ description: 'Keeps clients at their server. {}: for 6 minutes.' })
      .optional(),
    onePacket: z.boolean().meta({ description: 'UDP: each packet on its own. Default false.' }).optional(),
    forwarding: forwarding.optional(),
    servers: z.array(server).optional(),
    serversFrom: serversFrom.optional(),
    checks: checksSchema.optional(),
    onFailure: onFailure.optional(),
    slowStart: z
      .strictObject({
        for: duration('How long a server that comes back has less than its weight.', 1000),
        from: percent('Share of the weight at the start. Default 10%.').optional(),
      })
      .optional(),
    minimumHealthy: z
      .strictObject({
        share: percent('Share of the configured weight.'),
        below: z
          .enum(['keep', 'sorry', 'withdraw'])
          .meta({
            description:
              'keep, the default: all servers get traffic. sorry: the sorry server. withdraw: the director gives its addresses away.',
          })
          .optional(),
      })
      .meta({ description: 'What happens when fewer servers are healthy.' })
      .optional(),
    sorry: z
      .strictObject({
        address: address('IPv4 or IPv6 address.'),
        port: port.optional(),
        forwarding: forwarding.optional(),
      })
      .meta({ description: 'Gets the traffic when no server is left.' })
      .optional(),
    drain: z
      .strictObject({
        stickiness: z
          .enum(['keep', 'move'])
          .meta({ description: 'Persistent clients stay until they go, or move at once. Default keep.' })
          .optional(),
        wait: duration('Deadline. Default 10m.').optional(),
        // oxlint-disable-next-line unicorn/no-thenable -- a key of the file, and no function
        then: z
          .enum(['keep', 'remove'])
          .meta({ description: 'At the end: weight 0 stays, or the server is removed. Default keep.' })
          .optional(),
      })
      .optional(),
    ftp: z
      .strictObject({
        active: z
          .boolean()
          .meta({ description: "Masquerade of the servers' port 20, for active FTP. Default false." })
          .optional(),
      })
      .optional(),
  })
  .meta({ description: 'A virtual service.' })

export const serviceSchema: z.ZodType<ServiceForm> = service as unknown as z.ZodType<ServiceForm>
