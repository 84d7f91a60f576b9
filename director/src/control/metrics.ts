// Metrics of the daemon, its services and its servers, for Prometheus.
import type { DirectorEvent, EventKind } from './events.ts'
import { labelsOf, MetricsText, NO_LABELS, type Labels } from './metrics-text.ts'
import type { ServerStatus, ServiceStatus, Status } from './status.ts'
import type { Traffic } from './traffic.ts'

export interface MetricsInput {
  readonly status: Status
  /** By `service/server`. `undefined`: the kernel cannot be read. */
  readonly traffic: ReadonlyMap<string, Traffic> | undefined
  /** Since the start. */
  readonly events: ReadonlyMap<EventKind, number>
}

/** Counts events by kind. */
export class EventCounts {
  readonly #counts = new Map<EventKind, number>()

  get all(): ReadonlyMap<EventKind, number> {
    return this.#counts
  }

  count({ kind }: DirectorEvent): void {
    this.#counts.set(kind, (this.#counts.get(kind) ?? 0) + 1)
  }
}

const seconds = (ms: number): number => ms / 1000

function daemonMetrics(text: MetricsText, { status, traffic, events }: MetricsInput): void {
  const { version, startedAt, site, ready, lastRound, alarms } = status
  text.add('info', 'gauge', 'Version of the daemon.', [[labelsOf({ version }), 1]])
  text.add('start_time_seconds', 'gauge', 'Start of the daemon, in seconds since 1970.', [
    [NO_LABELS, seconds(startedAt)],
  ])
  text.add('ready', 'gauge', '1: the site is applied and every check has had a result.', [[NO_LABELS, ready]])
  text.add('site_loaded_time_seconds', 'gauge', 'When the site in use was read.', [[NO_LABELS, seconds(site.loadedAt)]])
  text.add('site_refused', 'gauge', '1: the file has errors, and an older site is in use.', [
    [NO_LABELS, site.refused.length > 0],
  ])
  text.add('alarms', 'gauge', 'Number of alarms.', [[NO_LABELS, alarms.length]])
  text.add('kernel_readable', 'gauge', '0: the table cannot be read now.', [[NO_LABELS, traffic !== undefined]])
  if (lastRound !== undefined) {
    text.add('last_round_time_seconds', 'gauge', 'Last look at the kernel.', [[NO_LABELS, seconds(lastRound.at)]])
    const help = 'Changes that the kernel refused in the last round.'
    text.add('last_round_failures', 'gauge', help, [[NO_LABELS, lastRound.failures.length]])
  }
  const counts = [...events].map(([kind, count]) => [labelsOf({ kind }), count] as const)
  text.add('events_total', 'counter', 'Events by kind, such as drift, applied, down.', counts)
}

function serviceMetrics(text: MetricsText, services: readonly ServiceStatus[]): void {
  const each = (value: (service: ServiceStatus) => number) =>
    services.map((service) => [labelsOf({ service: service.name }), value(service)] as const)
  const info = services.flatMap(({ name, scheduler, virtuals }) =>
    virtuals.map((virtual) => [labelsOf({ service: name, scheduler, virtual }), 1] as const),
  )
  text.add('service_info', 'gauge', 'Mark and addresses of a service.', info)
  text.add(
    'service_servers',
    'gauge',
    'Servers of the site.',
    each(({ servers }) => servers.length),
  )
  text.add(
    'service_servers_with_traffic',
    'gauge',
    'Servers that get new connections.',
    each(({ up }) => up),
  )
  text.add(
    'service_alarms',
    'gauge',
    'Alarms of a service.',
    each(({ alarms }) => alarms.length),
  )
}

interface NamedServer {
  readonly labels: Labels
  readonly id: string
  readonly server: ServerStatus
}

const states = ['unknown', 'up', 'down'] as const

function serverMetrics(text: MetricsText, servers: readonly NamedServer[]): void {
  const each = (value: (server: ServerStatus) => number | boolean) =>
    servers.map(({ labels, server }) => [labels, value(server)] as const)
  const health = servers.flatMap(({ labels, server }) =>
    states.map((state) => [`${labels},state="${state}"`, server.health === state] as const),
  )
  const kinds = servers.flatMap(({ labels, server: { override } }) =>
    override === undefined ? [] : [[`${labels},kind="${override.kind}"`, 1] as const],
  )
  text.add('server_health', 'gauge', 'What the checks say; 1 for the state that holds.', health)
  const since = 'When the state of health began.'
  text.add(
    'server_health_since_seconds',
    'gauge',
    since,
    each((server) => seconds(server.since)),
  )
  text.add(
    'server_weight',
    'gauge',
    'Weight in the table; 0 also if it is not there.',
    each(({ weight = 0 }) => weight),
  )
  text.add(
    'server_weight_configured',
    'gauge',
    'Weight in the file.',
    each(({ configuredWeight }) => configuredWeight),
  )
  text.add(
    'server_in_table',
    'gauge',
    '1: the kernel has the server.',
    each(({ weight }) => weight !== undefined),
  )
  text.add('server_override', 'gauge', "An operator's order: drain, disable or forceUp.", kinds)
}

function trafficMetrics(
  text: MetricsText,
  servers: readonly NamedServer[],
  traffic: ReadonlyMap<string, Traffic>,
): void {
  const found = servers.flatMap(({ labels, id }) => {
    const counted = traffic.get(id)
    return counted === undefined ? [] : [{ labels, counted }]
  })
  const each = (value: (traffic: Traffic) => number | bigint) =>
    found.map(({ labels, counted }) => [labels, value(counted)] as const)
  text.add(
    'server_active_connections',
    'gauge',
    'Established connections.',
    each(({ active }) => active),
  )
  text.add(
    'server_inactive_connections',
    'gauge',
    'Other connections.',
    each(({ inactive }) => inactive),
  )
  text.add(
    'server_persistent_connections',
    'gauge',
    'Templates of persistent clients.',
    each(({ persistent }) => persistent),
  )
  text.add(
    'server_connections_total',
    'counter',
    'Connections since it is in the table.',
    each(({ connections }) => connections),
  )
  text.add(
    'server_incoming_packets_total',
    'counter',
    'Packets from clients.',
    each(({ inPackets }) => inPackets),
  )
  text.add(
    'server_incoming_bytes_total',
    'counter',
    'Bytes from clients.',
    each(({ inBytes }) => inBytes),
  )
  const back = 'to clients; only with masquerade, other answers do not pass the director.'
  text.add(
    'server_outgoing_packets_total',
    'counter',
    `Packets ${back}`,
    each(({ outPackets }) => outPackets),
  )
  text.add(
    'server_outgoing_bytes_total',
    'counter',
    `Bytes ${back}`,
    each(({ outBytes }) => outBytes),
  )
}

/** All metrics as text. */
export function metricsText(input: MetricsInput): string {
  const { status, traffic } = input
  const text = new MetricsText()
  daemonMetrics(text, input)
  serviceMetrics(text, status.services)
  const servers = status.services.flatMap(({ name: service, servers: all }) =>
    all.map((server): NamedServer => {
      const { name, address } = server
      return { labels: labelsOf({ service, server: name, address }), id: `${service}/${name}`, server }
    }),
  )
  serverMetrics(text, servers)
  if (traffic !== undefined) trafficMetrics(text, servers, traffic)
  return text.toString()
}
