// Checks the combination of command and options.
import { compatibility, optionNames, type CommandName, type OptionName } from './options.ts'
import type { Settings, TunnelType } from './settings.ts'
import { UsageError } from './usage-error.ts'

function checkCommand(command: CommandName, options: ReadonlySet<OptionName>): void {
  const { required = [], allowed = [] } = compatibility[command]
  for (const option of optionNames) {
    if (required.includes(option)) {
      if (options.has(option)) continue
      throw new UsageError(`You need to supply the '${option}' option for the '${command}' command`)
    }
    if (options.has(option) && !allowed.includes(option)) {
      throw new UsageError(`Illegal '${option}' option with the '${command}' command`)
    }
  }
}

const conflicts: readonly (readonly [OptionName, OptionName])[] = [
  ['timeout', 'connection'],
  ['daemon', 'connection'],
  ['timeout', 'service-address'],
  ['daemon', 'service-address'],
  ['daemon', 'timeout'],
]
const modes: readonly OptionName[] = ['connection', 'timeout', 'daemon']
const details: readonly OptionName[] = ['stats', 'rate', 'thresholds']

function refuseBoth(options: ReadonlySet<OptionName>, first: OptionName, second: OptionName, where: string): void {
  if (options.has(first) && options.has(second)) {
    throw new UsageError(`The option '${first}' conflicts with the '${second}' option in the ${where}`)
  }
}

function checkList(options: ReadonlySet<OptionName>): void {
  for (const [first, second] of conflicts) refuseBoth(options, first, second, "'list' command")
  const mode = modes.find((each) => options.has(each))
  if (mode === undefined) return
  if (details.some((each) => options.has(each)) || (mode !== 'connection' && options.has('persistent-conn'))) {
    throw new UsageError('options conflicts in the list command')
  }
}

const tunnelOptions: readonly OptionName[] = ['tun-type', 'tun-port', 'tun-nocsum', 'tun-csum', 'tun-remcsum']
const refusedBy: Readonly<Record<TunnelType, readonly OptionName[]>> = {
  ipip: ['tun-port', 'tun-nocsum', 'tun-csum', 'tun-remcsum'],
  gue: [],
  gre: ['tun-port', 'tun-remcsum'],
}
const checksums: readonly (readonly [OptionName, OptionName])[] = [
  ['tun-csum', 'tun-nocsum'],
  ['tun-remcsum', 'tun-csum'],
  ['tun-remcsum', 'tun-nocsum'],
]

function checkTunnel({ options, tunnelType: type }: Settings): void {
  for (const option of tunnelOptions) {
    if (type === 'gue' && option === 'tun-port' && !options.has(option)) {
      throw new UsageError(`You need to supply the 'tun-port' option for the 'gue' tunnel type`)
    }
    if (options.has(option) && refusedBy[type].includes(option)) {
      throw new UsageError(`Illegal '${option}' option with the '${type}' tunnel type`)
    }
  }
  for (const [first, second] of checksums) refuseBoth(options, first, second, `'${type}' tunnel type`)
}

function checkService({ fwmark, port, persistenceSeconds, onePacket, protocol }: Settings): void {
  if (fwmark !== undefined) return
  if (port === 0 && persistenceSeconds === undefined) {
    throw new UsageError('Zero port specified for non-persistent service')
  }
  if (onePacket && protocol !== 'udp') {
    throw new UsageError('One-Packet Scheduling is only for UDP virtual services')
  }
}

function checkServer(settings: Settings): void {
  const { options, family, destination, forwarding } = settings
  if (forwarding !== 'tunnel') {
    if (destination?.family !== family) {
      throw new UsageError('Different address family is allowed only for tunneling servers')
    }
    if (tunnelOptions.some((option) => options.has(option))) {
      throw new UsageError('Tunnel options conflict with forward method')
    }
  }
  checkTunnel(settings)
}

/** Throws a `UsageError` for the first invalid option of a command, in ipvsadm's order. */
export function check(command: CommandName, settings: Settings): void {
  const { options } = settings
  if (command === 'list') refuseBoth(options, 'service-address', 'connection', "'list' command")
  checkCommand(command, options)
  if (command === 'list') checkList(options)
  if (command === 'add-service' || command === 'edit-service') checkService(settings)
  if (command === 'add-server' || command === 'edit-server') checkServer(settings)
}
