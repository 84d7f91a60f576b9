// The files of `ipvs install-units`: systemd's units, modules and sysctls that bring the table back at boot.

/** Begins every file. A file without it is not replaced or removed. */
export const MARKER = '# Written by "ipvs install-units"; "ipvs uninstall-units" removes it.'

export interface UnitPlan {
  /** Words that run this program, with absolute paths. */
  readonly program: readonly string[]
  /** The file of `ipvs save`. */
  readonly state: string
  /** The director forwards packets: NAT. */
  readonly nat: boolean
}

// In a unit, % begins a specifier, $ a variable, and a path with blanks needs quotes.
function quoted(word: string): string {
  const escaped = word.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('%', '%%').replaceAll('$', '$$$$')
  return /^[\w./+:,%$-]+$/.test(escaped) ? escaped : `"${escaped}"`
}

// Conditions have no variables and no quotes.
const condition = (path: string): string => path.replaceAll('%', '%%')

const order = 'After=local-fs.target systemd-modules-load.service systemd-sysctl.service'

// Marks come before any address exists, so that no packet passes without its mark. Debian's nftables.service flushes all tables
// when it is restarted or reloaded: this unit then runs again.
function marksUnit({ program, state }: UnitPlan): string {
  const restore = [...program, 'restore', '--only', 'marks,nat', state].map(quoted).join(' ')
  return `[Unit]
Description=Firewall marks for IPVS
DefaultDependencies=no
ConditionPathExists=${condition(state)}
Wants=network-pre.target
${order} nftables.service
Before=network-pre.target shutdown.target
Conflicts=shutdown.target
PartOf=nftables.service
ReloadPropagatedFrom=nftables.service

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=${restore}
ExecReload=${restore}

[Install]
WantedBy=sysinit.target
`
}

// Synchronisation daemons need their interface: this one comes after the network.
function servicesUnit({ program, state }: UnitPlan): string {
  return `[Unit]
Description=IPVS services
ConditionPathExists=${condition(state)}
Wants=network.target
After=network.target ipvs-marks.service
Before=keepalived.service

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=${[...program, 'restore', '--only', 'timeouts,services,daemons', state].map(quoted).join(' ')}

[Install]
WantedBy=multi-user.target
`
}

const modules = `# Schedulers are loaded when a service needs them.
ip_vs
nf_tables
`

function sysctls({ nat }: UnitPlan): string {
  const forward = nat ? '' : '# '
  return `# NAT (masquerade) needs forwarding; direct routing and tunnels do not. ipvs install-units --nat sets it.
${forward}net.ipv4.ip_forward = 1
${forward}net.ipv6.conf.all.forwarding = 1
`
}

/** The paths below the root of the system, with their contents. */
export const unitFiles: Readonly<Record<string, (plan: UnitPlan) => string>> = {
  'etc/modules-load.d/ipvs.conf': () => modules,
  'etc/sysctl.d/50-ipvs.conf': sysctls,
  'etc/systemd/system/ipvs-marks.service': marksUnit,
  'etc/systemd/system/ipvs-services.service': servicesUnit,
}
