// Settings of keepalived.conf that a site does not have.
import type { Remarks } from './imported.ts'
import { Statements, type Statement } from './keepalived-tree.ts'
import { isChecker } from './keepalived-checks.ts'

const notice = 'a command at a change: read "ipvs-director events"'
const mail = 'mail at a change: read "ipvs-director events", or the journal'

const serviceLosses: Readonly<Record<string, string>> = {
  quorum_up: notice,
  quorum_down: notice,
  ha_suspend: 'checks run whether the address is here or not',
  omega: 'no command runs at the end',
  smtp_alert: mail,
  service_addr: 'not known',
}
const serverLosses: Readonly<Record<string, string>> = { notify_up: notice, notify_down: notice, smtp_alert: mail }

/** Keywords that are read, or that change nothing here. */
const serviceKeywords = new Set(
  `alpha connect_timeout delay_before_retry delay_loop flag-1 flag-2 flag-3 hashed hysteresis inhibit_on_failure ip_family lb_algo
  lb_kind lvs_method lvs_sched mh-fallback mh-port nat_mask nb_get_retry nb_sock_retry no_alpha ops persistence_engine
  persistence_granularity persistence_timeout protocol quorum real_server retry sh-fallback sh-port snmp_name sorry_server
  sorry_server_inhibit sorry_server_lvs_method virtualhost warmup weight`.split(/\s+/),
)
const serverKeywords = new Set(
  `alpha connect_timeout delay_before_retry delay_loop inhibit_on_failure log_all_failures lthreshold lvs_method nb_get_retry
  nb_sock_retry no_alpha retry snmp_name uthreshold virtualhost warmup weight`.split(/\s+/),
)

function remarkBlock(
  block: Statement,
  known: ReadonlySet<string>,
  losses: Readonly<Record<string, string>>,
  remarks: Remarks,
): void {
  for (const statement of block.children ?? []) {
    const [keyword = ''] = statement.words
    if (known.has(keyword) || isChecker(statement)) continue
    remarks.add('lost', statement.line, `${statement.words.join(' ')}: ${losses[keyword] ?? 'not known'}`)
  }
}

/** Of one virtual_server. */
export function remarkService(service: Statement, remarks: Remarks): void {
  remarkBlock(service, serviceKeywords, serviceLosses, remarks)
  for (const server of service.children ?? []) {
    if (server.words[0] === 'real_server') remarkBlock(server, serverKeywords, serverLosses, remarks)
  }
}

/** What keepalived goes on to do. */
const stays = /^(?:vrrp_|static_|track_|bfd_instance|interface|linkbeat|garp_group|net_namespace)/

/** Of the file besides its services. */
export function remarkFile(file: readonly Statement[], remarks: Remarks): void {
  for (const statement of file) {
    const [keyword = '', name = ''] = statement.words
    if (keyword === 'virtual_server' || keyword === 'virtual_server_group') continue
    if (stays.test(keyword)) {
      const text = 'stays with keepalived: remove the virtual_server blocks from its file'
      remarks.add('lost', statement.line, `${keyword} ${name}: ${text}`.replace(' :', ':'))
    } else if (keyword === 'global_defs') remarkGlobals(statement, remarks)
    else remarks.add('lost', statement.line, `${statement.words.join(' ')}: not known`)
  }
}

function remarkGlobals(statement: Statement, remarks: Remarks): void {
  const globals = new Statements(statement)
  const sync = globals.get('lvs_sync_daemon')
  if (sync !== undefined) remarks.add('lost', sync.line, 'lvs_sync_daemon: stays with keepalived')
  const address = globals.get('notification_email')
  if (address !== undefined) remarks.add('lost', address.line, `notification_email: ${mail}`)
  const flush = globals.get('lvs_flush', 'lvs_flush_onstop', 'lvs_flush_on_stop')
  if (flush !== undefined)
    remarks.add('changed', flush.line, `${flush.words.join(' ')}: the table stays when the daemon stops`)
}
