// The grammar of ipvsadm 1.31: commands, options, and the options of each command.

/** Names of commands in error messages. */
export type CommandName =
  | 'add-service'
  | 'edit-service'
  | 'delete-service'
  | 'flush'
  | 'restore'
  | 'save'
  | 'add-server'
  | 'edit-server'
  | 'delete-server'
  | 'list'
  | 'zero'
  | 'set'
  | 'start-daemon'
  | 'stop-daemon'
  | 'help'
  | 'version'

/** Options in the order in which they are checked. */
export const optionNames = [
  'numeric',
  'connection',
  'service-address',
  'scheduler',
  'persistent',
  'netmask',
  'real-server',
  'forwarding-method',
  'weight',
  'u-threshold',
  'l-threshold',
  'mcast-interface',
  'timeout',
  'daemon',
  'stats',
  'rate',
  'thresholds',
  'persistent-conn',
  'nosort',
  'syncid',
  'exact',
  'ops',
  'pe',
  'sched-flags',
  'mcast-group',
  'mcast-port',
  'mcast-ttl',
  'sync-maxlen',
  'tun-info',
  'tun-type',
  'tun-port',
  'tun-nocsum',
  'tun-csum',
  'tun-remcsum',
] as const

/** Names of options in error messages. Several spellings can be one option, such as the three forwarding methods. */
export type OptionName = (typeof optionNames)[number]

/** Whether a spelling takes a value. `maybe`: the next word, unless it starts with a dash. */
export type Value = 'none' | 'required' | 'maybe'

/** A spelling: `-t`, `--tcp-service`. */
export interface Switch {
  readonly long: string
  readonly short?: string
  readonly value: Value
}

const commandSwitches: readonly (readonly [CommandName, string, string, Value?])[] = [
  ['add-service', 'add-service', 'A'],
  ['edit-service', 'edit-service', 'E'],
  ['delete-service', 'delete-service', 'D'],
  ['flush', 'clear', 'C'],
  ['restore', 'restore', 'R'],
  ['save', 'save', 'S'],
  ['add-server', 'add-server', 'a'],
  ['edit-server', 'edit-server', 'e'],
  ['delete-server', 'delete-server', 'd'],
  ['list', 'list', 'L'],
  ['list', 'list', 'l'],
  ['zero', 'zero', 'Z'],
  ['set', 'set', ''],
  ['start-daemon', 'start-daemon', '', 'required'],
  ['stop-daemon', 'stop-daemon', '', 'required'],
  ['help', 'help', 'h'],
  ['version', 'version', 'v'],
]

const optionSwitches: readonly (readonly [string, string, Value?])[] = [
  ['tcp-service', 't', 'required'],
  ['udp-service', 'u', 'required'],
  ['sctp-service', '', 'required'],
  ['fwmark-service', 'f', 'required'],
  ['ipv6', '6'],
  ['scheduler', 's', 'required'],
  ['persistent', 'p', 'maybe'],
  ['netmask', 'M', 'required'],
  ['real-server', 'r', 'required'],
  ['gatewaying', 'g'],
  ['ipip', 'i'],
  ['masquerading', 'm'],
  ['weight', 'w', 'required'],
  ['u-threshold', 'x', 'required'],
  ['l-threshold', 'y', 'required'],
  ['mcast-interface', '', 'required'],
  ['mcast-group', '', 'required'],
  ['mcast-port', '', 'required'],
  ['mcast-ttl', '', 'required'],
  ['sync-maxlen', '', 'required'],
  ['syncid', '', 'required'],
  ['connection', 'c'],
  ['timeout', ''],
  ['daemon', ''],
  ['stats', ''],
  ['rate', ''],
  ['thresholds', ''],
  ['persistent-conn', ''],
  ['tun-info', ''],
  ['nosort', ''],
  ['sort', ''],
  ['exact', ''],
  ['ops', 'o'],
  ['numeric', 'n'],
  ['pe', '', 'required'],
  ['sched-flags', 'b', 'required'],
  ['tun-type', '', 'required'],
  ['tun-port', '', 'required'],
  ['tun-nocsum', ''],
  ['tun-csum', ''],
  ['tun-remcsum', ''],
]

const switchOf = (long: string, short: string, value: Value = 'none'): Switch => ({
  long,
  value,
  ...(short !== '' && { short }),
})

/** All spellings. */
export const switches: readonly Switch[] = [
  ...commandSwitches.map(([, long, short, value]) => switchOf(long, short, value)),
  ...optionSwitches.map(([long, short, value]) => switchOf(long, short, value)),
]

/** The command of a long spelling. */
export const commandOf: ReadonlyMap<string, CommandName> = new Map(
  commandSwitches.map(([command, long]) => [long, command]),
)

interface Compatibility {
  readonly required?: readonly OptionName[]
  readonly allowed?: readonly OptionName[]
}

const service: Compatibility = {
  required: ['service-address'],
  allowed: ['scheduler', 'persistent', 'netmask', 'ops', 'pe', 'sched-flags'],
}
const server: Compatibility = {
  required: ['service-address', 'real-server'],
  allowed: [
    'forwarding-method',
    'weight',
    'u-threshold',
    'l-threshold',
    'tun-type',
    'tun-port',
    'tun-nocsum',
    'tun-csum',
    'tun-remcsum',
  ],
}

/** The options of each command; all other options are refused. */
export const compatibility: Readonly<Record<CommandName, Compatibility>> = {
  'add-service': service,
  'edit-service': service,
  'delete-service': { required: ['service-address'] },
  flush: {},
  restore: {},
  save: { allowed: ['numeric'] },
  'add-server': server,
  'edit-server': server,
  'delete-server': { required: ['service-address', 'real-server'] },
  list: {
    allowed: [
      'numeric',
      'connection',
      'service-address',
      'timeout',
      'daemon',
      'stats',
      'rate',
      'thresholds',
      'persistent-conn',
      'nosort',
      'syncid',
      'exact',
      'tun-info',
    ],
  },
  zero: { allowed: ['service-address'] },
  set: {},
  'start-daemon': {
    allowed: ['mcast-interface', 'syncid', 'mcast-group', 'mcast-port', 'mcast-ttl', 'sync-maxlen'],
  },
  'stop-daemon': { allowed: ['syncid'] },
  help: {},
  version: {},
}
