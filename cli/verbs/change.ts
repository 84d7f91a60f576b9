// `ipvs add`, `ipvs set`, `ipvs remove`: services and destinations, one at a time.
import type {
  Destination,
  DestinationKey,
  DestinationPatch,
  Forwarding,
  SchedulerFlag,
  Service,
  ServiceKey,
  ServicePatch,
  Tunnel,
} from 'ipvs'
import { Option, type Command } from 'commander'
import type { Context } from '../shared/context.ts'
import { destinationKey, serviceKey, whole } from '../shared/keys.ts'

interface ServiceOptions {
  readonly scheduler?: string
  readonly flags?: string
  readonly persistence?: true | number | false
  readonly netmask?: string
  readonly engine?: string
  readonly onePacket?: boolean
}

interface DestinationOptions {
  readonly forwarding?: Forwarding
  readonly weight?: number
  readonly upper?: number
  readonly lower?: number
  readonly tunnel?: 'ipip' | 'gue' | 'gre'
  readonly tunnelPort?: number
  readonly checksum?: 'none' | 'local' | 'remote'
}

/** Every property has to be named: a setting without an option does not compile. */
type Every<Row> = { readonly [Name in keyof Required<Row>]: Row[Name] }

const listOf = (text: string): SchedulerFlag[] => text.split(',').filter((each) => each !== '') as SchedulerFlag[]

/** The service settings in the options; `undefined` for absent ones. */
export function serviceSettings(options: ServiceOptions): Every<ServicePatch> {
  const { scheduler, flags, persistence, netmask, engine, onePacket } = options
  const mask = netmask !== undefined && /^\d+$/.test(netmask) ? Number(netmask) : netmask
  const timeoutSeconds = typeof persistence === 'number' ? persistence : undefined
  const persistent = persistence === true || timeoutSeconds !== undefined || mask !== undefined
  return {
    scheduler,
    schedulerFlags: flags === undefined ? undefined : listOf(flags),
    persistence: persistence === false ? null : persistent ? { timeoutSeconds, netmask: mask } : undefined,
    persistenceEngine: engine,
    onePacket,
  }
}

/** The destination settings in the options. */
export function destinationSettings(options: DestinationOptions): Every<DestinationPatch> {
  const { forwarding, weight, upper: upperThreshold, lower: lowerThreshold, tunnel: type } = options
  const { tunnelPort: port, checksum } = options
  const said = type ?? port ?? checksum
  const tunnel = said === undefined ? undefined : ({ type, port, checksum } as Tunnel)
  return { forwarding: forwarding ?? (tunnel && 'tunnel'), weight, upperThreshold, lowerThreshold, tunnel }
}

function serviceOptions(command: Command): Command {
  return command
    .argument('<service>', 'tcp:ADDRESS:PORT, udp:…, sctp:…, mark:NUMBER or mark:NUMBER/ipv6', serviceKey)
    .option('--scheduler <name>', 'rr, wrr, lc, wlc, sh, mh …')
    .option('--flags <list>', 'flags of the scheduler: sh-port,sh-fallback')
    .option('--persistence [seconds]', 'keep a client on one destination', whole)
    .option('--netmask <mask>', 'treat clients of one network as one: 255.255.255.0 or a prefix length')
    .option('--engine <name>', 'persistence engine: sip')
    .option('--one-packet', 'schedule each UDP packet separately')
}

function destinationArguments(command: Command): Command {
  return command
    .argument('<service>', 'the service', serviceKey)
    .argument('<destination>', 'ADDRESS or ADDRESS:PORT', destinationKey)
}

function destinationOptions(command: Command): Command {
  return destinationArguments(command)
    .addOption(
      new Option('--forwarding <how>', 'how packets reach it').choices([
        'direct',
        'masquerade',
        'tunnel',
        'local',
        'bypass',
      ]),
    )
    .option('--weight <number>', 'share of new connections; 0 drains it', whole)
    .option('--upper <connections>', 'stop new connections at this number', whole)
    .option('--lower <connections>', 'resume below this number', whole)
    .addOption(new Option('--tunnel <type>', 'encapsulation').choices(['ipip', 'gue', 'gre']))
    .option('--tunnel-port <port>', 'UDP port of gue', whole)
    .addOption(new Option('--checksum <kind>', 'checksums of gue and gre').choices(['none', 'local', 'remote']))
}

