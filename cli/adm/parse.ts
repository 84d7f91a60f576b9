// Parses a command line of ipvsadm into operations of our API.
import type { BatchOperation, Destination, SchedulerFlag, ServiceKey, SyncDaemon, SyncDaemonRole, Tunnel } from 'ipvs'
import { check } from './checks.ts'
import { commandOf, type CommandName } from './options.ts'
import { Scanner } from './scan.ts'
import { Settings, timeout } from './settings.ts'
import { FAILED, UsageError, tryHelp } from './usage-error.ts'
import type { Hosts } from './values.ts'

/** The format of a listing. */
export interface View {
  readonly numeric: boolean
  readonly columns: 'plain' | 'stats' | 'rate' | 'thresholds' | 'persistent-conn' | 'tun-info'
  readonly exact: boolean
  readonly sorted: boolean
}

/** Seconds; 0 leaves a timeout unchanged. */
export type TimeoutSeconds = readonly [tcp: number, tcpFin: number, udp: number]

export type Command =
  | { readonly name: 'change'; readonly operation: BatchOperation }
  | { readonly name: 'list'; readonly view: View; readonly service: ServiceKey | undefined }
  | { readonly name: 'connections'; readonly numeric: boolean; readonly engines: boolean }
  | { readonly name: 'save'; readonly numeric: boolean }
  | { readonly name: 'set'; readonly seconds: TimeoutSeconds }
  | { readonly name: 'start-daemon'; readonly daemon: SyncDaemon }
  | { readonly name: 'stop-daemon'; readonly role: SyncDaemonRole }
  | { readonly name: 'timeouts' | 'daemons' | 'restore' | 'help' | 'version' }

/** Parses a command line. Throws `UsageError`, or `UnknownHost` for a name that is not in `hosts`. */
export function parse(words: readonly string[], hosts: Hosts = new Map()): Command {
  if (words.length === 0) return list(new Settings(hosts))
  const scanner = new Scanner(words)
  const first = scanner.next()
  if (first === undefined || 'problem' in first) throw tryHelp()
  const command = commandOf.get(first.name)
  if (command === undefined) throw tryHelp()
  if (command === 'help' || command === 'version') return { name: command }
  const settings = new Settings(hosts)
  settings.command(command, first.value ?? '')
  for (let met = scanner.next(); met !== undefined; met = scanner.next()) {
    if ('problem' in met) throw new UsageError(met.problem, FAILED, false)
    if (commandOf.has(met.name)) throw new UsageError(`invalid option \`${met.word}'`)
    settings.option(met)
  }
  const seconds = command === 'set' ? timeouts(scanner.left) : undefined
  const [unexpected] = scanner.left
  if (unexpected !== undefined) throw new UsageError(`unexpected argument ${unexpected}`)
  const flags = schedulerFlags(settings)
  check(command, settings)
  return seconds === undefined ? commandFrom(command, settings, flags) : { name: 'set', seconds }
}

// Removes three words.
function timeouts(words: string[]): TimeoutSeconds {
  if (words.length < 3) throw new UsageError('--set option requires 3 timeout values')
  return words.splice(0, 3).map((word) => timeout(word, 0)) as unknown as TimeoutSeconds
}

const flagOf: Readonly<Record<string, SchedulerFlag>> = {
  'sh-fallback': 'flag-1',
  'sh-port': 'flag-2',
  'mh-fallback': 'flag-1',
  'mh-port': 'flag-2',
  'flag-1': 'flag-1',
  'flag-2': 'flag-2',
  'flag-3': 'flag-3',
}

// Returns neutral names, so that several names of one flag are one flag.
function schedulerFlags({ schedulerFlags: text, scheduler }: Settings): SchedulerFlag[] {
  const flags = new Set<SchedulerFlag>()
  for (const name of text.split(',').filter((each) => each !== '')) {
    const flag = flagOf[name]
    if (flag === undefined) throw new UsageError(`invalid scheduler flag \`${name}'`)
    if (!name.startsWith('flag-') && !name.startsWith(`${scheduler}-`)) {
      throw new UsageError(`incompatible scheduler flag \`${name}'`)
    }
    flags.add(flag)
  }
  return [...flags]
}

