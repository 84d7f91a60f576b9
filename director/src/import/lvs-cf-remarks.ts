// Settings of lvs.cf that a site does not have, and where they went.
import type { Remarks } from './imported.ts'
import type { Block, Setting } from './lvs-cf-lines.ts'

const failover = 'two directors: keepalived moves the addresses'
const shared = 'shared disks of failover services'
const timeouts = 'timeouts of the whole kernel table: "ipvs adm --set"'
const sync = "synchronization of connections: the kernel's sync daemon, keepalived starts it"

/** `undefined`: nothing is lost. */
type Loss = string | undefined

/** Of the file. A setting that is not here is not known. */
const globals: Readonly<Record<string, Loss | ((setting: Setting) => Loss)>> = {
  serial_no: undefined,
  network: undefined,
  ipvsadm: undefined,
  debug_level: undefined,
  hard_shutdown: undefined,
  service: ({ words }) => (words[0] === 'lvs' ? undefined : 'only service = lvs is imported'),
  primary: failover,
  primary_private: failover,
  backup: ({ words }) => (words[0] === '0.0.0.0' ? undefined : failover),
  backup_private: ({ words }) => (words[0] === '0.0.0.0' ? undefined : failover),
  backup_active: ({ words }) => (words[0] === '1' ? failover : undefined),
  heartbeat: ({ words }) => (words[0] === '1' ? failover : undefined),
  heartbeat_port: undefined,
  keepalive: failover,
  deadtime: failover,
  primary_shared: shared,
  backup_shared: shared,
  reservation_conflict_action: shared,
  nat_router: ({ words }) =>
    `the servers' gateway ${words.join(' ')}: the network configuration or keepalived brings it up`,
  nat_nmask: undefined,
  rsh_command: 'files are not copied to the other director',
  sync: ({ words }) => (words[0] === '1' ? 'files are not copied to the other director' : undefined),
  monitor_links: ({ words }) => (words[0] === '0' ? undefined : 'links: keepalived watches them (track_interface)'),
  syncdaemon: ({ words }) => (words[0] === '0' ? undefined : sync),
  syncd_iface: sync,
  syncd_id: sync,
  tcp_timeout: timeouts,
  tcpfin_timeout: timeouts,
  udp_timeout: timeouts,
  active_cmd: 'commands at a change of role: keepalived runs them (notify_master)',
  inactive_cmd: 'commands at a change of role: keepalived runs them (notify_backup)',
}

const dead = 'it never had an effect'
const virtualSettings: Readonly<Record<string, Loss | ((setting: Setting) => Loss)>> = {
  active: undefined,
  address: ({ words }) =>
    words[1] === undefined
      ? undefined
      : `the address on ${words[1]}: the network configuration or keepalived brings it up`,
  vip_nmask: undefined,
  port: undefined,
  protocol: ({ words }) => (words[0] === 'tcp' || words[0] === 'udp' ? undefined : 'only tcp and udp are known'),
  fwmark: undefined,
  scheduler: undefined,
  persistent: undefined,
  pmask: undefined,
  send: undefined,
  expect: undefined,
  use_regex: undefined,
  send_program: undefined,
  timeout: undefined,
  reentry: undefined,
  quiesce_server: undefined,
  sorry_server: undefined,
  load_monitor: ({ words }) =>
    words[0] === 'none' ? undefined : 'weights by load: an agent check on the servers does it (agent)',
  client_monitor: ({ words }) =>
    words[0]?.endsWith('/nanny') === true ? undefined : 'another checker than nanny: write a command check',
  start_cmd: 'only failover services have it',
  stop_cmd: 'only failover services have it',
  master: dead,
  dirs: dead,
  expect_program: 'the web tool writes it, but no parser ever took it',
  deadtime: 'the web tool writes it, but no parser ever took it',
}

const serverSettings = new Set(['address', 'active', 'weight', 'port', 'nmask'])

function remarkSettings(
  block: Block,
  known: Readonly<Record<string, Loss | ((setting: Setting) => Loss)>>,
  remarks: Remarks,
): void {
  for (const setting of block.settings.values()) {
    const { key, line, words } = setting
    if (!Object.hasOwn(known, key)) {
      remarks.add('lost', line, `${key} = ${words.join(' ')}: not known`)
      continue
    }
    const loss = known[key]
    const text = typeof loss === 'function' ? loss(setting) : loss
    if (text !== undefined) remarks.add('lost', line, `${key} = ${words.join(' ')}: ${text}`)
  }
}

export function remarkGlobals(file: Block, remarks: Remarks): void {
  remarkSettings(file, globals, remarks)
  for (const { kind, name, line } of file.blocks) {
    if (kind === 'failover')
      remarks.add('lost', line, `failover ${name}: a service that moves with its address; keepalived does it`)
  }
}

export function remarkVirtual(block: Block, remarks: Remarks): void {
  remarkSettings(block, virtualSettings, remarks)
  for (const server of block.blocks) {
    for (const { key, line, words } of server.settings.values()) {
      if (!serverSettings.has(key)) remarks.add('lost', line, `${key} = ${words.join(' ')}: not known`)
    }
  }
}