const examples = (text: string): string => `\nExamples:\n${text.replace(/^/gm, '  ipvs ')}`

// Settings that the kernel accepts but that have no effect are probably mistakes.
function slip({ port, protocol, fwmark }: ServiceKey, options: ServicePatch): string | undefined {
  const { persistence, persistenceEngine, onePacket } = options
  const only = 'persistent services only; add --persistence'
  if (port === 0 && !persistence) return `--persistence: port 0 (all ports) works in ${only}`
  if (persistenceEngine && !persistence) return `--engine: a persistence engine works in ${only}`
  if (onePacket && fwmark === undefined && protocol !== 'udp')
    return '--one-packet: one-packet scheduling is for udp and marks'
  return undefined
}

function registerAdd(program: Command, context: Context): void {
  const add = program.command('add').description('add a service or a destination')
  serviceOptions(add.command('service'))
    .description('add a service')
    .addHelpText(
      'after',
      examples('add service mark:7 --scheduler rr\nadd service tcp:172.16.0.100:80 --persistence 360'),
    )
    .action(async (key: ServiceKey, options: ServiceOptions, command: Command) => {
      const settings = serviceSettings(options)
      const problem = slip(key, settings)
      if (problem !== undefined) command.error(`ipvs: ${problem}`)
      await context.withIpvs(command, (ipvs) => ipvs.addService({ ...key, ...settings } as Service))
    })
  destinationOptions(add.command('destination'))
    .description('add a destination to a service')
    .addHelpText('after', examples('add destination mark:7 10.0.0.7 --weight 2'))
    .action(async (key: ServiceKey, where: DestinationKey, options: DestinationOptions, command: Command) =>
      context.withIpvs(command, (ipvs) =>
        ipvs.addDestination(key, { ...where, ...destinationSettings(options) } as Destination),
      ),
    )
}

function registerSet(program: Command, context: Context): void {
  const set = program.command('set').description('change settings of a service or a destination')
  serviceOptions(set.command('service'))
    .option('--no-persistence', 'end persistence')
    .option('--no-one-packet', 'schedule UDP by connection again')
    .description('change the given settings of a service, keep the rest')
    .addHelpText('after', examples('set service mark:7 --scheduler wrr\nset service mark:7 --no-persistence'))
    .action(async (key: ServiceKey, _options: object, command: Command) => {
      const patch = serviceSettings(named(command))
      await context.withIpvs(command, (ipvs) => ipvs.updateService(key, patch))
    })
  destinationOptions(set.command('destination'))
    .description('change the given settings of a destination, keep the rest')
    .addHelpText('after', examples('set destination mark:7 10.0.0.7 --weight 0'))
    .action(async (key: ServiceKey, where: DestinationKey, options: DestinationOptions, command: Command) =>
      context.withIpvs(command, (ipvs) => ipvs.updateDestination(key, where, destinationSettings(options))),
    )
}

// The options on the command line, without defaults: an option with a `no-` form has one.
function named(command: Command): ServiceOptions {
  const said = Object.entries(command.opts()).filter(([name]) => command.getOptionValueSource(name) === 'cli')
  return Object.fromEntries(said)
}

function registerRemove(program: Command, context: Context): void {
  const remove = program.command('remove').description('remove a service or a destination')
  remove
    .command('service')
    .argument('<service>', 'the service', serviceKey)
    .description('remove a service with its destinations')
    .addHelpText('after', examples('remove service mark:7'))
    .action(async (key: ServiceKey, _options: object, command: Command) =>
      context.withIpvs(command, (ipvs) => ipvs.removeService(key)),
    )
  destinationArguments(remove.command('destination'))
    .description('remove a destination of a service')
    .addHelpText('after', examples('remove destination tcp:172.16.0.100:80 10.0.0.7'))
    .action(async (key: ServiceKey, where: DestinationKey, _options: object, command: Command) =>
      context.withIpvs(command, (ipvs) => ipvs.removeDestination(key, where)),
    )
}

export function registerChanges(program: Command, context: Context): void {
  registerAdd(program, context)
  registerSet(program, context)
  registerRemove(program, context)
}