function commandFrom(command: CommandName, settings: Settings, flags: readonly SchedulerFlag[]): Command {
  const service = key(settings)
  switch (command) {
    case 'add-service':
    case 'edit-service':
      return change(serviceOperation(command, service, settings, flags))
    case 'delete-service':
      return change({ operation: 'removeService', service })
    case 'flush':
      return change({ operation: 'flush' })
    case 'zero':
      return change({ operation: 'zeroCounters', ...(settings.options.has('service-address') && { service }) })
    case 'add-server':
      return change({ operation: 'addDestination', service, destination: destination(settings) })
    case 'edit-server': {
      const { address, port = 0, tunnel, ...patch } = destination(settings)
      const whole = { ...patch, ...(patch.forwarding === 'tunnel' && { tunnel: tunnel ?? null }) }
      return change({ operation: 'updateDestination', service, destination: { address, port }, patch: whole })
    }
    case 'delete-server': {
      const { address = '', port = settings.port } = settings.destination ?? {}
      return change({ operation: 'removeDestination', service, destination: { address, port } })
    }
    case 'start-daemon':
      return { name: command, daemon: daemon(settings) }
    case 'stop-daemon':
      return { name: command, role: settings.role }
    case 'save':
      return { name: command, numeric: settings.options.has('numeric') }
    case 'list':
      return list(settings)
    default:
      return { name: 'restore' }
  }
}

const change = (operation: BatchOperation): Command => ({ name: 'change', operation })

function key({ fwmark, family, protocol = 'tcp', address, port }: Settings): ServiceKey {
  if (fwmark !== undefined) return { fwmark, family }
  return family === 'ipv6' ? { protocol, address, port, family } : { protocol, address, port }
}

function serviceOperation(
  command: 'add-service' | 'edit-service',
  service: ServiceKey,
  settings: Settings,
  flags: readonly SchedulerFlag[],
): BatchOperation {
  const { persistenceSeconds: timeoutSeconds, netmask, engine, onePacket } = settings
  const scheduler = settings.scheduler || 'wlc'
  if (command === 'add-service') {
    const persistence = timeoutSeconds === undefined ? undefined : { timeoutSeconds, netmask }
    const persistenceEngine = engine || undefined
    const named = { scheduler, schedulerFlags: flags, persistence, persistenceEngine, onePacket }
    return { operation: 'addService', service: { ...service, ...named } }
  }
  const persistence = timeoutSeconds === undefined ? null : { timeoutSeconds, netmask: netmask ?? null }
  const persistenceEngine = engine || (timeoutSeconds === undefined ? undefined : null)
  const patch = { scheduler, schedulerFlags: flags, persistence, persistenceEngine, onePacket }
  return { operation: 'updateService', service, patch }
}

function destination(settings: Settings): Destination {
  const { fwmark, forwarding, weight, upperThreshold, lowerThreshold } = settings
  const { address = '', port = settings.port } = settings.destination ?? {}
  return {
    address,
    // Without NAT the destination has the service's port; a given port is ignored, as by ipvsadm.
    port: fwmark === undefined && forwarding !== 'masquerade' ? settings.port : port,
    forwarding,
    weight,
    upperThreshold,
    lowerThreshold,
    ...(forwarding === 'tunnel' && { tunnel: tunnelOf(settings) }),
  }
}

function tunnelOf({ options, tunnelType: type, tunnelPort: port }: Settings): Tunnel {
  if (type === 'ipip') return { type }
  const checksum = options.has('tun-remcsum') ? 'remote' : options.has('tun-csum') ? 'local' : 'none'
  return { type, checksum, ...(type === 'gue' && { port }) } as Tunnel
}

function daemon({ role, interface: name, syncId, maxLength, group, groupPort: port, ttl }: Settings): SyncDaemon {
  return { role, interface: name || 'eth0', syncId, multicast: { group, port, ttl }, maxLength }
}

const columns = ['stats', 'rate', 'thresholds', 'persistent-conn', 'tun-info'] as const

function list(settings: Settings): Command {
  const { options } = settings
  const numeric = options.has('numeric')
  if (options.has('connection')) return { name: 'connections', numeric, engines: options.has('persistent-conn') }
  if (options.has('timeout')) return { name: 'timeouts' }
  if (options.has('daemon')) return { name: 'daemons' }
  const view: View = {
    numeric,
    columns: columns.find((each) => options.has(each)) ?? 'plain',
    exact: options.has('exact'),
    sorted: !options.has('nosort'),
  }
  return { name: 'list', view, service: options.has('service-address') ? key(settings) : undefined }
}
